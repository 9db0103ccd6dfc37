"""What a row of the document's table of alerts asks, checked against a simulated course.

Which alert of the rules is meant by a row is found by what it does: of all that fire in the
course the one is judged that meets most of what the row asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from golive.probes.alert_courses import PERCENTILES, Course
from golive.probes.alert_rules import Rule, selectors
from golive.probes.alert_series import TICK_S, Quantity
from golive.probes.alerts import Firing, Simulation

_PAGING = ("warning", "critical")
_OF_ONE_SERVER = {Quantity.CPU, Quantity.MEMORY, Quantity.REDIS_MEMORY}
_SECONDS = {Quantity.RESPONSE_TIME, Quantity.MONGODB_RESPONSE_TIME}


class About(StrEnum):
    """What a check is about; each is a step of its own."""

    LEVEL = "level"
    DURATION = "duration"
    SERVERS = "servers"
    CALM = "calm"


@dataclass(frozen=True)
class Check:
    """One thing that the alert does, or does not, in a phase of the course."""

    about: About
    holds: bool
    expected: str
    actual: str


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
                f"at {_value(course, value)}{lasting}",
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
    seen = _Seen(simulation, name, severity, rule, recorded)
    checks = (*_level(seen), *_duration(seen), *_servers(seen), *_calm(seen))
    return Judged(name, severity, rule, checks)


@dataclass(frozen=True)
class _Seen:
    """One alert in a course."""

    simulation: Simulation
    name: str
    severity: str | None
    rule: Rule | None
    recorded: bool

    @property
    def course(self) -> Course:
        return self.simulation.course

    @property
    def identity(self) -> tuple[str, str | None]:
        """By what it is told from others."""
        return self.name, self.severity

    def fired(self, phase: str) -> tuple[Firing, ...]:
        return tuple(
            each
            for each in self.simulation.fired.get(phase, ())
            if (each.alert, each.severity) == self.identity
        )

    @property
    def late_s(self) -> int:
        """How late it may be: by an evaluation where it reads what another rule has recorded."""
        return TICK_S if self.recorded else 0

    def lasting(self, phase: str) -> bool:
        """Whether it still fires when the phase ends."""
        end = self.simulation.lasted_s.get(phase, 0) - TICK_S
        return any(each.last_s == end for each in self.fired(phase))

    def said(self, phase: str) -> str:
        """What it did in a phase."""
        fired = self.fired(phase)
        if not fired:
            return f"silent for {_time(self.simulation.lasted_s.get(phase, 0))}"
        first = min(fired, key=lambda each: each.first_s)
        labels = ", ".join(f"{label}={value}" for label, value in first.labels)
        return f"fires after {_time(first.first_s)} ({labels or 'no labels'})"


def _level(seen: _Seen) -> Iterator[Check]:
    course = seen.course
    above, below, at = (
        _value(course, course.threshold * factor)
        for factor in (1 + course.near, 1 - course.near, 1)
    )
    yield Check(About.LEVEL, seen.lasting("above"), f"fires at {above}", seen.said("above"))
    yield Check(
        About.LEVEL, not seen.fired("below"), f"does not fire at {below}", seen.said("below")
    )
    # 1 - 0.99 is more than 0.01 to a computer: at the threshold itself an alert may fire for
    # that. It does not for that if it is silent once its comparisons are strict.
    rounded = any((each.alert, each.severity) == seen.identity for each in seen.simulation.strict)
    silent = not seen.fired("at") or rounded
    yield Check(About.LEVEL, silent, f"does not fire at {at} exactly", seen.said("at"))
    if course.quantity is Quantity.RESPONSE_TIME:
        yield _percentile(seen)


def _percentile(seen: _Seen) -> Check:
    """Whether a mean or a usual percentile is what is compared with the threshold.

    Phase by phase more requests are slow, just beyond the threshold and then far beyond it: a
    percentile begins at the same share of them both times, a mean not at all and then early.
    """
    begins = [_begins(seen, prefix) for prefix in ("", "far ")]
    mean = begins[0] is None and not seen.lasting("most") and seen.lasting("far p90+")
    limit = _value(seen.course, seen.course.threshold)
    usual = ", ".join(f"{each:g}" for each in PERCENTILES)
    just, far = (f"percentile {each:g}" if each else "none" for each in begins)
    return Check(
        About.LEVEL,
        mean or (begins[0] is not None and begins[0] == begins[1]),
        f"fires when the mean, or one of the percentiles {usual}, exceeds {limit}",
        f"fires when {just} is a little above it, and when {far} is far above it",
    )


def _begins(seen: _Seen, prefix: str) -> float | None:
    """The percentile at which it begins to fire; None where it does at none of them."""
    crossed = [
        each
        for each in PERCENTILES
        if seen.lasting(f"{prefix}p{each:g}+") and not seen.lasting(f"{prefix}p{each:g}-")
    ]
    return crossed[0] if crossed else None


def _duration(seen: _Seen) -> Iterator[Check]:
    course = seen.course
    far, wanted = _value(course, course.far), _time(course.for_s)
    first = min((each.first_s for each in seen.fired("onset")), default=None)
    yield Check(
        About.DURATION,
        first is None or first >= course.for_s,
        f"silent until {far} has lasted for {wanted}",
        seen.said("onset"),
    )
    yield Check(
        About.DURATION,
        first is not None and first <= course.for_s + seen.late_s,
        f"fires when {far} has lasted for {wanted}"
        + (", and one evaluation for its recording" if seen.late_s else ""),
        seen.said("onset"),
    )
    yield Check(
        About.DURATION,
        not seen.lasting("end"),
        f"silent again {_time(seen.simulation.lasted_s['end'])} after all has become well",
        "fires still" if seen.lasting("end") else "silent",
    )
    nearly = _time(course.for_s - 2 * TICK_S)
    yield Check(
        About.DURATION,
        not seen.fired("dip"),
        f"silent when {far} lasts for {nearly}, ends, and comes again for {nearly}",
        seen.said("dip"),
    )


def _servers(seen: _Seen) -> Iterator[Check]:
    far = _value(seen.course, seen.course.far)
    whose = {
        "onset": "one server of three",
        "restarting": "one server of three that restarts each minute, so that its counters do",
        "new": "a server that has just come, with as many requests as each other",
    }
    for phase, who in whose.items():
        value = "halfway to " * (phase == "restarting") + far
        yield Check(
            About.SERVERS, seen.lasting(phase), f"fires at {value} of {who}", seen.said(phase)
        )
    if seen.course.quantity in _OF_ONE_SERVER:
        affected = seen.simulation.affected
        yield Check(
            About.SERVERS,
            all(_names(each, affected) for each in seen.fired("onset")),
            f"names the server that is affected, {affected}, in a label",
            seen.said("onset"),
        )


def _names(firing: Firing, server: str) -> bool:
    """Whether a label is the server's address, alone or within a host:port or a URL."""
    hosts = {value.rpartition("//")[2].partition(":")[0] for _, value in firing.labels}
    return server in hosts


def _calm(seen: _Seen) -> Iterator[Check]:
    healthy = _value(seen.course, seen.course.healthy)
    phases = {
        "before": f"silent at {healthy}",
        "upheaval": f"silent at {healthy} while one server restarts each minute, one is gone, "
        "and one has just come",
        "silence": "silent while there is nothing to do",
    }
    for phase, expected in phases.items():
        if phase in seen.simulation.fired:
            yield Check(About.CALM, not seen.fired(phase), expected, seen.said(phase))
    ended = {
        "leaving": "nothing is known any more of one server, affected for less than the duration",
        "nothing": "no server is there any more",
    }
    for phase, when in ended.items():
        after = _time(seen.course.window_s)
        yield Check(
            About.CALM,
            not seen.lasting(phase),
            f"silent once {when}, and {after} over which it may measure are over",
            seen.said(phase),
        )


def _value(course: Course, value: float) -> str:
    seconds = course.quantity in _SECONDS
    return f"{course.quantity} {value * (1000 if seconds else 1):g} {'ms' if seconds else '%'}"


def _time(duration_s: float) -> str:
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
