"""A Prometheus and an Alertmanager of our own beside a replica's, and what they say in a drill."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from golive.drills import causes, shortened
from golive.drills.conditions import Condition, Told
from golive.drills.exporter import Exporter, exporting
from golive.drills.shortened import Scale
from golive.endpoint import Endpoint
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes import mongodb, redis
from golive.probes.http import request
from golive.probes.notifications import Notification, received
from golive.probes.own_monitoring import alertmanager, prometheus
from golive.probes.prometheus import firing, labelled, loaded_rules, targets
from golive.probes.routes import KINDS, messages

_WITHIN_S = 60
_POLL_S = 0.2
_FAILED = re.compile(
    r'^alertmanager_notifications_failed_total\{integration="(\w+)"\} [1-9]', re.MULTILINE
)
# When each alert fired first; without alertstate, these are its own labels.
_FIRED = 'min without (alertstate) (min_over_time(timestamp(ALERTS{alertstate="firing"})[5m:1s]))'


@dataclass(frozen=True)
class Site:
    """What a drill needs of a replica. `own` are addresses that nobody else uses.

    `received` is the directory in which the receivers keep what they are told.
    """

    monitoring: Machine
    node_exporter: Endpoint
    slow: Endpoint
    failing: Endpoint
    member: mongodb.Member
    mongodb_login: mongodb.Login
    redis_login: redis.Login
    own: tuple[str, ...]
    received: Path


@dataclass(frozen=True)
class Rehearsal:
    """What became of all conditions, and when (s from the first one) heartbeats came.

    `refused` are the channels by which a message could not be given away.
    """

    told: tuple[Told, ...]
    refused: tuple[str, ...]
    heartbeats: tuple[float, ...]


@dataclass
class Watch:
    """The servers of our own, and what they say."""

    site: Site
    label: str
    routes: str
    alertmanager: Endpoint
    prometheus: Endpoint
    cpu: Exporter
    cpu_at: str
    memory: Exporter
    memory_at: str
    redis: causes.OwnRedis
    redis_at: str

    def heard(self) -> tuple[Notification, ...]:
        """What the receivers were told by our Alertmanager."""
        return tuple(each for each in received(self.site.received) if self.label in each.text)

    def refused(self) -> set[str]:
        """The channels by which our Alertmanager could not give away a message."""
        page = request(self.alertmanager, "/metrics", scheme="http").body.decode()
        return {KINDS.get(f"{name}_configs", name) for name in _FAILED.findall(page)}

    def begin(self, conditions: list[Condition]) -> None:
        """Bring these about; return when every channel of each one's route was told.

        Or when time is up.
        """
        for each in conditions:
            each.began = time.time()
            each.begin()

        def told() -> bool:
            self._look(conditions)
            heard, refused = self.heard(), self.refused()
            return all(
                each.alert and each.channels() <= each.messages(heard).keys() | refused
                for each in conditions
            )

        _until(told)

    def await_ended(self, conditions: list[Condition]) -> None:
        """Return when each channel that was told of one was told of its end, or time is up."""

        def told() -> bool:
            heard = self.heard()
            return all(
                each.channels(ended=True) & each.messages(heard).keys()
                <= each.messages(heard, ended=True).keys()
                for each in conditions
            )

        _until(told)

    def result(self, conditions: list[Condition]) -> Rehearsal:
        """What became of the conditions."""
        heard, fired = self.heard(), labelled(self.prometheus, _FIRED)
        began = conditions[0].began
        beats = (each for each in heard if each.channel == "heartbeat")
        return Rehearsal(
            tuple(each.told(heard, fired) for each in conditions),
            tuple(sorted(self.refused())),
            tuple(round(each.received.timestamp() - began, 2) for each in beats),
        )

    def _look(self, conditions: list[Condition]) -> None:
        alerts = firing(self.prometheus)
        for each in (each for each in conditions if each.alert is None):
            each.alert = next((a for a in alerts if each.concerns(a)), None)
            if each.alert:
                each.promised = messages(self.routes, each.alert.labels)


@contextmanager
def watching(site: Site, scale: Scale, label: str) -> Iterator[Watch]:
    """Our own servers, once they have seen all that they watch, and all is well."""
    host = site.monitoring
    routes = shortened.alertmanager(host.read("/etc/alertmanager/alertmanager.yml"), scale)
    rules = shortened.rules(host.read("/etc/prometheus/alerts.yml"), scale)
    node = redis.Node("drill", site.own[2])
    with ExitStack() as stack:
        cpu, cpu_at = stack.enter_context(exporting(site.node_exporter, site.own[0]))
        memory, memory_at = stack.enter_context(exporting(site.node_exporter, site.own[1]))
        full = stack.enter_context(causes.own_redis(node, site.redis_login))
        full_at = f"redis://{node.address}:{node.port}"
        told = stack.enter_context(alertmanager(routes))
        asked = {
            "node-exporter": (cpu_at, memory_at),
            "api-server": (),
            "redis": (full_at,),
            "mongodb": (),
        }
        text = host.read("/etc/prometheus/prometheus.yml")
        configuration = shortened.prometheus(text, scale, asked, at(told), label)
        watch = stack.enter_context(prometheus(configuration, rules))
        drill = Watch(
            site, label, routes, told, watch, cpu, cpu_at, memory, memory_at, full, full_at
        )
        if not _until(lambda: _all_seen(watch)):
            down = [f"{each.url}: {each.error}" for each in targets(watch) if each.health != "up"]
            reason = f"our Prometheus does not see all that it is to watch: {down}"
            raise Unproven(reason, Whose.TARGET)
        yield drill


def _all_seen(watch: Endpoint) -> bool:
    up = all(each.health == "up" for each in targets(watch))
    return up and all(each.evaluated for each in loaded_rules(watch))


def _until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def at(endpoint: Endpoint) -> str:
    """Its address as series have it: address:port."""
    return f"{endpoint.address}:{endpoint.port}"
