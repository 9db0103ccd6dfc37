"""Alerts are known by the labels that Alertmanager gets, whether they fire or not."""

import time

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.alert_labels import loaded_alerts, relabelled
from golive.probes.own_monitoring import prometheus

CONFIGURATION = """
global: {evaluation_interval: 1s, external_labels: {site: here}}
rule_files: [rules.yml]
alerting:
  alert_relabel_configs: [{regex: team, action: labeldrop}]
"""
RULES = """
groups:
  - name: series
    rules:
      - {record: a, expr: vector(1), labels: {instance: x, job: j}}
      - {record: b, expr: vector(1), labels: {instance: x, member: m}}
  - name: alerts
    rules:
      - {alert: Compared, expr: a > 5, labels: {severity: warning, team: t}}
      - {alert: Turned, expr: 5 < (a), labels: {severity: warning}}
      - {alert: Either, expr: a == 0 or b == 0 unless a, labels: {severity: critical}}
      - {alert: Gone, expr: 'absent(a{job="j",instance=~".+"})', labels: {severity: critical}}
      - {alert: Summed, expr: sum by (job) (a) > 5, labels: {severity: warning}}
      - {alert: Nothing, expr: c > 5, labels: {severity: warning}}
      - {alert: Always, expr: vector(1)}
"""


def test_what_an_alert_would_carry():
    with prometheus(CONFIGURATION, {"rules.yml": RULES}) as endpoint:
        deadline = time.monotonic() + 20
        while len(loaded_alerts(endpoint)[0].labels) < 1 or not dict(
            min(loaded_alerts(endpoint)[0].labels)
        ).get("job"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        found = {each.rule.name: each for each in loaded_alerts(endpoint)}
    names = {
        name: sorted({tuple(n for n, _ in labels) for labels in each.labels})
        for name, each in found.items()
    }
    assert names == {
        "Compared": [("alertname", "instance", "job", "severity", "site", "team")],
        "Turned": [("alertname", "instance", "job", "severity", "site")],
        "Either": [
            ("alertname", "instance", "job", "severity", "site"),
            ("alertname", "instance", "member", "severity", "site"),
        ],
        "Gone": [("alertname", "job", "severity", "site")],
        "Summed": [("alertname", "job", "severity", "site")],
        "Nothing": [("alertname", "severity", "site")],
        "Always": [("alertname", "site")],
    }
    assert [name for name, each in found.items() if not each.asks] == ["Always"]
    (labels,) = found["Compared"].labels
    assert "team" not in dict(found["Compared"].sent(labels) or ())


A = (("alertname", "A"), ("job", "api-server"), ("severity", "critical"))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("[]", A),
        ("[{source_labels: [severity], regex: critical, action: drop}]", None),
        ("[{source_labels: [severity], regex: crit, action: drop}]", A),
        ("[{source_labels: [severity], regex: warning, action: keep}]", None),
        ("[{source_labels: [severity], regex: (crit).*, target_label: job}]", "crit"),
        ("[{target_label: job, replacement: x}]", "x"),
        ("[{source_labels: [job, severity], target_label: job, regex: (.*);(.*), "
         "replacement: '${2}-$1'}]", "critical-api-server"),
        ("[{source_labels: [severity], target_label: job, action: uppercase}]", "CRITICAL"),
        ("[{regex: job, action: labeldrop}]", ""),
        ("[{regex: 'alertname|severity', action: labelkeep}]", ""),
        ("[{target_label: job, replacement: ''}]", ""),
    ],
)  # fmt: skip
def test_what_becomes_of_labels(steps: str, expected):
    found = relabelled(A, steps)
    if isinstance(expected, str):
        assert dict(found or ()).get("job", "") == expected
        assert len(found or ()) == (3 if expected else 2)
    else:
        assert found == expected


def test_an_action_that_is_not_known_is_unproven():
    with pytest.raises(Unproven, match="hashmod") as caught:
        relabelled(A, "[{action: hashmod}]")
    assert caught.value.whose is Whose.OURS
