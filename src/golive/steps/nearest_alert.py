"""Which alert of the rules is meant by a row of the document's table, and who is called beside it.

That is found by what alerts do: of all that fire in the course the one is judged that meets most of
what the row asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from golive.probes.alert_rules import Rule, selectors
from golive.probes.alerts import Simulation
from golive.steps.alert_checks import About, Check, Seen, checks_of, value_of

_PAGING = ("warning", "critical")


@dataclass(frozen=True)
class Judged:
    """The alert that comes nearest to a row. `rule` is None where no alert fires at all."""

    name: str
    severity: str | None
    rule: Rule | None
    checks: tuple[Check, ...]

    def __str__(self) -> str:
        if self.rule is None:
            return "no alert fires in the course"
        return f"{self.name} ({self.severity or 'no severity'})"


def nearest(simulation: Simulation, rules: tuple[Rule, ...], severity: str) -> Judged:
    """The alert that meets most checks of a row; of several, one of the right severity."""
    fired = {
        (each.alert, each.severity) for firings in simulation.fired.values() for each in firings
    }
    recordings = frozenset(rule.name for rule in rules if not rule.alerting)
    judged = [
        _judged(simulation, name, level, _rule(rules, name, level), recordings)
        for name, level in sorted(fired, key=str)
        if _watches(_rule(rules, name, level))
    ]
    if not judged:
        return _judged(simulation, "", severity, None)
    best = max(
        judged,
        key=lambda each: (
            sum(check.holds for check in each.checks) + (each.severity == severity),
            each.severity == severity,
        ),
    )
    watching = {(each.name, each.severity) for each in judged}
    return replace(best, checks=(*best.checks, *_alone(simulation, watching, severity)))


def _alone(
    simulation: Simulation, watching: set[tuple[str, str | None]], severity: str
) -> Iterator[Check]:
    """That nobody is called by any other alert on the same quantity."""
    course = simulation.course
    graver = _PAGING[_PAGING.index(severity) :]
    phases = {
        "before": (course.healthy, _PAGING),
        "below": (course.threshold * (1 - course.near), graver),
        "above": (course.threshold * (1 + course.near), graver[1:]),
        "dip": (course.far, (severity,)),
    }
    for phase, (value, severities) in phases.items():
        called = {
            f"{each.alert} ({each.severity})"
            for each in simulation.fired[phase]
            if (each.alert, each.severity) in watching and each.severity in severities
        }
        if severities:
            lasting = " for less than the duration" if phase == "dip" else ""
            yield Check(
                About.LEVEL,
                not called,
                f"is joined by no other of severity {' or '.join(severities)} "
                f"at {value_of(course, value)}{lasting}",
                f"these fire: {', '.join(sorted(called))}" if called else "none fires",
            )


def _rule(rules: tuple[Rule, ...], name: str, severity: str | None) -> Rule | None:
    named = [rule for rule in rules if rule.alerting and rule.name == name]
    return next((rule for rule in named if rule.severity == severity), named[0] if named else None)


def _watches(rule: Rule | None) -> bool:
    """Whether it watches anything: a dead man's switch does not."""
    return rule is not None and bool(selectors(rule.expression))


def _judged(
    simulation: Simulation,
    name: str,
    severity: str | None,
    rule: Rule | None,
    recordings: frozenset[str] = frozenset(),
) -> Judged:
    read = selectors(rule.expression) if rule else ()
    recorded = any(each.metric in recordings for each in read)
    seen = Seen(simulation, name, severity, rule, recorded)
    return Judged(name, severity, rule, checks_of(seen))
