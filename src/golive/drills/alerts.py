"""Bring about each condition of the document's table, and see who is told of it, and when.

A Prometheus and an Alertmanager of our own run beside the replica's, with its own rules, routes
and receivers. They ask the replica's exporters and applications, with times made short (see
`Scale`); where a condition would disturb others (CPU, memory, a full Redis), an exporter and a
Redis of our own stand for those of a server.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from golive.drills import causes, shortened
from golive.drills.exporter import QUIET_CPU, QUIET_MEMORY, Exporter, exporting
from golive.drills.shortened import Scale
from golive.endpoint import Endpoint
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes import mongodb, redis
from golive.probes.notifications import Notification, received
from golive.probes.own_monitoring import alertmanager, prometheus
from golive.probes.prometheus import Alert, firing, loaded_rules, targets
from golive.probes.routes import messages

_WITHIN_S = 60
_POLL_S = 0.2


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
class Told:
    """What became of one condition: of `quantity` on the server that series call `instance`.

    `alert` is the one of `severity` that fired, `value` (its unit) what it had seen; None where
    none fired. `fired_s` and `begun` are the seconds from when the condition came about until the
    alert fired and each channel was told; `ended` those from its end until that was told.
    `texts` is what each channel was told at first.
    """

    quantity: str
    severity: str
    instance: str
    alert: str | None
    value: float | None
    fired_s: float | None
    begun: dict[str, float]
    ended: dict[str, float]
    texts: dict[str, str]


@dataclass(frozen=True)
class Rehearsal:
    """What became of all conditions, and when (s from the first one) heartbeats came."""

    told: tuple[Told, ...]
    heartbeats: tuple[float, ...]


@dataclass
class _Condition:
    """One condition while it lasts. Times are those of the machine's clock."""

    quantity: str
    severity: str
    instance: str
    caused: float = 0.0
    fired: float | None = None
    ended: float = 0.0
    alert: Alert | None = None
    channels: frozenset[str] = frozenset()


def rehearse(site: Site, scale: Scale) -> Rehearsal:
    """Bring every condition about, await what is told, end them, and await that too.

    What is awaited is what the configuration promises, for a minute at most; what does not come
    by then is not in the result. Raises Unproven.
    """
    label = f"drill-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        drill = stack.enter_context(_watching(site, scale, label))
        ends = stack.enter_context(ExitStack())
        redis_instance = f"redis://{site.own[2]}:{redis.PORT}"
        first = [
            _Condition("CPU", "warning", drill.cpu_instance),
            _Condition("memory", "warning", drill.memory_instance),
            _Condition("Redis memory", "warning", redis_instance),
            _Condition("response time", "warning", _at(site.slow)),
            _Condition("error rate", "critical", _at(site.failing)),
            _Condition("MongoDB response time", "warning", f"{site.member.address}:27017"),
        ]
        second = [
            _Condition("CPU", "critical", drill.cpu_instance),
            _Condition("memory", "critical", drill.memory_instance),
        ]
        began = _begin(first)
        drill.cpu.cpu, drill.memory.memory = 88.0, 90.0
        drill.redis.fill(0.9)
        ends.enter_context(causes.requests(site.slow, "slow?ms=800", senders=8, pause_s=0))
        ends.enter_context(causes.requests(site.failing, "status?code=500", 2, pause_s=0.1))
        ends.enter_context(causes.slow_reads(site.member, site.mongodb_login, ms=1000))
        drill.await_told(first)
        _begin(second)
        drill.cpu.cpu, drill.memory.memory = 99.5, 97.0
        drill.await_told(second)
        _end([*first, *second])
        drill.cpu.cpu, drill.memory.memory = QUIET_CPU, QUIET_MEMORY
        drill.redis.fill(0)
        ends.close()
        drill.await_ended([*first, *second])
        heard = drill.heard()
        return Rehearsal(
            tuple(_told(each, heard) for each in (*first, *second)),
            tuple(
                each.received.timestamp() - began for each in heard if each.channel == "heartbeat"
            ),
        )


def _end(conditions: list[_Condition]) -> None:
    now = time.time()
    for each in conditions:
        each.ended = now


