"""Judge Prometheus itself: what it scrapes, the rules that it has, where it sends alerts."""

import time
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest
from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import (
    Rule,
    Selector,
    canonical,
    parse_rules,
    selectors,
    shortest_window_s,
)
from golive.probes.http import request
from golive.probes.prometheus import (
    PORT,
    LoadedRule,
    Target,
    alertmanagers,
    configuration,
    loaded_rules,
    matching,
    targets,
    value,
)
from golive.steps.expectation import column, listed, require

_STARTS_WITHIN_S = 25  # a first scrape and a first evaluation may be a whole interval away
_POLL_S = 0.5
_OK = 200
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
    now = _now(prometheus)
    found = targets(prometheus)
    evidence.add("targets", {f"{each.job} {each.instance}": each.interval_s for each in found})
    _require_targets(prometheus, found, "any")
    for each in found:
        age = (now - each.scraped).total_seconds() if each.scraped else None
        require(
            each.interval_s == every and age is not None and age <= last,
            expected=f"scraped every {every} s, and within the last {last} s",
            actual=f"every {each.interval_s:g} s, {_ago(age)}",
            where=f"{each.job} {each.instance}",
            look=url(prometheus, "/targets"),
        )


@then(
    parsers.parse("every rule is evaluated every {every:d} s, and was within the last {last:d} s")
)
def evaluated(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    every: int,
    last: int,
) -> None:
    measurements.result(settled, prometheus)
    now = _now(prometheus)
    general = configuration(prometheus)
    evidence.add("configuration", general)
    rules = loaded_rules(prometheus)
    _require_rules(prometheus, rules)
    for each in rules:
        age = (now - each.evaluated).total_seconds() if each.evaluated else None
        require(
            general.evaluation_interval_s == each.rule.interval_s == every
            and age is not None
            and age <= last,
            expected=f"evaluated every {every} s, and within the last {last} s",
            actual=f"every {each.rule.interval_s} s (as a rule, every "
            f"{general.evaluation_interval_s:g} s), {_ago(age)}",
            where=f"{each.rule.name} of the group {each.rule.group}",
            look=url(prometheus, "/rules"),
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
        its = [each for each in found if urlsplit(each.url).hostname in _names(machine)]
        require(
            any(each.health == "up" and urlsplit(each.url).port == port for each in its),
            expected=f"a target on port {port}, up",
            actual=listed([f"{each.url} {each.health} {each.error}".strip() for each in its]),
            where=f"job {job}, {machine.name}",
            look=url(prometheus, "/targets"),
        )


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
        its = [each for each in found if any(name in each.instance for name in _names(machine))]
        require(
            any(each.health == "up" and urlsplit(each.url).port == port for each in its),
            expected=f"a target on port {port} that is told to measure it, up",
            actual=listed([f"{each.url} {each.health} {each.error}".strip() for each in its]),
            where=f"job {job}, {machine.name}",
            look=url(prometheus, "/targets"),
        )


@then(parsers.parse('the job "{job}" is up by port {port:d}'))
def exporter_is_up(
    prometheus: Endpoint, measurements: Measurements, evidence: EvidenceLog, job: str, port: int
) -> None:
    found = _job(prometheus, measurements, evidence, job)
    require(
        any(each.health == "up" and urlsplit(each.url).port == port for each in found),
        expected=f"a target on port {port}, up",
        actual=listed([f"{each.url} {each.health} {each.error}".strip() for each in found]),
        where=f"job {job}",
        look=url(prometheus, "/targets"),
    )


@then(parsers.parse('a series "{metric}" is 1 for each of'))
def series_is_one(
    environment: Environment,
    prometheus: Endpoint,
    evidence: EvidenceLog,
    metric: str,
    datatable: list[list[str]],
) -> None:
    for machine in (each for role in column(datatable) for each in machines(environment, role)):
        names = "|".join(name.replace(".", "[.]") for name in _names(machine))
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
        "{count:d} requests on connections of their own are sent to one application server"
    ),
    target_fixture="counted_before",
)
def requests_sent(environment: Environment, count: int) -> float:
    endpoint = _application(environment)
    before = _counted(endpoint)
    for _ in range(count):
        request(endpoint, f"/__replica/status?code={_MARK}", scheme="http")
    return before


