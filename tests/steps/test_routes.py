"""Routes are judged by who hears of each alert: right, and wrong in each way."""

from dataclasses import replace
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven
from golive.probes.alert_labels import LoadedAlert
from golive.probes.alert_rules import parse_rules, selectors
from golive.probes.silences import Silence, silences
from golive.steps.alert_changes import always_fires
from golive.steps.routes import (
    grouped,
    reaches,
    repeated,
    severities_are_known,
    told_at_any_time,
)

STACK = Path(__file__).parents[2] / "environments/stack"
ROUTES = (STACK / "alertmanager/alertmanager.yml").read_text().replace("[slack-webhook]", "hook")
RULES = parse_rules((STACK / "prometheus/alerts.yml").read_text())
HERE = Endpoint("127.0.0.1", 9090, "monitoring")
REACHED = {"warning": [["email"], ["slack"]], "critical": [["email"], ["slack"], ["sms"]]}


def alerts(relabels: str = "[]") -> tuple[LoadedAlert, ...]:
    return tuple(
        LoadedAlert(
            rule,
            frozenset(
                {(("alertname", rule.name), ("instance", "a:1"), ("job", "j"), *rule.labels)}
            ),
            bool(selectors(rule.expression)),
            relabels,
        )
        for rule in RULES
    )


def judge(routes: str, loaded: tuple[LoadedAlert, ...]) -> None:
    seen = Measurements()
    for severity, kinds in REACHED.items():
        reaches(HERE, seen, EvidenceLog(), loaded, routes, "/send", severity, kinds)
    grouped(seen, EvidenceLog(), loaded, routes, "alertname", 30)
    repeated(seen, loaded, routes, 1, 24)
    told_at_any_time(seen, EvidenceLog(), loaded, routes)
    severities_are_known(EvidenceLog(), loaded)


def test_the_stacks_routes_pass():
    judge(ROUTES, alerts())


CRITICAL = """    - matchers: [severity="critical"]
      receiver: critical
"""
WEEKEND = "\ntime_intervals: [{name: weekend, time_intervals: [{weekdays: [saturday]}]}]\n"


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (((CRITICAL, f"{CRITICAL}      group_wait: 1h\n"),), "after 3600 s"),
        (((CRITICAL, f"{CRITICAL}      group_by: [instance]\n"),), "by instance"),
        (((CRITICAL, f"{CRITICAL}      group_by: ['...']\n"),), "by ..."),
        (((CRITICAL, f"{CRITICAL}      repeat_interval: 3d\n"),), "72 h"),
        (
            (
                (CRITICAL, f"{CRITICAL}      mute_time_intervals: [weekend]\n"),
                ("\ninhibit_rules", f"{WEEKEND}inhibit_rules"),
            ),
            "weekend",
        ),
        (
            (
                (CRITICAL, f"{CRITICAL}      active_time_intervals: [weekend]\n"),
                ("\ninhibit_rules", f"{WEEKEND}inhibit_rules"),
            ),
            "weekend",
        ),
        (((CRITICAL, f"    - matchers: ['job=~\".+\"']\n      receiver: heartbeat\n{CRITICAL}"),),
         "actual: webhook"),
        ((("internal/send", "internal/chat"),), "email, slack, webhook"),
    ],
)  # fmt: skip
def test_a_wrong_route_is_seen(edits: tuple[tuple[str, str], ...], said: str):
    routes = ROUTES
    for before, after in edits:
        assert before in routes
        routes = routes.replace(before, after)
    with pytest.raises(AssertionError, match=said):
        judge(routes, alerts())


def test_a_webhook_whose_address_is_in_a_file_is_unproven():
    url = "url: 'http://sms.dashboard-velo.internal/send'"
    assert url in ROUTES
    with pytest.raises(Unproven, match="is in /etc/sms-url"):
        judge(ROUTES.replace(url, "url_file: /etc/sms-url"), alerts())


@pytest.mark.parametrize(
    "relabels",
    [
        "[{source_labels: [severity], regex: critical, action: drop}]",
        "[{source_labels: [severity], regex: critical, target_label: severity, "
        "replacement: warning}]",
        "[{regex: severity, action: labeldrop}]",
    ],
)
def test_alerts_that_prometheus_drops_or_changes_are_seen(relabels: str):
    with pytest.raises(AssertionError, match="alert_relabel_configs make of it"):
        judge(ROUTES, alerts(relabels))


@pytest.mark.parametrize("severity", ["page", None])
def test_an_alert_of_no_known_severity_is_seen(severity: str | None):
    first, *others = alerts()
    labels = (("severity", severity),) if severity else ()
    other = replace(first, rule=replace(first.rule, labels=labels))
    with pytest.raises(AssertionError, match=severity or "no severity"):
        judge(ROUTES, (other, *others))


CPU = (("alertname", "CPU élevé"), ("instance", "app-1:9100"))


@pytest.mark.parametrize(
    ("matcher", "covers"),
    [
        (("instance", "app-1:9100", False, True), True),
        (("instance", "app-.*", True, True), True),
        (("instance", "app", True, True), False),
        (("instance", "app-.*", False, True), False),
        (("instance", "app-.*", True, False), False),
        (("job", ".+", True, False), True),
    ],
)
def test_what_a_silence_covers(matcher: tuple[str, str, bool, bool], covers: bool):
    assert Silence("1", "me", "why", "then", (matcher,)).covers(CPU) is covers


def test_without_an_alertmanager_silences_are_unproven():
    with pytest.raises(Unproven):
        silences(Endpoint("127.0.0.1", 1, "nowhere"))


@pytest.mark.parametrize(
    ("edit", "route", "passes"),
    [
        (("vector(1)", "vector(1)"), ROUTES, True),
        (("vector(1)", "vector(1) > 1"), ROUTES, False),
        (("vector(1)", 'up{job="node-exporter"} == 1'), ROUTES, False),
        (("vector(1)", "vector(1)"), ROUTES.replace('severity="none"', 'severity="never"'), False),
    ],
)
def test_a_dead_mans_switch_hangs_on_nothing(edit: tuple[str, str], route: str, passes: bool):
    text = (STACK / "prometheus/alerts.yml").read_text().replace(*edit)
    series = (('up{job="node-exporter",instance="a"}', "1"),)

    def judged() -> None:
        seen = EvidenceLog()
        always_fires(HERE, Measurements(), seen, parse_rules(text), route, series, "/ping/")

    if passes:
        judged()
        return
    with pytest.raises(AssertionError, match="dead man's switch"):
        judged()
