"""Alerts are judged by what they do: rules of other styles pass, wrong ones do not."""

from dataclasses import replace
from pathlib import Path

import pytest

from golive.probes.alert_courses import Course
from golive.probes.alert_rules import Rule, parse_rules
from golive.probes.alert_series import Quantity, Server
from golive.probes.alerts import Simulation, simulate
from golive.steps.nearest_alert import Judged, nearest

STACK = Path(__file__).parents[2] / "environments/stack/prometheus/alerts.yml"
OTHERS = Path(__file__).with_name("alert_rules")
SERVERS = tuple(
    Server(f"app-{number}", f"redis-{number}", f"mongo-{number}", "monitoring")
    for number in range(1, 6)
)
# The document's table: alert, quantity, threshold, seconds, severity.
TABLE = {
    "CPU élevé": (Quantity.CPU, 80, 300, "warning"),
    "CPU critique": (Quantity.CPU, 95, 120, "critical"),
    "Mémoire élevée": (Quantity.MEMORY, 85, 300, "warning"),
    "Mémoire critique": (Quantity.MEMORY, 95, 120, "critical"),
    "Latence API": (Quantity.RESPONSE_TIME, 0.5, 300, "warning"),
    "Erreurs API": (Quantity.ERROR_RATE, 1, 300, "warning"),
    "Erreurs API critiques": (Quantity.ERROR_RATE, 5, 120, "critical"),
    "Redis mémoire": (Quantity.REDIS_MEMORY, 80, 300, "warning"),
    "MongoDB latence": (Quantity.MONGODB_RESPONSE_TIME, 0.1, 300, "warning"),
}
# Wrong versions of each, as edits of what the stack has: (pattern, replacement).
THRESHOLDS = {
    "CPU élevé": ("> 80", ["> 75", "> 79", "> 81.5", "> 85", "> 90", "> 0.8"]),
    "CPU critique": ("> 95", ["> 90", "> 94", "> 96", "> 99", "> 100"]),
    "Mémoire élevée": ("> 85", ["> 80", "> 84", "> 86", "> 90", "> 0.85"]),
    "Mémoire critique": ("> 95", ["> 90", "> 94", "> 96", "> 98"]),
    "Latence API": ("> 0.5", ["> 0.25", "> 0.4", "> 0.55", "> 0.6", "> 0.75", "> 1", "> 500"]),
    "Erreurs API": ("> 1", ["> 0.5", "> 0.9", "> 1.1", "> 2", "> 0.01"]),
    "Erreurs API critiques": ("> 5", ["> 1", "> 4.9", "> 5.1", "> 10", "> 0.05"]),
    "Redis mémoire": ("> 80", ["> 75", "> 79", "> 81", "> 90", "> 0.8"]),
    "MongoDB latence": ("> 100", ["> 50", "> 98", "> 102", "> 200", "> 0.1"]),
}
MEMORY, REDIS = "node_memory_MemAvailable_bytes", "redis_memory_used_bytes"
OTHER_EDITS = {
    "CPU élevé": [
        ("by (instance) ", ""),  # the mean of all servers
        ("avg by", "max by"),  # any core of a server
        ('mode="idle"', 'mode="idel"'),
        ("100 * (1 - avg", "100 * max(1 - avg"),  # of which server?
        ("> 80", "> 80 or absent(node_cpu_seconds_total)"),
    ],
    "CPU critique": [("1 - avg", "avg"), ('mode="idle"', 'mode="user"'), ("rate(", "delta(")],
    "Mémoire élevée": [
        ("MemAvailable", "MemFree"),
        ("1 - ", ""),
        ("100 * (1 -", "100 * max(1 -"),
        (MEMORY, f"last_over_time({MEMORY}[1h])"),
    ],
    "Mémoire critique": [
        ("MemAvailable", "MemFree"),
        ("MemAvailable", "MemAvail"),
        ("> 95", f"> 95 or absent({MEMORY})"),
    ],
    "Latence API": [
        ("instance, le", "instance"),
        ("_bucket", ""),
        ("0.95", "0.05"),
        ("rate(", "delta("),
    ],
    "Erreurs API": [("5..", "500"), ("5..", "4.."), ("5..", "5xx"), ("rate(", "delta(")],
    "Erreurs API critiques": [
        ("5..", "503"),
        ("status", "code"),
        ("rate(", "delta("),
        ("> 5", "> 5 or absent(http_requests_total)"),
    ],
    "Redis mémoire": [
        ("memory_used", "memory_used_peak"),
        ("100 * ", ""),
        (
            f"100 * {REDIS} / (redis_memory_max_bytes > 0)",
            f"max(100 * {REDIS} / (redis_memory_max_bytes > 0))",
        ),
        ("> 80", f"> 80 or absent({REDIS})"),
        (REDIS, f"last_over_time({REDIS}[1h])"),
    ],
    "MongoDB latence": [
        ("1000 * ", ""),
        ("latency_seconds_count", "latency_seconds_sum"),
        ("rate(", "delta("),
    ],
}
WINDOWS = [("[1m]", "[14s]"), ("[1m]", "[20m]"), ("[1m]", "[1h]")]


