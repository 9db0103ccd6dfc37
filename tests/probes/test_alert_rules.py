"""Rule files are read as Prometheus reads them; what promtool cannot answer is unproven."""

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import (
    Rule,
    canonical,
    needed,
    otherwise_strict,
    parse_rules,
    seconds,
    selectors,
    shortest_window_s,
    write_rules,
)
from golive.probes.alerts import Change, simulate_change

RULES = """
groups:
  - name: one
    interval: 30s
    rules:
      - record: errors
        expr: rate(http_errors_total[1m])
      - alert: Errors
        expr: errors > 1
        for: 1m30s
        labels: {severity: warning}
"""
UP = Change('up{job="a"}', "1", "0", before_s=120, after_s=300)
DOWN = Rule("g", True, "Down", "up == 0", 60, labels=(("severity", "critical"),))


def test_a_file_is_read_and_written_again():
    rules = parse_rules(RULES)
    assert rules[1] == Rule(
        "one", True, "Errors", "errors > 1", 90, labels=(("severity", "warning"),), interval_s=30
    )
    assert parse_rules(write_rules(rules)) == rules


@pytest.mark.parametrize("text", ["", "groups: [", "rules: []", "groups: [{rules: [{alert: a}]}]"])
def test_what_is_no_rule_file_is_unproven(text: str):
    with pytest.raises(Unproven) as caught:
        parse_rules(text)
    assert caught.value.whose is Whose.TARGET


@pytest.mark.parametrize(
    ("text", "expected"), [("5m", 300), ("1h30m", 5400), ("500ms", 0.5), (0, 0), ("1d", 86400)]
)
def test_durations(text: str, expected: float):
    assert seconds(text) == expected


def test_selectors_are_found_wherever_they_are():
    found = selectors('sum(rate({__name__="a",q!~"x"}[1m])) / on() b > absent(c{d="e"}) or -f')
    assert [str(each) for each in found] == ['a{q!~"x"}', "b", 'c{d="e"}', "f"]


def test_windows_and_spellings():
    assert shortest_window_s("rate(a[5m]) / irate(b[30s])") == 30
    assert shortest_window_s("a > 1") is None
    assert canonical("sum(rate(a[60s]))by(b)>1.0") == canonical("sum by (b) (rate(a[1m])) > 1")


def test_comparisons_are_turned_wherever_they_are_and_nothing_else_is():
    before = 'a{b="<=",c=~">",d!="x"} >= bool 1 < (e == 2) # > 3\n <= `>` > \'<\' != 4'
    after = 'a{b="<=",c=~">",d!="x"} > bool 1 <= (e == 2) # > 3\n < `>` >= \'<\' != 4'
    assert otherwise_strict(before) == after
    assert otherwise_strict(after) == before


def test_rules_are_needed_through_recordings():
    rules = parse_rules(RULES)
    assert needed(rules, frozenset({"http_errors_total"})) == rules
    assert needed(rules, frozenset({"up"})) == ()
    guarded = Rule("g", True, "Guarded", "up == 0 unless errors > 1")
    assert needed((*rules, guarded), frozenset({"up"})) == (rules[0], guarded)


def test_a_change_is_seen_after_its_duration():
    before, after = simulate_change((DOWN,), UP)
    assert before == ()
    assert [(each.alert, each.severity, each.first_s) for each in after] == [
        ("Down", "critical", 60)
    ]


def test_names_with_anything_in_them_are_read_back():
    name = 'é "a", {b="c"} \\ 1'
    _, after = simulate_change((Rule("g", True, name, "up == 0"),), UP)
    assert [each.alert for each in after] == [name]


def test_a_rule_that_promtool_refuses_is_unproven():
    broken = Rule("g", True, "Down", "up == 0", labels=(("no-label", "x"),))
    with pytest.raises(Unproven, match="refuses the rules") as caught:
        simulate_change((broken,), UP)
    assert caught.value.whose is Whose.TARGET


def test_without_promtool_it_is_unproven(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unproven, match="not installed") as caught:
        simulate_change((DOWN,), UP)
    assert caught.value.whose is Whose.TOOL


@pytest.mark.parametrize("says", ["", "SUCCESS", "FAILED: something else"])
def test_a_promtool_that_answers_nothing_is_unproven(monkeypatch, tmp_path, says: str):
    fake = tmp_path / "promtool"
    fake.write_text(f"#!/bin/sh\necho '{says}'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(Unproven, match="unanswered") as caught:
        simulate_change((DOWN,), UP)
    assert caught.value.whose is Whose.TOOL
