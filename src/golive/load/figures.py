"""What the servers say of a run: the figures of the environment's own Prometheus.

A run may be shorter than two scrapes. So what counts up is compared between the last scrape before
it and the first after it, or the first within it where there was none before.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.outcome import Unproven, Whose
from golive.probes.prometheus import Series, loaded_rules, recorded, targets

_JOBS = "api-server|node-exporter|redis|mongodb"
_POLL_S = 0.5
_LATE_S = 5  # a scrape later than its interval
_IDLE = "ping"  # what watches, not what is done for anybody
_FAULTY = "5"  # the first digit of a status
_SLOW_MONGODB_S = "0.1"  # a bound of the application's histogram


@dataclass(frozen=True)
class ServerFigures:
    """One application server during a run; None where it was not scraped twice.

    `requests` it answered, `faulty` of them with 5xx; times are means in ms, `lag_ms` is the
    longest that its event loop was late, `cpu` how many cores its workers used on average,
    `memory_mb` the most they held. `mongodb_ms` is a command's time as the application sees it,
    `pool_ms` what it waited for a connection before.
    """

    name: str
    requests: int
    faulty: int
    mean_ms: float | None
    lag_ms: float | None
    cpu: float | None
    memory_mb: float | None
    mongodb_ms: float | None
    pool_ms: float | None
    redis_ms: float | None


@dataclass(frozen=True)
class HostFigures:
    """A machine: the most CPU it used between two scrapes, and of its memory, in percent."""

    name: str
    cpu_percent: float | None
    memory_percent: float | None


@dataclass(frozen=True)
class Firing:
    """An alert, and of what."""

    name: str
    subject: str

    def __str__(self) -> str:
        return f"{self.name} {self.subject}".strip()


@dataclass(frozen=True)
class Figures:
    """All servers during a run. `begin` and `end` are those of the scrapes, a little wider.

    `mongodb_commands` were sent by the application, `mongodb_slow` of them took longer than
    `mongodb_limit_ms`; `mongodb_own_ms` is what MongoDB itself counts as an operation's mean.
    `alerts` are the names that Prometheus knows, `firing` those that fired.
    """

    begin: datetime
    end: datetime
    servers: tuple[ServerFigures, ...]
    hosts: tuple[HostFigures, ...]
    mongodb_commands: int
    mongodb_slow: int
    mongodb_own_ms: float | None
    mongodb_limit_ms: int
    connections: int | None
    alerts: tuple[str, ...]
    firing: tuple[Firing, ...]


def figures(
    prometheus: Endpoint, environment: Environment, began: datetime, ended: datetime
) -> Figures:
    """The figures of the time from `began` to `ended`.

    Waits until everything has been scraped after that. Raises Unproven where it is not, or where
    nothing is known of the application.
    """
    interval = max(
        (each.interval_s for each in targets(prometheus) if each.job in _JOBS.split("|")), default=0
    )
    if not interval:
        raise Unproven("Prometheus scrapes none of the jobs that tell of a run", Whose.TARGET)
    since = began - timedelta(seconds=2 * interval)
    until = _scraped(prometheus, since, ended, interval)
    seen = recorded(prometheus, f'{{job=~"{_JOBS}"}}', since, until)
    window = _Window(began.timestamp(), ended.timestamp(), _first_scrapes(seen))
    application = [each for each in seen if each["job"] == "api-server"]
    names = _names(environment)
    instances = sorted({each["instance"] for each in application})
    if not instances:
        raise Unproven("Prometheus has nothing on the application's servers", Whose.TARGET)
    commands = [each for each in application if each["operation"] != _IDLE]
    total = _grown(window, _called(commands, "mongodb_operation_duration_seconds_count"))
    fast = _grown(
        window, _called(commands, "mongodb_operation_duration_seconds_bucket", le=_SLOW_MONGODB_S)
    )
    mongodb = [each for each in seen if each["job"] == "mongodb"]
    return Figures(
        begin=since,
        end=until,
        servers=tuple(
            _server(
                window,
                names.get(each.rpartition(":")[0], each),
                [series for series in application if series["instance"] == each],
            )
            for each in instances
        ),
        hosts=_hosts(window, [each for each in seen if each["job"] == "node-exporter"], names),
        mongodb_commands=round(total),
        mongodb_slow=round(total - fast),
        mongodb_own_ms=_mean_ms(window, mongodb, "mongodb_operation_latency_seconds"),
        mongodb_limit_ms=round(1000 * float(_SLOW_MONGODB_S)),
        connections=_whole(_most(window, _called(mongodb, "mongodb_connections"))),
        alerts=tuple(
            sorted({each.rule.name for each in loaded_rules(prometheus) if each.rule.alerting})
        ),
        firing=_firing(prometheus, began, until),
    )


@dataclass(frozen=True)
class _Window:
    """A run's time, and when each instance was scraped first of what was recorded."""

    begin: float
    end: float
    first: dict[str, float]

    def pair(self, series: Series) -> tuple[tuple[float, float], ...]:
        """The samples from the last before it to the first after it."""
        before = [each for each in series.samples if each[0] <= self.begin][-1:]
        within = [each for each in series.samples if self.begin < each[0] < self.end]
        after = [each for each in series.samples if each[0] >= self.end][:1]
        return (*before, *within, *after)

    def counted(self, series: Series) -> list[float]:
        """The values of a counter; one that was not there at an earlier scrape began at 0."""
        pair = self.pair(series)
        values = [value for _, value in pair]
        new = bool(pair) and series.samples[0][0] > self.first[series["instance"]]
        return [0.0, *values] if new and pair[0][0] > self.begin else values


