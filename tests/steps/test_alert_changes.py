"""Alerts are judged by what they do when a series changes, or is not there any more."""

from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.probes.alert_rules import parse_rules
from golive.probes.alerts import Change
from golive.steps.alert_changes import change_noticed

STACK = Path(__file__).parents[2] / "environments/stack/prometheus/alerts.yml"
HERE = Endpoint("127.0.0.1", 9090, "monitoring")
UP = 'up{job="api-server",instance="app-1:3000"}'
COUNTED = 'http_requests_total{job="api-server",instance="app-1:3000",status="200"}'
TIMED = 'http_request_duration_seconds_bucket{job="api-server",instance="app-1:3000",le="1"}'


def judge(series: str, severity: str, minutes: int, *edits: tuple[str, str]) -> None:
    """Let one series of a healthy application go, with edits of the stack's rules."""
    text = STACK.read_text()
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    healthy = {UP: "1", COUNTED: "0+9", TIMED: "0+9"}
    change = Change(series, healthy[series], "_", 900, 900, tuple(healthy.items()))
    rules = parse_rules(text)
    change_noticed(HERE, Measurements(), EvidenceLog(), rules, change, severity, minutes)


@pytest.mark.parametrize(
    ("series", "severity", "minutes"),
    [(UP, "critical", 3), (COUNTED, "warning", 10), (TIMED, "warning", 10)],
)
def test_what_has_gone_is_noticed(series: str, severity: str, minutes: int):
    judge(series, severity, minutes)


@pytest.mark.parametrize(
    ("series", "severity", "edits"),
    [
        (UP, "critical", [('or absent(up{job="api-server"})', "")]),
        (UP, "critical", [('absent(up{job="api-server"})', 'absent(up{job="api"})')]),
        (UP, "warning", []),
        (COUNTED, "warning", [("unless on (instance) http_requests_total", "unless up")]),
        (COUNTED, "warning", [("for: 5m", "for: 20m")]),
        (TIMED, "warning", [("http_request_duration_seconds_bucket\n", "http_requests_total\n")]),
    ],
)
def test_what_nobody_notices_is_seen(series: str, severity: str, edits: list[tuple[str, str]]):
    with pytest.raises(AssertionError, match=f"expected: an alert of severity {severity}"):
        judge(series, severity, 10, *edits)