def _begin(conditions: list[_Condition]) -> float:
    now = time.time()
    for each in conditions:
        each.caused = now
    return now


@dataclass
class _Drill:
    """The servers of our own, and what they say."""

    site: Site
    label: str
    routes: str
    prometheus: Endpoint
    cpu: Exporter
    cpu_instance: str
    memory: Exporter
    memory_instance: str
    redis: causes.OwnRedis

    def heard(self) -> tuple[Notification, ...]:
        """What the receivers were told by our Alertmanager."""
        return tuple(each for each in received(self.site.received) if self.label in each.text)

    def await_told(self, conditions: list[_Condition]) -> None:
        """Return when each has fired and every channel of its route was told, or time is up."""

        def told() -> bool:
            self._look(conditions)
            heard = self.heard()
            return all(
                each.alert and each.channels <= _told(each, heard).begun.keys()
                for each in conditions
            )

        _until(told)

    def await_ended(self, conditions: list[_Condition]) -> None:
        """Return when each channel that was told of one was told of its end, or time is up."""

        def told() -> bool:
            heard = self.heard()
            each_told = [_told(each, heard) for each in conditions]
            return all(each.begun.keys() <= each.ended.keys() for each in each_told)

        _until(told)

    def _look(self, conditions: list[_Condition]) -> None:
        alerts, now = firing(self.prometheus), time.time()
        for each in conditions:
            if each.alert is None:
                each.alert = next((a for a in alerts if _concerns(a, each)), None)
                if each.alert:
                    each.fired = now
                    promised = messages(self.routes, each.alert.labels)
                    each.channels = frozenset(message.kind for message in promised)


def _concerns(alert: Alert, condition: _Condition) -> bool:
    labels = dict(alert.labels)
    return labels.get("severity") == condition.severity and condition.instance in labels.values()


def _told(condition: _Condition, heard: tuple[Notification, ...]) -> Told:
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    texts: dict[str, str] = {}
    alert = condition.alert
    name = dict(alert.labels)["alertname"] if alert else None
    for each in heard:
        if name is None or name not in each.text or condition.instance not in each.text:
            continue
        at = each.received.timestamp()
        if not each.resolved and each.channel not in begun:
            begun[each.channel] = round(at - condition.caused, 2)
            texts[each.channel] = each.text
        if each.resolved and condition.ended and at > condition.ended:
            ended.setdefault(each.channel, round(at - condition.ended, 2))
    return Told(
        condition.quantity,
        condition.severity,
        condition.instance,
        name,
        alert.value if alert else None,
        round(condition.fired - condition.caused, 2) if condition.fired else None,
        begun,
        ended,
        texts,
    )


@contextmanager
def _watching(site: Site, scale: Scale, label: str) -> Iterator[_Drill]:
    """Our own servers, once they have seen all that they watch, and all is well."""
    host = site.monitoring
    routes = shortened.alertmanager(host.read("/etc/alertmanager/alertmanager.yml"), scale)
    rules = shortened.rules(host.read("/etc/prometheus/alerts.yml"), scale)
    node = redis.Node("drill", site.own[2])
    with ExitStack() as stack:
        cpu, cpu_at = stack.enter_context(exporting(site.node_exporter, site.own[0]))
        memory, memory_at = stack.enter_context(exporting(site.node_exporter, site.own[1]))
        full = stack.enter_context(causes.own_redis(node, site.redis_login))
        told = stack.enter_context(alertmanager(routes))
        asked = {
            "node-exporter": (cpu_at, memory_at),
            "api-server": (),
            "redis": (f"redis://{node.address}:{node.port}",),
            "mongodb": (),
        }
        text = host.read("/etc/prometheus/prometheus.yml")
        configuration = shortened.prometheus(text, scale, asked, _at(told), label)
        watch = stack.enter_context(prometheus(configuration, rules))
        drill = _Drill(site, label, routes, watch, cpu, cpu_at, memory, memory_at, full)
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


def _at(endpoint: Endpoint) -> str:
    return f"{endpoint.address}:{endpoint.port}"
