"""A Grafana is judged by its HTTP API: right, and wrong in each way."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.probes.dashboards import Answer, read
from golive.probes.grafana import Grafana, Health, answer, dashboards, health
from golive.steps.dashboards import (
    data_sources_are_healthy,
    has_dashboards,
    queries_return_data_there,
)

from .grafana_server import TOKEN, Contents, grafana

FILES = Path(__file__).parents[2] / "environments/stack/grafana/dashboards"
TITLES = [["Redis"], ["Sécurité"]]


@pytest.fixture
def contents() -> Contents:
    models = [json.loads(file.read_text()) for file in FILES.glob("*.json")]
    return Contents({each["uid"]: each for each in models})


@pytest.fixture
def served(contents: Contents) -> Iterator[Grafana]:
    with grafana(contents) as url:
        yield Grafana.at(url, TOKEN)


def judge(served: Grafana) -> None:
    has = has_dashboards(served, EvidenceLog(), TITLES)
    assert sorted(each.title for each in has) == ["Redis", "Sécurité"]
    data_sources_are_healthy(served, EvidenceLog(), has)
    queries_return_data_there(served, EvidenceLog(), has)


def a_query(contents: Contents) -> str:
    board = read(json.dumps(contents.dashboards["dv-redis"]), "redis")
    return board.queries(board.panels[0])[0]


def test_a_grafana_that_has_all_passes(served: Grafana):
    judge(served)


def test_a_missing_dashboard_is_seen(served: Grafana, contents: Contents):
    del contents.dashboards["dv-security"]
    with pytest.raises(AssertionError, match="expected: a dashboard Sécurité"):
        judge(served)


def test_a_sick_data_source_is_seen(served: Grafana, contents: Contents):
    contents.data_sources["prometheus"] = "ERROR"
    with pytest.raises(AssertionError, match="actual: refused"):
        judge(served)


def test_a_data_source_that_is_not_there_is_seen(served: Grafana, contents: Contents):
    contents.data_sources.clear()
    with pytest.raises(AssertionError, match="no such data source"):
        judge(served)


def test_a_query_that_returns_nothing_is_seen(served: Grafana, contents: Contents):
    contents.empty.add(a_query(contents))
    with pytest.raises(AssertionError, match="expected: data\n  actual: none"):
        judge(served)


def test_a_query_that_is_refused_is_seen(served: Grafana, contents: Contents):
    contents.wrong.add(a_query(contents))
    with pytest.raises(AssertionError, match="actual: bad_data"):
        judge(served)


def test_a_panel_that_names_no_data_source_is_seen(served: Grafana, contents: Contents):
    panel = contents.dashboards["dv-redis"]["panels"][0]
    del panel["datasource"], panel["targets"][0]["datasource"]
    with pytest.raises(AssertionError, match="expected: a data source"):
        judge(served)


def test_what_is_asked_is_answered(served: Grafana):
    assert health(served, "prometheus") == Health(True, "Successfully queried the Prometheus API.")
    assert answer(served, "prometheus", "up") == Answer(1)


def test_a_token_that_is_not_accepted_is_unproven(served: Grafana):
    with pytest.raises(Unproven, match="grafana-token is not accepted") as caught:
        dashboards(Grafana(served.endpoint, served.scheme, served.path, "other"), ["Redis"])
    assert caught.value.whose is Whose.OURS


def test_an_address_where_no_grafana_is_is_unproven(served: Grafana):
    elsewhere = Grafana(served.endpoint, served.scheme, "/elsewhere", TOKEN)
    with pytest.raises(Unproven, match="not an answer of Grafana"):
        dashboards(elsewhere, ["Redis"])
    with pytest.raises(Unproven):
        health(Grafana.at("http://127.0.0.1:1", TOKEN), "prometheus")
