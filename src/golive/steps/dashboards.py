"""Judge the dashboards of Grafana: their files, what their queries return, and a Grafana itself."""

import secrets
import time
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from urllib.parse import urlsplit

from pytest_bdd import given, parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment, Kind
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import Unproven
from golive.probes.alert_rules import Rule, Selector, selectors
from golive.probes.dashboards import (
    Answer,
    Dashboard,
    Panel,
    answer,
    shown,
    watched,
)
from golive.probes.http import request
from golive.probes.prometheus import PORT, matching, value
from golive.probes.provisioning import provisioned, provisioning
from golive.steps.expectation import column, listed, require
from golive.steps.prometheus import monitoring, names_of, settled, url
from golive.steps.site import site

_SAMPLED_WITHIN_S = 45  # two scrapes of a target that has just started, 15 s apart
_POLL_S = 0.5


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
) -> None:
    """A rate needs two scrapes of a target that has just started, and somebody who uses it."""
    if environment.kind is not Kind.DEPLOYED and any(tag.startswith("GRF-") for tag in tags):
        prometheus = monitoring(environment, PORT)
        measurements.start(sampled, prometheus)
        https = site(environment, environment.site.ports.https, clients.new())
        measurements.start(used, https, prometheus)


def sampled(prometheus: Endpoint) -> None:
    """Return once rates can be told and alerts are, or waiting has ended.

    Prometheus writes ALERTS from the third evaluation after its start on; one always fires.
    """
    settled(prometheus)
    deadline = time.monotonic() + _SAMPLED_WITHIN_S
    while not _is_sampled(prometheus) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def used(https: Endpoint, prometheus: Endpoint) -> None:
    """Ask for what nobody has asked for yet, until rates can be told.

    Of a cache and a database that nobody uses there is no share of hits and no response time.
    """
    deadline = time.monotonic() + _SAMPLED_WITHIN_S
    with suppress(Unproven):  # other scenarios say what is wrong with the site
        while not _is_sampled(prometheus) and time.monotonic() < deadline:
            request(https, f"/api/v1/search?q=golive{secrets.token_hex(8)}")
            time.sleep(1)


def _is_sampled(prometheus: Endpoint) -> bool:
    """Whether every target was scraped twice, alerts are told, and both stores were used."""
    return (value(prometheus, "min(count_over_time(up[1m]))") or 0) >= 2 and all(
        value(prometheus, f"sum({each}) > 0")
        for each in (
            'ALERTS{alertstate="firing"}',
            "rate(redis_keyspace_misses_total[1m])",
            'rate(mongodb_operation_duration_seconds_count{operation="find"}[1m])',
        )
    )


@given(parsers.parse('the dashboards below "{directory}"'), target_fixture="grafana_files")
def files(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, directory: str
) -> tuple[Dashboard, ...]:
    machine = machines(environment, "monitoring")[0]
    found = measurements.result(provisioned, machine, directory)
    evidence.add("dashboards", [each.title for each in found])
    return found


@then(parsers.parse('the dashboard "{title}" shows'), target_fixture="dashboard")
def dashboard_shows(
    grafana_files: tuple[Dashboard, ...],
    evidence: EvidenceLog,
    title: str,
    datatable: list[list[str]],
) -> Dashboard:
    named = [each for each in grafana_files if each.title == title]
    require(
        len(named) == 1,
        expected=f"one dashboard {title}",
        actual=listed([each.title for each in grafana_files]),
        where="the dashboards' files",
        look="the dashboards' directory, beside Grafana's provisioning files",
    )
    panels = list(named[0].every_panel())
    evidence.add("panels", {panel.title: panel.unit for panel in panels})
    for words, unit in datatable[1:]:
        about = [panel for panel in panels if words.casefold() in panel.title.casefold()]
        require(
            any(panel.unit == unit and panel.targets for panel in about),
            expected=f"a panel {words} in {unit}, with a query",
            actual=listed([f"{panel.title} in {panel.unit or 'no unit'}" for panel in about]),
            where=f"dashboard {title}",
            look=f"the panels of {named[0].uid}",
        )
    return named[0]


@then("each of its queries returns data, and asks for series that there are, whatever the value of")
def queries_return_data(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    dashboard: Dashboard,
    datatable: list[list[str]],
) -> None:
    measurements.result(sampled, prometheus)
    free = column(datatable)
    answers = {}
    for panel, query in _queries([dashboard]):
        answers[query] = said = measurements.result(answer, prometheus, query)
        require_data(said, panel.title, query, url(prometheus, "/graph"))
        for asked in selectors(query):
            freed = _freed(asked, free)
            require(
                measurements.result(matching, prometheus, freed) > 0,
                expected=f"series that {freed} matches",
                actual="none",
                where=f"{panel.title}: {query}",
                look=url(prometheus, "/graph"),
            )
    for query in dashboard.questions():
        answers[query] = said = measurements.result(answer, prometheus, query)
        require_data(said, "the values of a variable", query, url(prometheus, "/graph"))
    evidence.add("series that each query returned", {q: a.series for q, a in answers.items()})


def _freed(asked: Selector, free: list[str]) -> Selector:
    """The selector, with any value of these labels."""
    return Selector(
        asked.metric,
        tuple((each[0], "!=", "") if each[0] in free else each for each in asked.matchers),
    )


def _queries(dashboards: Iterable[Dashboard]) -> Iterable[tuple[Panel, str]]:
    for dashboard in dashboards:
        for panel in dashboard.every_panel():
            for query in dashboard.queries(panel):
                yield panel, query


