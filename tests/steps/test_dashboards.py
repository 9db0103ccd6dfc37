"""A Grafana is judged by its HTTP API: right, and wrong in each way."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from golive.environment import Host
from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.probes.dashboards import Answer, read
from golive.probes.grafana import Grafana, Health, answer, dashboards, health
from golive.steps.dashboards import provided
from golive.steps.grafana import (
    data_sources_are_healthy,
    has_dashboards,
    panels_are_those_of_the_files,
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
    files = tuple(read(file.read_text(), file.name) for file in FILES.glob("*.json"))
    panels_are_those_of_the_files(served, EvidenceLog(), files, has)
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


def test_a_query_that_returns_no_number_is_seen(served: Grafana, contents: Contents):
    contents.no_numbers.add(a_query(contents))
    with pytest.raises(AssertionError, match="expected: data\n  actual: none"):
        judge(served)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda panel: panel.update(title="Other"), "Other"),
        (lambda panel: panel["fieldConfig"]["defaults"].update(unit="short"), "short"),
        (lambda panel: panel["fieldConfig"]["defaults"].pop("thresholds"), "actual"),
        (lambda panel: panel["targets"][0].update(expr="up"), "'up'"),
    ],
)
def test_a_panel_that_is_not_the_files_is_seen(served: Grafana, contents: Contents, edit, said):
    edit(next(p for p in contents.dashboards["dv-redis"]["panels"] if p.get("targets")))
    with pytest.raises(AssertionError, match=said):
        judge(served)


def provide(tmp_path: Path, before: str = "", after: str = "") -> None:
    """Judge the stack's provisioning, with an edit of its data source."""
    root = tmp_path / "root"
    shutil.copytree(FILES.parent, root / "etc/grafana")
    source = root / "etc/grafana/provisioning/datasources/prometheus.yml"
    assert before in source.read_text()
    source.write_text(source.read_text().replace(before, after))
    provider = root / "etc/grafana/provisioning/dashboards/dashboard-velo.yml"
    provider.write_text(provider.read_text().replace("/etc/grafana", f"{root}/etc/grafana"))
    host = Host(connection="local://", root=root)
    environment = SimpleNamespace(
        name="test", role=lambda _: {"monitoring.dashboard-velo.internal": host}
    )
    boards = tuple(read(file.read_text(), file.name) for file in FILES.glob("*.json"))
    provided(environment, EvidenceLog(), boards)  # type: ignore[arg-type]


def test_the_stacks_data_source_is_the_environments_prometheus(tmp_path: Path):
    provide(tmp_path)


@pytest.mark.parametrize(
    "edit",
    [
        ("monitoring.dashboard-velo", "staging.dashboard-velo"),
        (":9090", ":9091"),
        ("type: prometheus", "type: loki"),
    ],
)
def test_a_data_source_of_another_place_is_seen(tmp_path: Path, edit: tuple[str, str]):
    with pytest.raises(AssertionError, match="the environment's Prometheus"):
        provide(tmp_path, *edit)


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