def course(alert: str) -> Course:
    quantity, threshold, for_s, _ = TABLE[alert]
    return Course(quantity, threshold, for_s, window_s=300, near=0.01)


def judge(alert: str, rules: tuple[Rule, ...]) -> Judged:
    return nearest(simulate(rules, course(alert), SERVERS), rules, TABLE[alert][3])


def wrong(judged: Judged, alert: str) -> list[str]:
    """What is wrong with it, as messages; nothing if it is what the table asks for."""
    severity = TABLE[alert][3]
    failed = [f"{check.expected}: {check.actual}" for check in judged.checks if not check.holds]
    return failed + ([f"severity {judged.severity}"] if judged.severity != severity else [])


@pytest.mark.parametrize("alert", TABLE)
@pytest.mark.parametrize("file", [STACK, *sorted(OTHERS.glob("*.yml"))], ids=lambda file: file.stem)
def test_rules_that_mean_the_table_pass_however_they_are_written(file: Path, alert: str):
    judged = judge(alert, parse_rules(file.read_text()))
    assert wrong(judged, alert) == []
    assert judged.rule is not None
    assert judged.severity == TABLE[alert][3]


def wrong_versions(alert: str) -> dict[str, Rule]:
    """Rules that do not mean the table, by what was done to them, all in one file."""
    right = next(rule for rule in parse_rules(STACK.read_text()) if rule.name == alert)
    pattern, thresholds = THRESHOLDS[alert]
    edits = [(pattern, threshold) for threshold in thresholds]
    edits += [*OTHER_EDITS[alert], (pattern, pattern.replace(">", "<"))]
    if TABLE[alert][0] is not Quantity.RESPONSE_TIME:  # no percentile is ever 0.5 exactly
        edits.append((pattern, pattern.replace(">", ">=")))
    if "[1m]" in right.expression:
        edits += WINDOWS
    versions = {}
    for before, after in edits:
        expression = right.expression.replace(before, after)
        assert expression != right.expression, before
        versions[f"{before} is {after}"] = replace(right, expression=expression)
    durations = [right.for_s + by for by in (-right.for_s, -60, -30, -15, 15, 30, 60, 300)] + [
        180.0
    ]
    for duration in durations:
        versions[f"for {duration:g} s"] = replace(right, for_s=duration)
    other = "critical" if right.severity == "warning" else "warning"
    for severity in (other, "info"):
        versions[severity] = replace(right, labels=(("severity", severity),))
    versions["no severity"] = replace(right, labels=())
    return {name: replace(rule, name=name) for name, rule in versions.items()}


AT_ONCE = 6  # wrong versions in one run of promtool, which may not take for ever


@pytest.fixture(scope="module")
def simulated() -> dict[tuple[str, int], Simulation]:
    """What was simulated already, by alert and by its versions' share."""
    return {}