def _first_scrapes(seen: Iterable[Series]) -> dict[str, float]:
    first: dict[str, float] = {}
    for each in seen:
        at = each.samples[0][0]
        first[each["instance"]] = min(at, first.get(each["instance"], at))
    return first


def _scraped(prometheus: Endpoint, since: datetime, ended: datetime, interval: float) -> datetime:
    """When every target had been scraped after `ended`."""
    deadline = time.monotonic() + interval + _LATE_S
    while True:
        now = datetime.now(UTC)
        last = [
            each.samples[-1][0]
            for each in recorded(prometheus, f'up{{job=~"{_JOBS}"}}', since, now)
            if each.samples
        ]
        if last and min(last) >= ended.timestamp():
            return now
        if time.monotonic() > deadline:
            behind = round(ended.timestamp() - min(last, default=0))
            reason = f"Prometheus has not scraped everything since the run: {behind} s behind"
            raise Unproven(reason, Whose.TARGET)
        time.sleep(_POLL_S)


def _called(series: Iterable[Series], name: str, **labels: str) -> list[Series]:
    return [
        each
        for each in series
        if each["__name__"] == name and all(each[key] == value for key, value in labels.items())
    ]


def _grown(window: _Window, series: Iterable[Series]) -> float:
    """By how much counters have grown; one that fell began anew."""
    return sum(_growth(window.counted(each)) for each in series)


def _growth(values: list[float]) -> float:
    return sum(after - before if after >= before else after for before, after in pairwise(values))


def _most(window: _Window, series: Iterable[Series]) -> float | None:
    return max((value for each in series for _, value in window.pair(each)[1:]), default=None)


def _mean_ms(window: _Window, series: list[Series], name: str) -> float | None:
    counted = [each for each in series if _IDLE not in (each["operation"], each["command"])]
    number = _grown(window, _called(counted, f"{name}_count"))
    return 1000 * _grown(window, _called(counted, f"{name}_sum")) / number if number else None


def _server(window: _Window, name: str, series: list[Series]) -> ServerFigures:
    requests = [
        each
        for each in _called(series, "http_requests_total")
        if each["route"] not in ("/metrics", "/ready", "/health")
    ]
    answered = [each for each in series if each["route"] not in ("/metrics", "/ready", "/health")]
    faulty = [each for each in requests if each["status"].startswith(_FAULTY)]
    used = _called(series, "process_cpu_seconds_total")
    spans = [pair[-1][0] - pair[0][0] for each in used if len(pair := window.pair(each)) > 1]
    lag = _most(window, _called(series, "nodejs_eventloop_lag_max_seconds"))
    memory = _most(window, _called(series, "process_resident_memory_bytes"))
    return ServerFigures(
        name=name,
        requests=round(_grown(window, requests)),
        faulty=round(_grown(window, faulty)),
        mean_ms=_mean_ms(window, answered, "http_request_duration_seconds"),
        lag_ms=None if lag is None else 1000 * lag,
        cpu=_grown(window, used) / spans[0] if spans else None,
        memory_mb=None if memory is None else memory / 2**20,
        mongodb_ms=_mean_ms(window, series, "mongodb_operation_duration_seconds"),
        pool_ms=_mean_ms(window, series, "mongodb_connection_wait_seconds"),
        redis_ms=_mean_ms(window, series, "redis_command_duration_seconds"),
    )


def _hosts(window: _Window, series: list[Series], names: dict[str, str]) -> tuple[HostFigures, ...]:
    found = []
    for instance in sorted({each["instance"] for each in series}):
        its = [each for each in series if each["instance"] == instance]
        idle = [window.pair(each) for each in _called(its, "node_cpu_seconds_total", mode="idle")]
        steps = [pairwise(cpu) for cpu in idle]
        rates = [[(b[1] - a[1]) / (b[0] - a[0]) for a, b in cpu] for cpu in steps]
        busy = [100 * (1 - sum(each) / len(each)) for each in zip(*rates, strict=False)]
        free = _called(its, "node_memory_MemAvailable_bytes")
        whole = _called(its, "node_memory_MemTotal_bytes")
        shares = [
            100 * (1 - available / total)
            for each, other in zip(free, whole, strict=True)
            for (_, available), (_, total) in zip(
                window.pair(each), window.pair(other), strict=False
            )
            if total
        ]
        found.append(
            HostFigures(
                names.get(instance.rpartition(":")[0], instance),
                max(busy, default=None),
                max(shares, default=None),
            )
        )
    return tuple(found)


def _firing(prometheus: Endpoint, began: datetime, until: datetime) -> tuple[Firing, ...]:
    selector = 'ALERTS{alertstate="firing",severity!="none"}'
    found = recorded(prometheus, selector, began, until)
    fired = {(each["alertname"], each["instance"] or each["member"]) for each in found}
    return tuple(Firing(*each) for each in sorted(fired))


def _names(environment: Environment) -> dict[str, str]:
    """The name of a host by what Prometheus calls it: its address, or its name."""
    named = {name: name.partition(".")[0] for name in environment.hosts}
    addresses = {host.address: named[name] for name, host in environment.hosts.items()}
    return named | {address: name for address, name in addresses.items() if address}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
