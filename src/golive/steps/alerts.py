"""Judge alerts by what they do in a simulated course of what they watch."""

from dataclasses import dataclass

import pytest
from pytest_bdd import given, parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.probes.alert_courses import Course
from golive.probes.alert_rules import Rule
from golive.probes.alert_series import Quantity, Server
from golive.probes.alerts import Simulation, simulate
from golive.probes.prometheus import loaded_rules
from golive.steps.alert_checks import About, Check
from golive.steps.expectation import require
from golive.steps.nearest_alert import Judged, nearest
from golive.steps.prometheus import url

_UNITS = {"%": 1.0, "ms": 0.001, "s": 1.0}


@dataclass(frozen=True)
class Tolerance:
    """The longest measuring window in seconds, and how near to a threshold, as a share of it."""

    window_s: int
    near: float


@pytest.fixture
def alert_rules(prometheus: Endpoint, measurements: Measurements) -> tuple[Rule, ...]:
    """What Prometheus has loaded."""
    return tuple(each.rule for each in measurements.result(loaded_rules, prometheus))


@given("the rules that Prometheus has loaded")
def rules_loaded(
    alert_rules: tuple[Rule, ...], prometheus: Endpoint, evidence: EvidenceLog
) -> None:
    alerting = [rule for rule in alert_rules if rule.alerting]
    evidence.add("rules loaded, and those of them that alert", [len(alert_rules), len(alerting)])
    require(
        bool(alerting),
        expected="rules that alert",
        actual=f"{len(alert_rules)} rules, none of which alerts",
        where=prometheus,
        look=look_of(prometheus),
    )


@given(
    parsers.parse(
        "that an alert may measure over {minutes:d} min at most, "
        "and is right to {percent:g} % of its threshold"
    ),
    target_fixture="alert_tolerance",
)
def tolerance(minutes: int, percent: float) -> Tolerance:
    return Tolerance(minutes * 60, percent / 100)


@when(
    parsers.parse("{quantity} takes its course around {threshold:g} {unit} for {minutes:d} min"),
    target_fixture="simulated",
)
def takes_its_course(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    alert_tolerance: Tolerance,
    quantity: str,
    threshold: float,
    unit: str,
    minutes: int,
) -> Simulation:
    course = Course(
        Quantity(quantity),
        threshold * _UNITS[unit],
        minutes * 60,
        alert_tolerance.window_s,
        alert_tolerance.near,
    )
    simulation = measurements.result(simulate, alert_rules, course, _servers(environment))
    evidence.add("series that took the course", simulation.series)
    evidence.add("phases of the simulated course, in seconds", simulation.lasted_s)
    fired = {
        phase: [[each.alert, each.severity, each.first_s, each.last_s] for each in firings]
        for phase, firings in simulation.fired.items()
        if firings
    }
    evidence.add("fired in the phase: alert, severity, from and to, in seconds", fired)
    return simulation


@then(
    parsers.parse(
        "an alert of severity {severity} fires above the threshold, and neither at nor below it"
    ),
    target_fixture="nearest_alert",
)
def fires_above(
    prometheus: Endpoint,
    evidence: EvidenceLog,
    alert_rules: tuple[Rule, ...],
    simulated: Simulation,
    severity: str,
) -> Judged:
    judged = nearest(simulated, alert_rules, severity)
    evidence.add("the alert that comes nearest", [judged.name, judged.severity, judged.rule])
    evidence.add("checks of its level", _of(judged, About.LEVEL))
    _require_all(prometheus, judged, About.LEVEL)
    require(
        judged.severity == severity,
        expected=f"severity {severity}",
        actual=judged,
        where=_where(prometheus, judged),
        look=look_of(prometheus),
    )
    return judged


@then(
    "it fires when that has lasted for the duration, not sooner, not later; a relief starts it anew"
)
def fires_in_time(prometheus: Endpoint, evidence: EvidenceLog, nearest_alert: Judged) -> None:
    evidence.add("checks of its duration", _of(nearest_alert, About.DURATION))
    _require_all(prometheus, nearest_alert, About.DURATION)


@then("it sees one server of three, and a new one")
def sees_each_server(prometheus: Endpoint, evidence: EvidenceLog, nearest_alert: Judged) -> None:
    evidence.add("checks of servers", _of(nearest_alert, About.SERVERS))
    _require_all(prometheus, nearest_alert, About.SERVERS)


@then("it is silent when servers restart, go and come, and when there is nothing to do")
def silent(prometheus: Endpoint, evidence: EvidenceLog, nearest_alert: Judged) -> None:
    evidence.add("checks of calm", _of(nearest_alert, About.CALM))
    _require_all(prometheus, nearest_alert, About.CALM)


def _of(judged: Judged, about: About) -> list[Check]:
    return [check for check in judged.checks if check.about is about]


def _require_all(prometheus: Endpoint, judged: Judged, about: About) -> None:
    for check in _of(judged, about):
        require(
            check.holds,
            expected=f"an alert that {check.expected}",
            actual=check.actual if judged.rule is None else f"{judged}: {check.actual}",
            where=_where(prometheus, judged),
            look=look_of(prometheus),
        )


def _where(prometheus: Endpoint, judged: Judged) -> str:
    if judged.rule is None:
        return f"all rules of {prometheus}"
    duration = f" for {judged.rule.for_s:g} s" if judged.rule.for_s else ""
    return f"{judged.name}: {judged.rule.expression}{duration}, of {prometheus}"


def look_of(prometheus: Endpoint) -> str:
    """How one sees for oneself."""
    return f"curl -s {url(prometheus, '/api/v1/rules')}, and promtool test rules"


def _servers(environment: Environment) -> tuple[Server, ...]:
    """Three of the environment's servers, by the addresses in their series, and two new ones."""

    def addresses(role: str) -> list[str]:
        hosts = environment.role(role)
        known = [host.address or name for name, host in hosts.items()]
        return [*known, *(f"{role}-new-{number}" for number in range(1, 6))][:5]

    (monitoring,) = addresses("monitoring")[:1]
    return tuple(
        Server(application, redis, mongodb, monitoring)
        for application, redis, mongodb in zip(
            addresses("app"), addresses("redis"), addresses("mongo"), strict=True
        )
    )