@pytest.mark.parametrize(
    ("alert", "version"),
    [(alert, version) for alert in TABLE for version in wrong_versions(alert)],
)
def test_wrong_rules_do_not_pass(alert: str, version: str, simulated):
    versions = wrong_versions(alert)
    share = list(versions).index(version) // AT_ONCE
    if (alert, share) not in simulated:
        rules = tuple(versions.values())[share * AT_ONCE : (share + 1) * AT_ONCE]
        simulated[alert, share] = simulate(rules, course(alert), SERVERS)
    simulation = simulated[alert, share]
    alone = {
        phase: tuple(each for each in firings if each.alert == version)
        for phase, firings in simulation.fired.items()
    }
    judged = nearest(replace(simulation, fired=alone), (versions[version],), TABLE[alert][3])
    assert wrong(judged, alert)


def test_a_limit_that_is_let_through_by_a_recording_is_seen():
    rules = parse_rules(STACK.read_text())
    (right,) = (rule for rule in rules if rule.name == "Mémoire élevée")
    for comparison in ("> bool", ">= bool"):
        recorded = right.expression.replace(">", comparison)
        recording = Rule(right.group, False, "memory:high", recorded)
        alert = replace(right, expression="memory:high == 1")
        judged = judge("Mémoire élevée", (recording, alert))
        expected = ["does not fire at memory 85 % exactly"] if "=" in comparison else []
        assert [each.partition(":")[0] for each in wrong(judged, "Mémoire élevée")] == expected


def test_a_median_of_all_servers_that_hides_one_of_them_is_seen():
    (right,) = (rule for rule in parse_rules(STACK.read_text()) if rule.name == "Latence API")
    for percentile, failed in (("0.95", 0), ("0.5", 1)):
        hiding = right.expression.replace("instance, le", "le").replace("0.95", percentile)
        judged = judge("Latence API", (replace(right, expression=hiding),))
        said = wrong(judged, "Latence API")
        assert len(said) == failed, said
        assert all("a server that has just come, with as many requests" in each for each in said)


@pytest.mark.parametrize(
    ("before", "after"),
    [(" / 1000", ""), (" / 1000", " / 1e6"), ("latency{", "ops{"), ("rate(", "delta(")],
)
def test_a_wrong_rule_of_perconas_names_is_seen(before: str, after: str):
    (right,) = (
        rule
        for rule in parse_rules((OTHERS / "community.yml").read_text())
        if rule.name == "MongodbSlowOperations"
    )
    assert before in right.expression
    edited = replace(right, expression=right.expression.replace(before, after))
    assert wrong(judge("MongoDB latence", (edited,)), "MongoDB latence")


def test_an_alert_that_is_late_by_more_than_its_recording_is_seen():
    rules = parse_rules((OTHERS / "recorded.yml").read_text())
    late = [replace(r, for_s=r.for_s + 30) if r.name == "HostMemoryHigh" else r for r in rules]
    assert wrong(judge("Mémoire critique", tuple(late)), "Mémoire critique")


@pytest.mark.parametrize(
    ("alert", "edits"),
    [
        ("Mémoire élevée", {"severity": "critical"}),
        ("Redis mémoire", {"severity": "critical"}),
        ("Erreurs API", {"severity": "critical"}),
        ("Redis mémoire", {"severity": "critical", "expression": f"{REDIS} > 0"}),
        ("Redis mémoire", {"severity": "warning", "expression": f"{REDIS} > 0"}),
        ("CPU critique", {"for_s": 15.0}),
        ("CPU élevé", {"for_s": 60.0}),
    ],
)
def test_whoever_is_called_for_nothing_by_another_alert_is_seen(alert: str, edits: dict):
    rules = parse_rules(STACK.read_text())
    (right,) = (rule for rule in rules if rule.name == alert)
    severity = edits.pop("severity", right.severity)
    labels = (("severity", severity),)
    other = replace(right, name="one more", labels=labels, **edits)
    judged = judge(alert, (*rules, other))
    assert judged.name == alert
    assert any("is joined by no other" in each for each in wrong(judged, alert))
