"""Lose a Redis node under traffic (ARC-07): the application goes on without its cache."""

import time
from dataclasses import dataclass

from golive.drills.stage import Replica, Stage
from golive.drills.traffic import Kind, Share, Traffic
from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.readiness import readiness
from golive.probes.redis import Node, replication
from golive.replica.restart import await_ready, kill, start_ended

_LOST_S = 6.0  # longer than any request may take: who waits for the node is seen to
_POLL_S = 0.05
_APPLICATION, _OK = 3000, 200
_BACK_WITHIN_S = 30.0


@dataclass(frozen=True)
class NodeLoss:
    """The loss of a node; `back_s` after its start it was back: replicating, and in use.

    `requests` of every kind were begun between its loss and then.
    """

    node: str
    back_s: float
    requests: Share


def lose(stage: Stage, host: str, users: tuple[str, ...]) -> tuple[float, float, float]:
    """Kill a node, and start it again; when it was lost, started, back, in the traffic's time.

    It is back once it replicates, and the application on the hosts `users` reaches Redis.
    """
    directory, traffic = stage.replica.directory, stage.traffic
    began_s = traffic.now()
    kill(directory, host)
    while traffic.now() < began_s + _LOST_S:
        time.sleep(_POLL_S)
    started_s = traffic.now()
    start_ended(directory)
    await_ready(directory, host)
    traffic.until(lambda: _is_back(stage.replica, users), f"{host} is in use", _BACK_WITHIN_S)
    return began_s, started_s, traffic.now()


def seen(host: str, began_s: float, started_s: float, back_s: float, traffic: Traffic) -> NodeLoss:
    """What was seen of a loss at these times: the traffic has ended."""
    return NodeLoss(host, round(back_s - started_s, 3), traffic.share(Kind, began_s, back_s))


def _is_back(replica: Replica, users: tuple[str, ...]) -> bool:
    hosts, others = replica.subnet.hosts, len(replica.subnet.named("redis-")) - 1
    try:
        primary = replication(Node("redis-1", hosts["redis-1"]), replica.redis_admin)
        if sum(each.state == "online" for each in primary.attached) != others:
            return False
        asked = (Endpoint(hosts[user], _APPLICATION, user) for user in users)
        return all(readiness(endpoint).status == _OK for endpoint in asked)
    except Unproven:
        return False