@then(
    parsers.parse("its metrics count {count:d} requests more, whichever worker is asked"),
)
def requests_counted(
    environment: Environment, evidence: EvidenceLog, counted_before: float, count: int
) -> None:
    endpoint = _application(environment)
    deadline = time.monotonic() + _COUNTED_WITHIN_S
    # A request is counted when its connection has closed, which may be after its answer.
    while _counted(endpoint) - counted_before < count and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    seen = [_counted(endpoint) - counted_before for _ in range(_SCRAPES)]
    evidence.add("requests counted, by each of several scrapes", seen)
    require(
        seen == [count] * _SCRAPES,
        expected=f"{count} by each of {_SCRAPES} scrapes",
        actual=listed([f"{each:g}" for each in seen]),
        where=url(endpoint, "/metrics"),
        look=f"curl -s {url(endpoint, '/metrics')} | grep 'status=\"{_MARK}\"', several times",
    )


@then(parsers.parse('the rules loaded from "{path}" are those of the file now'))
def rules_are_the_files(
    environment: Environment, prometheus: Endpoint, evidence: EvidenceLog, path: str
) -> None:
    machine = machines(environment, "monitoring")[0]
    written = parse_rules(machine.read(path))
    name = PurePosixPath(path).name
    loaded = [
        each.rule for each in loaded_rules(prometheus) if PurePosixPath(each.file).name == name
    ]
    evidence.add("rules of the file, and loaded", [len(written), len(loaded)])
    there, here = ({_meaning(rule) for rule in rules} for rules in (written, loaded))
    require(
        bool(written) and there == here,
        expected=f"the {len(written)} rules of {path}",
        actual=f"{len(loaded)} rules; not loaded: {_named(there - here)}; "
        f"not in the file: {_named(here - there)}",
        where=prometheus,
        look=f"compare {path} with {url(prometheus, '/rules')}; then promtool check rules {path}",
    )


@then("the last reload of the configuration succeeded")
def reloaded(prometheus: Endpoint, evidence: EvidenceLog) -> None:
    seen = configuration(prometheus)
    evidence.add("configuration", seen)
    require(
        seen.reloaded,
        expected="a configuration that was read as a whole",
        actual="the last reload failed, and an older configuration is in force",
        where=prometheus,
        look="promtool check config /etc/prometheus/prometheus.yml",
    )


