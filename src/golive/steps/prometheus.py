"""Judge what Prometheus scrapes."""

import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.probes.prometheus import (
    PORT,
    Target,
    loaded_rules,
    targets,
    value,
)
from golive.steps.expectation import column, listed, require

_STARTS_WITHIN_S = 25  # a first scrape and a first evaluation may be a whole interval away
_POLL_S = 0.5
_MARK = 418  # a status that nothing else is answered with
_COUNTED_WITHIN_S = 2
_SCRAPES = 6  # enough to meet each of two workers, all but surely


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """What has just started is scraped and evaluated within 15 s."""
    if environment.kind is not Kind.DEPLOYED and any(tag.startswith("PRM-") for tag in tags):
        measurements.start(settled, monitoring(environment, PORT))


def settled(prometheus: Endpoint) -> tuple[Target, ...]:
    """The targets, once each is up and each rule evaluated, or waiting has ended.

    Prometheus may have scraped a server while it was starting: what it says of one that is not
    up counts once it has scraped it again.
    """
    began = datetime.now(UTC)
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while True:
        found = targets(prometheus)
        begun = all(each.health == "up" or (each.scraped or began) > began for each in found)
        begun = begun and all(each.evaluated for each in loaded_rules(prometheus))
        if begun or time.monotonic() > deadline:
            return found
        time.sleep(_POLL_S)


@pytest.fixture
def prometheus(environment: Environment) -> Endpoint:
    """Where its HTTP API is: on the monitoring host."""
    return monitoring(environment, PORT)


def monitoring(environment: Environment, port: int) -> Endpoint:
    """A service of the monitoring host."""
    machine = machines(environment, "monitoring")[0]
    return Endpoint(machine.host.address or machine.name, port, machine.name)


def url(endpoint: Endpoint, path: str) -> str:
    """An address for a person's `curl`."""
    return f"http://{endpoint.address}:{endpoint.port}{path}"


@then(
    parsers.parse("every target is scraped every {every:d} s, and was within the last {last:d} s")
)
def scraped(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    every: int,
    last: int,
) -> None:
    measurements.result(settled, prometheus)
    now = now_of(prometheus)
    found = targets(prometheus)
    evidence.add("targets", {f"{each.job} {each.instance}": each.interval_s for each in found})
    _require_targets(prometheus, found, "any")
    for each in found:
        age = (now - each.scraped).total_seconds() if each.scraped else None
        require(
            each.interval_s == every and age is not None and age <= last,
            expected=f"scraped every {every} s, and within the last {last} s",
            actual=f"every {each.interval_s:g} s, {ago(age)}",
            where=f"{each.job} {each.instance}",
            look=url(prometheus, "/targets"),
        )


@then(parsers.parse('the job "{job}" is up on port {port:d} of each of'))
def job_is_up(
    environment: Environment,
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    job: str,
    port: int,
    datatable: list[list[str]],
) -> None:
    found = _job(prometheus, measurements, evidence, job)
    for machine in (each for role in column(datatable) for each in machines(environment, role)):
        its = [each for each in found if urlsplit(each.url).hostname in names_of(machine)]
        _require_up(prometheus, its, port, f"job {job}, {machine.name}")


@then(parsers.parse('it is scraped at "{path}"'))
def scraped_at(prometheus: Endpoint, measurements: Measurements, path: str) -> None:
    for each in measurements.result(settled, prometheus):
        if each.job == "api-server":
            require(
                urlsplit(each.url).path == path,
                expected=path,
                actual=each.url,
                where=f"{each.job} {each.instance}",
                look=url(prometheus, "/targets"),
            )


@then(parsers.parse('the job "{job}" is up by port {port:d} for each of'))
def exporter_is_up_for(
    environment: Environment,
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    job: str,
    port: int,
    datatable: list[list[str]],
) -> None:
    found = _job(prometheus, measurements, evidence, job)
    for machine in (each for role in column(datatable) for each in machines(environment, role)):
        its = [each for each in found if host_of(each.instance) in names_of(machine)]
        _require_up(prometheus, its, port, f"job {job}, told to measure {machine.name}")


@then(parsers.parse('the job "{job}" is up by port {port:d}'))
def exporter_is_up(
    prometheus: Endpoint, measurements: Measurements, evidence: EvidenceLog, job: str, port: int
) -> None:
    found = _job(prometheus, measurements, evidence, job)
    _require_up(prometheus, found, port, f"job {job}")


