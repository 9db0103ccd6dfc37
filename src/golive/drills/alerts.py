"""Bring about each condition of the document's table, and see who is told of it, and when.

A Prometheus and an Alertmanager of our own run beside the replica's, with its own rules, routes
and receivers. They ask the replica's exporters and applications, with times made short (see
`Scale`); where a condition would disturb others (CPU, memory, a full Redis), an exporter and a
Redis of our own stand for those of a server.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from golive.drills import causes, shortened
from golive.drills.exporter import QUIET, Exporter, exporting
from golive.drills.shortened import Scale
from golive.endpoint import Endpoint
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes import mongodb, redis
from golive.probes.http import request
from golive.probes.notifications import Notification, received
from golive.probes.own_monitoring import alertmanager, prometheus
from golive.probes.prometheus import Alert, firing, labelled, loaded_rules, targets
from golive.probes.routes import KINDS, Message, messages

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
    """What became of all conditions, and when (s from the first one) heartbeats came.

    `refused` are the channels by which a message could not be given away.
    """

    told: tuple[Told, ...]
    refused: tuple[str, ...]
    heartbeats: tuple[float, ...]


@dataclass
class _Condition:
    """One condition while it lasts. Times are those of the machine's clock."""

    quantity: str
    severity: str
    instance: str
    begin: Callable[[], object]
    began: float = 0.0
    ended: float = 0.0
    alert: Alert | None = None
    promised: tuple[Message, ...] = ()

    def channels(self, *, ended: bool = False) -> set[str]:
        """Those that are told of it by its route, or of its end."""
        return {each.kind for each in self.promised if each.resolved or not ended}


def rehearse(site: Site, scale: Scale) -> Rehearsal:
    """Bring every condition about, await what is told, end them, and await that too.

    What is awaited is what the configuration promises, for a minute at most; what does not come
    by then is not in the result. Raises Unproven.
    """
    label = f"drill-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        drill = stack.enter_context(_watching(site, scale, label))
        ends = stack.enter_context(ExitStack())
        cpu, memory = drill.cpu, drill.memory
        slow = causes.requests(site.slow, "slow?ms=800", senders=8, pause_s=0)
        failing = causes.requests(site.failing, "status?code=500", senders=2, pause_s=0.1)
        reads = causes.slow_reads(site.member, site.mongodb_login, ms=1000)
        first = [
            _Condition("CPU", "warning", drill.cpu_at, lambda: cpu.use(cpu=88)),
            _Condition("memory", "warning", drill.memory_at, lambda: memory.use(memory=90)),
            _Condition("Redis memory", "warning", drill.redis_at, lambda: drill.redis.fill(0.9)),
            _Condition("response time", "warning", _at(site.slow), _entering(ends, slow)),
            _Condition("error rate", "critical", _at(site.failing), _entering(ends, failing)),
            _Condition(
                *("MongoDB response time", "warning", f"{site.member.address}:{mongodb.PORT}"),
                _entering(ends, reads),
            ),
        ]
        second = [
            _Condition("CPU", "critical", drill.cpu_at, lambda: cpu.use(cpu=99.5)),
            _Condition("memory", "critical", drill.memory_at, lambda: memory.use(memory=97)),
        ]
        drill.begin(first)
        drill.begin(second)
        for each in (*first, *second):
            each.ended = time.time()
        cpu.use(cpu=QUIET)
        memory.use(memory=QUIET)
        drill.redis.fill(0)
        ends.close()
        drill.await_ended([*first, *second])
        return drill.result([*first, *second])


def _entering(stack: ExitStack, cause: AbstractContextManager[None]) -> Callable[[], object]:
    return lambda: stack.enter_context(cause)


@dataclass
class _Drill:
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

    def begin(self, conditions: list[_Condition]) -> None:
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
                each.alert and each.channels() <= _messages(each, heard).keys() | refused
                for each in conditions
            )

        _until(told)

    def await_ended(self, conditions: list[_Condition]) -> None:
        """Return when each channel that was told of one was told of its end, or time is up."""

        def told() -> bool:
            heard = self.heard()
            return all(
                each.channels(ended=True) & _messages(each, heard).keys()
                <= _messages(each, heard, ended=True).keys()
                for each in conditions
            )

        _until(told)

    def result(self, conditions: list[_Condition]) -> Rehearsal:
        """What became of the conditions."""
        heard, fired = self.heard(), labelled(self.prometheus, _FIRED)
        began = conditions[0].began
        beats = (each for each in heard if each.channel == "heartbeat")
        return Rehearsal(
            tuple(_told(each, heard, fired) for each in conditions),
            tuple(sorted(self.refused())),
            tuple(round(each.received.timestamp() - began, 2) for each in beats),
        )

    def _look(self, conditions: list[_Condition]) -> None:
        alerts = firing(self.prometheus)
        for each in (each for each in conditions if each.alert is None):
            each.alert = next((a for a in alerts if _concerns(a, each)), None)
            if each.alert:
                each.promised = messages(self.routes, each.alert.labels)


def _concerns(alert: Alert, condition: _Condition) -> bool:
    labels = dict(alert.labels)
    return labels.get("severity") == condition.severity and condition.instance in labels.values()


def _messages(
    condition: _Condition, heard: tuple[Notification, ...], *, ended: bool = False
) -> dict[str, Notification]:
    """The first message by each channel that tells of it, or of its end."""
    if condition.alert is None:
        return {}
    name = dict(condition.alert.labels)["alertname"]
    found: dict[str, Notification] = {}
    for each in heard:
        at = each.received.timestamp()
        if (
            each.resolved == ended
            and at > (condition.ended if ended else condition.began)
            and name in each.text
            and condition.instance in each.text
        ):
            found.setdefault(each.channel, each)
    return found


def _told(
    condition: _Condition,
    heard: tuple[Notification, ...],
    fired: dict[tuple[tuple[str, str], ...], float],
) -> Told:
    begun, ended = _messages(condition, heard), _messages(condition, heard, ended=True)
    alert = condition.alert
    first = min(
        (at for labels, at in fired.items() if alert and labels == alert.labels), default=None
    )
    return Told(
        condition.quantity,
        condition.severity,
        condition.instance,
        dict(alert.labels)["alertname"] if alert else None,
        alert.value if alert else None,
        None if first is None else round(first - condition.began, 2),
        {name: round(m.received.timestamp() - condition.began, 2) for name, m in begun.items()},
        {name: round(m.received.timestamp() - condition.ended, 2) for name, m in ended.items()},
        {name: message.text for name, message in begun.items()},
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
        full_at = f"redis://{node.address}:{node.port}"
        told = stack.enter_context(alertmanager(routes))
        asked = {
            "node-exporter": (cpu_at, memory_at),
            "api-server": (),
            "redis": (full_at,),
            "mongodb": (),
        }
        text = host.read("/etc/prometheus/prometheus.yml")
        configuration = shortened.prometheus(text, scale, asked, _at(told), label)
        watch = stack.enter_context(prometheus(configuration, rules))
        drill = _Drill(
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


def _at(endpoint: Endpoint) -> str:
    return f"{endpoint.address}:{endpoint.port}"