@then("every rule is healthy")
def rules_healthy(prometheus: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    measurements.result(settled, prometheus)
    rules = loaded_rules(prometheus)
    evidence.add("rules", {each.rule.name: each.health for each in rules})
    _require_rules(prometheus, rules)
    for each in rules:
        require(
            each.health == "ok",
            expected="health ok",
            actual=f"{each.health} {each.error}".strip(),
            where=each.rule.name,
            look=url(prometheus, "/rules"),
        )


@then("every selector of every rule matches a series, whatever the value of")
def selectors_match(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    measurements.result(settled, prometheus)
    free = column(datatable)
    rules = loaded_rules(prometheus)
    _require_rules(prometheus, rules)
    matches: dict[Selector, int] = {}
    for each in rules:
        for selector in selectors(each.rule.expression):
            freed = tuple(
                (name, "!=", "") if name in free else (name, operator, wanted)
                for name, operator, wanted in selector.matchers
            )
            asked = Selector(selector.metric, freed)
            if asked not in matches:
                matches[asked] = matching(prometheus, asked)
            require(
                matches[asked] > 0,
                expected="series that it matches: the rule can never do anything else",
                actual="none",
                where=f"{selector} of the rule {each.rule.name}",
                look=url(prometheus, "/graph"),
            )
    evidence.add("series that match", {str(asked): count for asked, count in matches.items()})


@then("every window of a rule holds at least two scrapes")
def windows_are_long_enough(prometheus: Endpoint, evidence: EvidenceLog) -> None:
    least = 2 * configuration(prometheus).scrape_interval_s
    windows = {
        each.rule.name: shortest_window_s(each.rule.expression) for each in loaded_rules(prometheus)
    }
    evidence.add("shortest window, in seconds", windows)
    for name, window in windows.items():
        require(
            window is None or window >= least,
            expected=f"a window of at least {least:g} s: a rate needs two scrapes",
            actual=f"{window} s",
            where=name,
            look=url(prometheus, "/rules"),
        )


@then(
    parsers.parse(
        "exactly {count:d} Alertmanager is active, on port {port:d}, and none was dropped"
    )
)
def alertmanager_is_active(
    prometheus: Endpoint, evidence: EvidenceLog, count: int, port: int
) -> None:
    seen = alertmanagers(prometheus)
    evidence.add("Alertmanagers", seen)
    ports = [urlsplit(each).port for each in seen.active]
    require(
        ports == [port] * count and not seen.dropped,
        expected=f"{count} on port {port}",
        actual=f"active: {listed(seen.active)}; dropped: {listed(seen.dropped)}",
        where=prometheus,
        look=url(prometheus, "/status"),
    )


@then("it answers that it is ready")
def alertmanager_is_ready(prometheus: Endpoint) -> None:
    for each in alertmanagers(prometheus).active:
        where = urlsplit(each)
        endpoint = Endpoint(where.hostname or "", where.port or 0, where.hostname or "")
        response = request(endpoint, "/-/ready", scheme="http")
        require(
            response.status == _OK,
            expected=_OK,
            actual=response.status,
            where=url(endpoint, "/-/ready"),
            look=f"curl -i {url(endpoint, '/-/ready')}",
        )


def _job(
    prometheus: Endpoint, measurements: Measurements, evidence: EvidenceLog, job: str
) -> list[Target]:
    found = [each for each in measurements.result(settled, prometheus) if each.job == job]
    evidence.add("targets", {each.instance: [each.url, each.health] for each in found})
    return found


def _names(machine: Machine) -> list[str]:
    return [name for name in (machine.host.address, machine.name) if name]


def _require_targets(prometheus: Endpoint, found: tuple[Target, ...], which: str) -> None:
    require(
        bool(found),
        expected=f"{which} target",
        actual="none",
        where=prometheus,
        look=url(prometheus, "/targets"),
    )


def _require_rules(prometheus: Endpoint, rules: tuple[LoadedRule, ...]) -> None:
    require(
        bool(rules),
        expected="rules",
        actual="none is loaded",
        where=prometheus,
        look=url(prometheus, "/rules"),
    )


def _now(prometheus: Endpoint) -> datetime:
    """Prometheus' own time: ours may be another."""
    now = value(prometheus, "vector(time())")
    if now is None:
        raise Unproven("Prometheus does not tell its time", Whose.TARGET)
    return datetime.fromtimestamp(now, UTC)


def _ago(age_s: float | None) -> str:
    return "never" if age_s is None else f"{age_s:.0f} s ago"


def _meaning(rule: Rule) -> tuple[object, ...]:
    """What two rules that mean the same have in common."""
    expression = canonical(rule.expression)
    return (rule.name, rule.group, expression, rule.for_s, rule.keep_firing_s, rule.labels)


def _named(meanings: set[tuple[object, ...]]) -> str:
    return listed(sorted(str(each[0]) for each in meanings))


def _application(environment: Environment) -> Endpoint:
    machine = machines(environment, "app")[0]
    return Endpoint(machine.host.address or machine.name, 3000, machine.name)


def _counted(endpoint: Endpoint) -> float:
    """The requests with our mark that an application server says it has answered."""
    text = request(endpoint, "/metrics", scheme="http").body.decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("http_requests_total{") and f'status="{_MARK}"' in line
    )
