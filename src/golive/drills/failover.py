"""Lose one part of a replica after the other, under the same traffic; see what users see of it.

Everything is healed, and the whole replica as before, when a drill has ended, however it ends.
"""

import time
from dataclasses import dataclass

from golive.drills import application_servers, mongodb_primary, redis_node
from golive.drills.application_servers import Growth, ServerLoss, grow, one_more, stall
from golive.drills.mongodb_primary import PrimaryLoss
from golive.drills.redis_node import NodeLoss
from golive.drills.stage import Replica, staged
from golive.drills.traffic import Kind, Share
from golive.replica.order import disorder, inventory

_SETTLED_WITHIN_S = 10.0
_POLL_S = 0.1


@dataclass(frozen=True)
class FailoverDrill:
    """All that was seen. `growing` and `stalled` are the requests of these times.

    `changed` says what is not as it was before the drill, now that everything is healed;
    `lasted_s` is how long the traffic flowed.
    """

    growth: Growth
    growing: Share
    server: ServerLoss
    stalled_s: float
    stalled: Share
    nodes: tuple[NodeLoss, ...]
    primary: PrimaryLoss
    changed: tuple[str, ...]
    lasted_s: float


def fail_over(replica: Replica, stalled_s: float) -> FailoverDrill:
    """Add a server, lose one, a Redis replica, the Redis primary, the MongoDB primary.

    In this order, since each must be judged alone: what users ask while a database has no
    primary needs no database. Raises Unproven.
    """
    before = inventory(replica.directory)
    with one_more(replica) as address, staged(replica) as stage:
        growth = grow(stage, address)
        # Back before anything else is lost: a balancer that does not retry loses requests until
        # then, and they would be laid at another's door.
        server = application_servers.Losing(stage)
        server.lose()
        server.await_ready()
        server.await_back()
        nodes = {
            host: redis_node.lose(stage, host, users=("app-1", "app-3"))
            for host in ("redis-2", "redis-1")
        }
        primary = mongodb_primary.Losing(stage, "killed")
        primary.lose()
        begin, end = stall(stage, stalled_s)
        primary.await_writes()
        primary.heal()
    traffic = stage.traffic
    return FailoverDrill(
        growth=growth,
        growing=traffic.share((Kind.STATUS, Kind.READ), growth.began_s, growth.ended_s),
        server=server.seen(),
        stalled_s=round(end - begin, 3),
        stalled=traffic.share((Kind.STATUS,), begin, end),
        nodes=tuple(redis_node.seen(host, *times, traffic) for host, times in nodes.items()),
        primary=primary.seen(),
        changed=_changed(replica, before),
        lasted_s=round(traffic.now(), 3),
    )


@dataclass(frozen=True)
class FreezeDrill:
    """What was seen of a primary that froze; `changed` as above."""

    primary: PrimaryLoss
    changed: tuple[str, ...]


def freeze_primary(replica: Replica) -> FreezeDrill:
    """Freeze the MongoDB primary under traffic, and let it go on later. Raises Unproven."""
    before = inventory(replica.directory)
    with staged(replica) as stage:
        primary = mongodb_primary.Losing(stage, "frozen")
        primary.lose()
        primary.await_writes()
        primary.heal()
    return FreezeDrill(primary.seen(), _changed(replica, before))


def _changed(replica: Replica, before: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What is not as before, at the end of the wait: a child that saves a snapshot soon ends."""
    until = time.monotonic() + _SETTLED_WITHIN_S
    while (found := _differing(replica, before)) and time.monotonic() < until:
        time.sleep(_POLL_S)
    return found


def _differing(replica: Replica, before: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    after = inventory(replica.directory)
    others = (
        f"{name} has the processes {', '.join(after[name])}, it had {', '.join(programs)}"
        for name, programs in before.items()
        if after[name] != programs
    )
    return (*disorder(replica.directory), *others)