@then(parsers.parse('a series "{metric}" is 1 for each of'))
def series_is_one(
    environment: Environment,
    prometheus: Endpoint,
    evidence: EvidenceLog,
    metric: str,
    datatable: list[list[str]],
) -> None:
    for machine in (each for role in column(datatable) for each in machines(environment, role)):
        names = "|".join(name.replace(".", "[.]") for name in names_of(machine))
        query = f'max({metric}{{member=~"({names})(:.*)?"}})'
        seen = value(prometheus, query)
        evidence.add(query, seen)
        require(
            seen == 1,
            expected="1",
            actual="no such series" if seen is None else seen,
            where=query,
            look=url(prometheus, "/graph"),
        )


@when(
    parsers.parse(
        "{count:d} requests on connections of their own are sent to each application server"
    ),
    target_fixture="counted_before",
)
def requests_sent(environment: Environment, count: int) -> dict[Endpoint, float]:
    before = {endpoint: _counted(endpoint) for endpoint in _applications(environment)}
    for endpoint in before:
        for _ in range(count):
            request(endpoint, f"/__replica/status?code={_MARK}", scheme="http")
    return before


@then(
    parsers.parse("its metrics count {count:d} requests more, whichever worker is asked"),
)
def requests_counted(
    evidence: EvidenceLog, counted_before: dict[Endpoint, float], count: int
) -> None:
    counted: dict[str, list[float]] = {}
    for endpoint, before in counted_before.items():
        deadline = time.monotonic() + _COUNTED_WITHIN_S
        # A request is counted when its connection has closed, which may be after its answer.
        while _counted(endpoint) - before < count and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        counted[endpoint.name] = [_counted(endpoint) - before for _ in range(_SCRAPES)]
    evidence.add("requests counted, by each of several scrapes", counted)
    for endpoint in counted_before:
        seen = counted[endpoint.name]
        require(
            seen == [count] * _SCRAPES,
            expected=f"{count} by each of {_SCRAPES} scrapes",
            actual=listed([f"{each:g}" for each in seen]),
            where=url(endpoint, "/metrics"),
            look=f"curl -s {url(endpoint, '/metrics')} | grep 'status=\"{_MARK}\"', several times",
        )


def _job(
    prometheus: Endpoint, measurements: Measurements, evidence: EvidenceLog, job: str
) -> list[Target]:
    found = [each for each in measurements.result(settled, prometheus) if each.job == job]
    evidence.add("targets", {each.instance: [each.url, each.health] for each in found})
    return found


def names_of(machine: Machine) -> list[str]:
    """By what a machine is called in the files of others: its address, its name."""
    return [name for name in (machine.host.address, machine.name) if name]


def host_of(address: str) -> str:
    """The host of a host:port or of a URL."""
    return urlsplit(address if "//" in address else f"//{address}").hostname or address


def _require_up(prometheus: Endpoint, found: Sequence[Target], port: int, where: str) -> None:
    require(
        any(each.health == "up" and urlsplit(each.url).port == port for each in found),
        expected=f"a target on port {port}, up",
        actual=listed([f"{each.url} {each.health} {each.error}".strip() for each in found]),
        where=where,
        look=url(prometheus, "/targets"),
    )


def _require_targets(prometheus: Endpoint, found: tuple[Target, ...], which: str) -> None:
    require(
        bool(found),
        expected=f"{which} target",
        actual="none",
        where=prometheus,
        look=url(prometheus, "/targets"),
    )


def now_of(prometheus: Endpoint) -> datetime:
    """Prometheus' own time: ours may be another."""
    now = value(prometheus, "vector(time())")
    if now is None:
        raise Unproven("Prometheus does not tell its time", Whose.TARGET)
    return datetime.fromtimestamp(now, UTC)


def ago(age_s: float | None) -> str:
    """An age in words."""
    return "never" if age_s is None else f"{age_s:.0f} s ago"


def _applications(environment: Environment) -> list[Endpoint]:
    return [
        Endpoint(machine.host.address or machine.name, 3000, machine.name)
        for machine in machines(environment, "app")
    ]


def _counted(endpoint: Endpoint) -> float:
    """The requests with our mark that an application server says it has answered."""
    text = request(endpoint, "/metrics", scheme="http").body.decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("http_requests_total{") and f'status="{_MARK}"' in line
    )
