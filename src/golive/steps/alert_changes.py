"""Judge alerts by what they do when one series changes, or goes."""

from dataclasses import replace

from pytest_bdd import given, parsers, then, when

from golive.endpoint import Endpoint
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.probes.alert_rules import Rule, selectors
from golive.probes.alerts import Change, Firing, simulate_change
from golive.probes.routes import messages
from golive.probes.series_values import TICK_S
from golive.steps.alerts import look_of
from golive.steps.expectation import listed, require

_HEALTHY_S = 15 * 60  # how long a series is well before it changes


@given("series that do not change", target_fixture="steady_series")
def steady(datatable: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((series, value) for series, value in datatable)


@when(
    parsers.re(r"the series (?P<series>\S+\{.*\}) goes from (?P<healthy>\S+) to (?P<wrong>\S+)"),
    target_fixture="changing",
)
def changes(
    steady_series: tuple[tuple[str, str], ...], series: str, healthy: str, wrong: str
) -> Change:
    return Change(series, healthy, wrong, _HEALTHY_S, _HEALTHY_S, steady_series)


@then(parsers.parse("an alert of severity {severity} fires within {minutes:d} min, and not before"))
def change_noticed(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    changing: Change,
    severity: str,
    minutes: int,
) -> None:
    changing = replace(changing, after_s=minutes * 60 + TICK_S)
    before, after = measurements.result(simulate_change, alert_rules, changing)
    early = {_identity(each) for each in before}
    fired = [e for e in after if e.severity == severity and _identity(e) not in early]
    evidence.add("fired before, and after the change", [before, after])
    require(
        any(each.first_s <= minutes * 60 for each in fired),
        expected=f"an alert of severity {severity} within {minutes} min of the change",
        actual=listed([f"{e.alert} ({e.severity}) after {e.first_s:g} s" for e in after]),
        where=f"{changing.series}, from {changing.healthy} to {changing.wrong}",
        look=look_of(prometheus),
    )


@then(parsers.parse("no alert fires within {minutes:d} min"))
def change_is_none(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    changing: Change,
    minutes: int,
) -> None:
    changing = replace(changing, after_s=minutes * 60)
    before, after = measurements.result(simulate_change, alert_rules, changing)
    always = {_identity(each) for each in before}
    fired = [f"{each.alert} ({each.severity})" for each in after if _identity(each) not in always]
    evidence.add("fired before, and after the change", [before, after])
    require(
        not fired,
        expected="no alert",
        actual=listed(fired),
        where=f"{changing.series}, from {changing.healthy} to {changing.wrong}",
        look=look_of(prometheus),
    )


@then(
    parsers.parse(
        'an alert that asks for no series always fires, and goes by "{path}" alone, '
        "where its absence is an alarm"
    )
)
def always_fires(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    alert_routes: str,
    steady_series: tuple[tuple[str, str], ...],
    path: str,
) -> None:
    (series, value), *_ = steady_series
    change = Change(series, value, value, _HEALTHY_S, _HEALTHY_S)
    # What asks for series is silent when these are gone.
    unconditional = tuple(
        rule for rule in alert_rules if rule.alerting and not selectors(rule.expression)
    )
    before, after = measurements.result(simulate_change, unconditional, change)
    always = {_identity(each) for each in before} & {_identity(each) for each in after}
    ways: dict[str, list[str]] = {}
    for alert, severity, labels in sorted(always, key=str):
        carried = (*labels, ("alertname", alert), ("severity", severity or ""))
        told = measurements.result(messages, alert_routes, tuple(sorted(carried)))
        ways[alert] = sorted(each.to or each.kind for each in told)
    evidence.add("alerts that ask for no series and always fire, and by what they go", ways)
    require(
        any(each and all(path in way for way in each) for each in ways.values()),
        expected=f"an alert that asks for no series, always fires, and goes by {path} alone "
        "(a dead man's switch)",
        actual=listed([f"{alert} goes by {listed(each)}" for alert, each in ways.items()]),
        where=prometheus,
        look=look_of(prometheus),
    )


def _identity(firing: Firing) -> tuple[str, str | None, tuple[tuple[str, str], ...]]:
    """What tells a firing alert from others, which may be of the same rule."""
    return firing.alert, firing.severity, firing.labels
