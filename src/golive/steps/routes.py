"""Judge where Alertmanager sends alerts."""

from pytest_bdd import given, parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import NotRun
from golive.probes.alert_rules import Rule
from golive.probes.routes import (
    PORT,
    Labels,
    Message,
    grouping,
    loaded_configuration,
    messages,
    silenced,
)
from golive.steps.expectation import column, listed, require
from golive.steps.prometheus import monitoring, url

_HOUR_S = 3600


@given("the configuration that Alertmanager has loaded", target_fixture="alert_routes")
def configuration(environment: Environment, measurements: Measurements) -> str:
    return measurements.result(loaded_configuration, monitoring(environment, PORT))


@then(parsers.parse("each alert of severity {severity} that is loaded reaches exactly"))
def reaches(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    alert_routes: str,
    severity: str,
    datatable: list[list[str]],
) -> None:
    for rule in _alerts(environment, alert_rules, severity):
        labels = _labels(rule)
        kinds = {each.kind for each in measurements.result(messages, alert_routes, labels)}
        evidence.add(f"{rule.name} reaches", sorted(kinds))
        require(
            kinds == set(column(datatable)),
            expected=listed(sorted(column(datatable))),
            actual=listed(sorted(kinds)),
            where=f"the route of {rule.name} ({severity})",
            look=_look(labels),
        )


@then("each message of a warning or a critical alert is followed by one when it is resolved")
def resolved_is_told(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    alert_routes: str,
) -> None:
    told: set[Message] = set()
    for severity in ("warning", "critical"):
        for rule in _alerts(environment, alert_rules, severity):
            told |= set(measurements.result(messages, alert_routes, _labels(rule)))
    evidence.add("messages", sorted(told, key=str))
    for each in told:
        require(
            each.resolved,
            expected="send_resolved: true",
            actual="nothing is said of the end",
            where=f"the {each.kind} of the receiver {each.receiver}",
            look="amtool config show",
        )


@then(
    parsers.parse(
        "alerts are grouped, by {label} at least, and the first message leaves within {wait:d} s"
    )
)
def grouped(
    environment: Environment, evidence: EvidenceLog, alert_routes: str, label: str, wait: int
) -> None:
    seen = grouping(alert_routes)
    evidence.add("grouping", seen)
    require(
        label in seen.by and seen.wait_s <= wait,
        expected=f"grouped by {label} at least, group_wait {wait} s at most",
        actual=f"by {listed(seen.by)}, after {seen.wait_s:g} s",
        where=url(monitoring(environment, PORT), ""),
        look="amtool config show",
    )


@then(parsers.parse("what goes on firing is said again, between {low:d} h and {high:d} h later"))
def repeated(environment: Environment, alert_routes: str, low: int, high: int) -> None:
    seen = grouping(alert_routes)
    require(
        low * _HOUR_S <= seen.repeat_s <= high * _HOUR_S,
        expected=f"repeat_interval between {low} h and {high} h",
        actual=f"{seen.repeat_s / _HOUR_S:g} h",
        where=url(monitoring(environment, PORT), ""),
        look="amtool config show",
    )


@then("of these a critical alert silences")
def inhibits(
    alert_rules: tuple[Rule, ...],
    alert_routes: str,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    named = {rule.name: rule for rule in alert_rules if rule.alerting}
    rows = datatable[1:]
    if missing := {name for row in rows for name in row[:2]} - named.keys():
        raise NotRun(f"no alert is called {listed(sorted(missing))}")
    # Each row happens to servers of its own, so that one Alertmanager can hold them all.
    pairs = [
        (
            _labels(named[critical], f"server-{number}"),
            _labels(named[warning], f"{'server' if instance == 'same' else 'other'}-{number}"),
        )
        for number, (critical, warning, instance, _) in enumerate(rows)
    ]
    seen = silenced(alert_routes, tuple(labels for pair in pairs for labels in pair))
    evidence.add("silenced", seen)
    for (critical, warning, instance, expected), (source, target) in zip(rows, pairs, strict=True):
        require(
            source not in seen and (target in seen) == (expected == "yes"),
            expected=f"{critical} {'silences' if expected == 'yes' else 'does not silence'} "
            f"{warning} of {'the same' if instance == 'same' else 'another'} instance",
            actual=f"silenced: {listed([dict(each)['alertname'] for each in seen])}",
            where="inhibit_rules",
            look="amtool config show, amtool alert query --inhibited",
        )


def _alerts(environment: Environment, rules: tuple[Rule, ...], severity: str) -> tuple[Rule, ...]:
    found = tuple(rule for rule in rules if rule.alerting and rule.severity == severity)
    require(
        bool(found),
        expected=f"an alert of severity {severity}",
        actual="none is loaded",
        where=environment.name,
        look="promtool check rules",
    )
    return found


def _labels(rule: Rule, instance: str = "server") -> Labels:
    """What an alert of this rule carries; which server it is does not matter to its route."""
    return tuple(
        sorted({**dict(rule.labels), "alertname": rule.name, "instance": instance}.items())
    )


def _look(labels: Labels) -> str:
    return "amtool config routes test " + " ".join(f"{name}='{value}'" for name, value in labels)
