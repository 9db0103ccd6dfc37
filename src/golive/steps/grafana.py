"""Judge what a Grafana itself has of the dashboards."""

from collections import Counter

from pytest_bdd import given, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.machine import credential
from golive.outcome import NotRun
from golive.probes import grafana as api
from golive.probes.dashboards import Dashboard
from golive.probes.grafana import Grafana
from golive.steps.dashboards import asked_of, require_data, sources_of
from golive.steps.expectation import column, listed, require


@given("the Grafana that the environment names", target_fixture="grafana")
def named_grafana(environment: Environment) -> Grafana:
    if environment.grafana is None:
        raise NotRun(f"{environment.name} names no Grafana: give its address as grafana: url")
    return Grafana.at(environment.grafana.url, credential(environment, "grafana-token"))


@then("it has the dashboards", target_fixture="grafana_has")
def has_dashboards(
    grafana: Grafana, evidence: EvidenceLog, datatable: list[list[str]]
) -> tuple[Dashboard, ...]:
    found = api.dashboards(grafana, column(datatable))
    titles = [each.title for each in found]
    evidence.add("dashboards", titles)
    for title in column(datatable):
        require(
            title in titles,
            expected=f"a dashboard {title}",
            actual=listed(titles),
            where=grafana.url(""),
            look=grafana.url("/dashboards"),
        )
    return found


@then("their panels have the titles, units, thresholds and queries that the files have")
def panels_are_those_of_the_files(
    grafana: Grafana,
    evidence: EvidenceLog,
    grafana_files: tuple[Dashboard, ...],
    grafana_has: tuple[Dashboard, ...],
) -> None:
    written = {board.title: _panels(board) for board in grafana_files}
    evidence.add("panels", {board.title: len(_panels(board)) for board in grafana_has})
    for board in grafana_has:
        there, here = Counter(_panels(board)), Counter(written.get(board.title, ()))
        require(
            there == here,
            expected=f"as in the file: {listed([str(each) for each in here - there])}",
            actual=listed([str(each) for each in there - here]),
            where=board.title,
            look=grafana.url(f"/d/{board.uid}"),
        )


def _panels(board: Dashboard) -> list[tuple[object, ...]]:
    """What is judged of each panel."""
    return [
        (panel.title, panel.unit, panel.thresholds, board.queries(panel))
        for panel in board.every_panel()
    ]


@then("each data source that they ask is healthy")
def data_sources_are_healthy(
    grafana: Grafana, evidence: EvidenceLog, grafana_has: tuple[Dashboard, ...]
) -> None:
    asked = {uid: api.health(grafana, uid) for uid in sorted(asked_of(grafana_has))}
    evidence.add("data sources", asked)
    for uid, health in asked.items():
        require(
            health.well,
            expected="healthy",
            actual=health.message,
            where=f"data source {uid}",
            look=grafana.url(f"/connections/datasources/edit/{uid}"),
        )


@then("each query of theirs returns data there")
def queries_return_data_there(
    grafana: Grafana, evidence: EvidenceLog, grafana_has: tuple[Dashboard, ...]
) -> None:
    answers = {}
    for board in grafana_has:
        for panel in board.every_panel():
            queries, look = board.queries(panel), grafana.url(f"/d/{board.uid}")
            sources = sorted(sources_of(panel))
            require(
                not queries or bool(sources),
                expected="a data source",
                actual="none is named: Grafana asks whatever is its default",
                where=f"{board.title}: {panel.title}",
                look=look,
            )
            for uid in sources:
                for query in queries:
                    answers[query] = said = api.answer(grafana, uid, query)
                    require_data(said, panel.title, query, look)
    evidence.add("series that each query returned", {q: a.series for q, a in answers.items()})
