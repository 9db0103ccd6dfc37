"""Dashboards are read as Grafana reads them, and what they show is told from their queries."""

import json
import time
from pathlib import Path

import promql_parser
import pytest

from golive.endpoint import Endpoint
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.dashboards import (
    Answer,
    answer,
    read,
    shown,
    watched,
)
from golive.probes.own_monitoring import prometheus
from golive.probes.provisioning import provisioned, provisioning

FILES = Path(__file__).parents[2] / "environments/stack/grafana"
QUERY = 'sum(rate(a{instance=~"$instance"}[$__rate_interval])) / b{c="${one:regex}"} > $unknown'


VARIABLE = {"name": "v", "type": "query"}


def dashboard(**fields: object) -> str:
    panel = {"id": 1, "type": "stat", "title": "A", "targets": [{"expr": QUERY}]}
    return json.dumps({"uid": "u", "title": "T", "schemaVersion": 39, "panels": [panel], **fields})


def test_the_stacks_dashboards_can_be_read():
    machine = Machine("monitoring", Host(connection="local://", root=FILES.parent))
    found = provisioned(machine, "/grafana")
    assert len({each.uid for each in found}) == 6
    for board in found:
        assert board.title
        for panel in board.every_panel():
            for query in board.queries(panel):
                promql_parser.parse(query)
    (source,) = provisioning(machine, "/grafana").data_sources
    assert (source.uid, source.type) == ("prometheus", "prometheus")
    assert source.url.endswith(":9090")
    assert [each for board in found for each in board.questions()] == [
        'group by (instance) (up{job="node-exporter"})'
    ]


def test_variables_stand_for_their_values():
    everything = {"name": "instance", "includeAll": True, "allValue": None}
    one = {"name": "one", "current": {"value": "x"}}
    board = read(dashboard(templating={"list": [everything, one]}), "here")
    (query,) = board.queries(board.panels[0])
    assert query == 'sum(rate(a{instance=~".*"}[1m])) / b{c="x"} > $unknown'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('label_values(up{job="a"}, instance)', 'group by (instance) (up{job="a"})'),
        ({"query": "label_values(up,job)"}, "group by (job) (up)"),
        ("query_result(topk(3, a))", "topk(3, a)"),
    ],
)
def test_what_finds_a_variables_values_is_a_query(query: object, expected: str):
    board = read(dashboard(templating={"list": [{**VARIABLE, "query": query}]}), "here")
    assert board.questions() == (expected,)


def test_what_is_not_known_to_find_them_is_unproven():
    board = read(dashboard(templating={"list": [{**VARIABLE, "query": "label_names()"}]}), "here")
    with pytest.raises(Unproven, match="label_names"):
        board.questions()


def test_folded_rows_are_looked_into_and_hidden_queries_are_not():
    inner = {"id": 3, "type": "stat", "targets": [{"expr": "a"}, {"expr": "b", "hide": True}]}
    board = read(dashboard(panels=[{"id": 2, "type": "row", "panels": [inner]}]), "here")
    (panel,) = board.every_panel()
    assert (panel.id, board.queries(panel)) == (3, ("a",))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"uid": 1', dashboard(panels=[{"type": "x"}])])
def test_what_is_no_dashboard_is_unproven(text: str):
    with pytest.raises(Unproven, match=r"board\.json: no dashboard") as caught:
        read(text, "board.json")
    assert caught.value.whose is Whose.TARGET


def test_a_directory_that_is_not_there_is_unproven(tmp_path: Path):
    machine = Machine("monitoring", Host(connection="local://", root=tmp_path))
    with pytest.raises(Unproven, match="No such file"):
        provisioned(machine, "/etc/grafana")


@pytest.mark.parametrize("text", ["a: [", "datasources: [{name: a}]", "- a"])
def test_what_is_no_provisioning_file_is_unproven(tmp_path: Path, text: str):
    (tmp_path / "grafana/provisioning").mkdir(parents=True)
    (tmp_path / "grafana/provisioning/a.yml").write_text(text)
    machine = Machine("monitoring", Host(connection="local://", root=tmp_path))
    with pytest.raises(Unproven, match="no provisioning file"):
        provisioning(machine, "/grafana")


def test_what_an_alert_watches_and_what_a_panel_shows_are_compared_by_meaning():
    what, limit = watched('100*(a{x="1",y="2"}/ sum by(i)(rate(b[5m])))>80') or ("", 0.0)
    assert limit == 80
    panel = '(100 * (a{y="2",x="1",i=~".*"} / sum by (i) (rate(b[1m])))) or 0 * b'
    assert shown(panel) == what
    assert shown(panel.replace("100", "1")) != what


@pytest.mark.parametrize("expression", ["a > b", "vector(1)", "a == 0", "a and b > 1"])
def test_what_compares_with_no_limit_watches_none(expression: str):
    assert watched(expression) is None


def test_what_prometheus_answers():
    with prometheus("scrape_configs: []", {}) as endpoint:
        assert (
            answer(endpoint, "vector(1) or label_replace(vector(2), 'a', 'b', '', '')").series == 2
        )
        assert answer(endpoint, "1") == Answer(1)
        assert answer(endpoint, "vector(0) / 0") == Answer(0)
        assert answer(endpoint, "vector(1) / 0") == Answer(0)
        # Of the last minutes one has a number.
        assert answer(endpoint, f"0 / (vector(time()) < bool {time.time() - 200})") == Answer(1)
        assert answer(endpoint, "absent_metric") == Answer(0)
        said = answer(endpoint, "sum(")
        assert said.series == 0
        assert "parse error" in said.error


def test_whoever_is_no_prometheus_is_unproven():
    with pytest.raises(Unproven):
        answer(Endpoint("127.0.0.1", 1, "localhost"), "1")
