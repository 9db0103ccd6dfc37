"""Cut the application servers off from MongoDB under traffic: who is told so, and when (ARC-06)."""

import time
from dataclasses import dataclass

from golive.drills import application_servers
from golive.drills.stage import Replica, staged
from golive.drills.traffic import Kind, Sent, Share, Traffic
from golive.probes.mongodb import primary_of
from golive.replica.network import cut

_RESUMED_WITHIN_S = 30.0
_WRITES = 20  # acknowledged before, and as many afterwards
_POLL_S = 0.05


@dataclass(frozen=True)
class NetworkCut:
    """What became of requests begun in the `cut_s` seconds in which it was cut.

    `resumed_s` after it was mended a write was acknowledged again (None: not in time). Of all
    `acknowledged` writes, some of them before, `missing` are not on the primary. `untouched`:
    the processes of the application servers are the same.
    """

    cut_s: float
    status: Share
    writes: Share
    resumed_s: float | None
    acknowledged: int
    missing: int
    untouched: bool


def cut_off(replica: Replica, seconds: float) -> NetworkCut:
    """Cut the network for a while, and wait until writes go on. Raises Unproven, NotRun."""
    with staged(replica) as stage:
        traffic = stage.traffic
        before = application_servers.processes(replica.directory)
        _await_writes(traffic)
        with cut(replica.subnet, "app-", "mongo-"):
            began_s = traffic.now()
            while traffic.now() < began_s + seconds:
                time.sleep(_POLL_S)
            ended_s = traffic.now()
        while (resumed_s := _resumed(traffic, ended_s)) is None:
            if traffic.now() > ended_s + _RESUMED_WITHIN_S:
                break
            time.sleep(_POLL_S)
        if resumed_s is not None:
            _await_writes(traffic)
        written = [each.id for each in traffic.acknowledged()]
        primary = primary_of(replica.members, replica.mongodb_admin)
        missing = replica.without(primary, written)
        untouched = before == application_servers.processes(replica.directory)
    return NetworkCut(
        cut_s=round(ended_s - began_s, 3),
        status=traffic.share((Kind.STATUS,), began_s, ended_s),
        writes=traffic.share((Kind.WRITE,), began_s, ended_s),
        resumed_s=resumed_s,
        acknowledged=len(written),
        missing=missing,
        untouched=untouched,
    )


def _await_writes(traffic: Traffic) -> None:
    wanted = len(traffic.acknowledged()) + _WRITES
    traffic.until(lambda: len(traffic.acknowledged()) >= wanted, "writes are acknowledged")


def _resumed(traffic: Traffic, mended_s: float) -> float | None:
    """After how long the first write was acknowledged that was begun since it was mended."""
    after = [each for each in traffic.acknowledged() if each.at_s >= mended_s]
    return min((round(_answered_s(each) - mended_s, 3) for each in after), default=None)


def _answered_s(sent: Sent) -> float:
    return sent.at_s + sent.took_s