def require_data(said: Answer, what: str, query: str, look: str) -> None:
    """That a query has returned numbers."""
    require(
        said.series > 0 and not said.error,
        expected="data",
        actual=said.error or "none",
        where=f"{what}: {query}",
        look=look,
    )


@then(parsers.parse("the schema of each is of version {low:d} to {high:d}"))
def schema_is(
    grafana_files: tuple[Dashboard, ...], evidence: EvidenceLog, low: int, high: int
) -> None:
    versions = {each.title: each.schema_version for each in grafana_files}
    evidence.add("schema versions", versions)
    require(
        bool(versions) and all(low <= each <= high for each in versions.values()),
        expected=f"schemaVersion {low} to {high}",
        actual=listed([f"{title}: {version}" for title, version in versions.items()]),
        where="the dashboards' files",
        look="grep schemaVersion",
    )


@then("every panel is of one of the types")
def types_are(
    grafana_files: tuple[Dashboard, ...], evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    known = column(datatable)
    panels = [(board, panel) for board in grafana_files for panel in board.every_panel()]
    evidence.add("panels by type", Counter(panel.type for _, panel in panels))
    for board, panel in panels:
        require(
            panel.type in known,
            expected=f"one of {listed(known)}",
            actual=panel.type,
            where=f"{board.title}: {panel.title}",
            look="Grafana 11 has no Angular panels any more, such as graph",
        )


@then("no two dashboards have one uid, and no two panels of a dashboard one id")
def ids_differ(grafana_files: tuple[Dashboard, ...]) -> None:
    _require_once("the dashboards", [board.uid for board in grafana_files])
    for board in grafana_files:
        _require_once(board.title, [panel.id for panel in board.every_panel()])


def _require_once(where: str, ids: Iterable[object]) -> None:
    twice = [each for each, times in Counter(ids).items() if times > 1]
    require(not twice, expected="each once", actual=f"twice: {listed(twice)}", where=where, look="")


@then(
    "a provider loads them from where they are, "
    "and each data source that they ask is provisioned as the environment's Prometheus"
)
def provided(
    environment: Environment, evidence: EvidenceLog, grafana_files: tuple[Dashboard, ...]
) -> None:
    machine = machines(environment, "monitoring")[0]
    found = provisioning(machine, "/etc/grafana")
    evidence.add("provisioning", found)
    where = machine.path("/etc/grafana/dashboards")
    require(
        where in found.paths,
        expected=f"a provider of {where}",
        actual=listed(found.paths),
        where=machine.name,
        look="/etc/grafana/provisioning/dashboards",
    )
    asked = asked_of(grafana_files)
    sources = {each.uid: each for each in found.data_sources}
    require(
        bool(asked) and asked <= sources.keys(),
        expected=f"data sources {listed(sorted(asked))}",
        actual=listed(sorted(sources)),
        where=machine.name,
        look="/etc/grafana/provisioning/datasources",
    )
    here = {"localhost", *names_of(machine)}
    for uid in sorted(asked):
        at = urlsplit(sources[uid].url)
        require(
            sources[uid].type == "prometheus" and at.hostname in here and at.port == PORT,
            expected=f"the environment's Prometheus: type prometheus, on port {PORT} of one of "
            f"{listed(sorted(here))}",
            actual=f"type {sources[uid].type}, at {sources[uid].url}",
            where=f"data source {uid}",
            look="/etc/grafana/provisioning/datasources",
        )


def asked_of(dashboards: Iterable[Dashboard]) -> set[str]:
    """The data sources that panels ask, by uid."""
    panels = (panel for board in dashboards for panel in board.every_panel())
    return set[str]().union(*map(sources_of, panels))


def sources_of(panel: Panel) -> set[str]:
    """The data sources that a panel asks, by uid."""
    sources = (target.datasource or panel.datasource for target in panel.targets)
    return {source.uid for source in sources if source and source.uid}


@then("a panel that shows what an alert watches marks the alerts' thresholds, and no others")
def thresholds_agree(
    grafana_files: tuple[Dashboard, ...], alert_rules: tuple[Rule, ...], evidence: EvidenceLog
) -> None:
    limits: dict[str, set[float]] = {}
    for what, limit in filter(None, (watched(r.expression) for r in alert_rules if r.alerting)):
        limits.setdefault(what, set()).add(limit)
    marked = {}
    for board in grafana_files:
        for panel in board.every_panel():
            for what in {shown(query) for query in board.queries(panel)} & limits.keys():
                where = f"{board.title}: {panel.title}"
                marked[where] = panel.thresholds
                require(
                    set(panel.thresholds) == limits[what],
                    expected=f"{listed(sorted(limits[what]))} marked, as the alerts have it",
                    actual=listed(panel.thresholds),
                    where=f"{where}: {what}",
                    look="the alerts that Prometheus has loaded",
                )
    evidence.add("thresholds marked, as the alerts have them", marked)


@then("there is such a panel of each of")
def watched_is_shown(
    grafana_files: tuple[Dashboard, ...], alert_rules: tuple[Rule, ...], datatable: list[list[str]]
) -> None:
    on_panels = {shown(query) for _, query in _queries(grafana_files)}
    both = on_panels & {
        found[0] for rule in alert_rules if rule.alerting and (found := watched(rule.expression))
    }
    metrics = {asked.metric for what in both for asked in selectors(what)}
    for metric in column(datatable):
        require(
            metric in metrics,
            expected=f"a panel that shows what an alert watches of {metric}",
            actual=f"of these: {listed(sorted(filter(None, metrics)))}",
            where="the dashboards' files",
            look="the alerts that Prometheus has loaded",
        )
