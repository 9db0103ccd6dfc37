"""Lose a Redis node under traffic (ARC-07): the application goes on without its cache."""

from dataclasses import dataclass

from golive.drills.stage import Stage
from golive.drills.traffic import Kind, Share
from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.readiness import readiness
from golive.probes.redis import Node, replication
from golive.replica.restart import await_ready, kill, start_ended

_REQUESTS = 20  # without the node
_APPLICATION = 3000
_BACK_WITHIN_S = 30.0


@dataclass(frozen=True)
class NodeLoss:
    """The loss of a node, and that after `back_s` it was back: replicating, and in use.

    `requests` of every kind were begun until then.
    """

    node: str
    back_s: float
    requests: Share


class Losing:
    """The node is killed when this is made, and started again."""

    def __init__(self, stage: Stage, host: str, users: tuple[str, ...]) -> None:
        """`users` are the application servers that must have it back (hosts)."""
        self._stage, self._host = stage, host
        self._began_s = stage.traffic.now()
        directory = stage.replica.directory
        kill(directory, host)
        stage.traffic.more(_REQUESTS)
        start_ended(directory)
        await_ready(directory, host)
        stage.traffic.until(lambda: self._is_back(users), f"{host} is in use", _BACK_WITHIN_S)
        self._back_s = stage.traffic.now()

    def seen(self) -> NodeLoss:
        """What was seen: the traffic has ended."""
        return NodeLoss(
            self._host,
            round(self._back_s - self._began_s, 3),
            self._stage.traffic.share(Kind, self._began_s, self._back_s),
        )

    def _is_back(self, users: tuple[str, ...]) -> bool:
        hosts = self._stage.replica.subnet.hosts
        try:
            primary = replication(
                Node("redis-1", hosts["redis-1"]), self._stage.replica.redis_admin
            )
            others = len(self._stage.replica.subnet.named("redis-")) - 1
            online = [each for each in primary.attached if each.state == "online"]
            return len(online) == others and all(
                readiness(Endpoint(hosts[user], _APPLICATION, user)).status == 200 for user in users
            )
        except Unproven:
            return False
