"""What a row of the document's table of alerts asks of one alert, in a simulated course."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from golive.probes.alert_courses import PERCENTILES, Course
from golive.probes.alert_rules import Rule
from golive.probes.alert_series import Quantity
from golive.probes.alerts import Firing, Simulation
from golive.probes.series_values import TICK_S

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
class Seen:
    """One alert in a course. `recorded` is whether it reads what another rule records."""

    simulation: Simulation
    name: str
    severity: str | None
    rule: Rule | None
    recorded: bool

    @property
    def course(self) -> Course:
        """What was simulated."""
        return self.simulation.course

    @property
    def identity(self) -> tuple[str, str | None]:
        """By what it is told from others."""
        return self.name, self.severity

    def fired(self, phase: str) -> tuple[Firing, ...]:
        """What fired of it in a phase."""
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
            return f"silent for {time_of(self.simulation.lasted_s.get(phase, 0))}"
        first = min(fired, key=lambda each: each.first_s)
        labels = ", ".join(f"{label}={value}" for label, value in first.labels)
        return f"fires after {time_of(first.first_s)} ({labels or 'no labels'})"


def checks_of(seen: Seen) -> tuple[Check, ...]:
    """All that a row asks of one alert."""
    return (*_level(seen), *_duration(seen), *_servers(seen), *_calm(seen))


def _level(seen: Seen) -> Iterator[Check]:
    course = seen.course
    above, below, at = (
        value_of(course, course.threshold * factor)
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


def _percentile(seen: Seen) -> Check:
    """Whether a mean or a usual percentile is what is compared with the threshold.

    Phase by phase more requests are slow, just beyond the threshold and then far beyond it: a
    percentile begins at the same share of them both times, a mean not at all and then early.
    """
    begins = [_begins(seen, prefix) for prefix in ("", "far ")]
    mean = begins[0] is None and not seen.lasting("most") and seen.lasting("far p90+")
    limit = value_of(seen.course, seen.course.threshold)
    usual = ", ".join(f"{each:g}" for each in PERCENTILES)
    just, far = (f"percentile {each:g}" if each else "none" for each in begins)
    return Check(
        About.LEVEL,
        mean or (begins[0] is not None and begins[0] == begins[1]),
        f"fires when the mean, or one of the percentiles {usual}, exceeds {limit}",
        f"fires when {just} is a little above it, and when {far} is far above it",
    )


def _begins(seen: Seen, prefix: str) -> float | None:
    """The percentile at which it begins to fire; None where it does at none of them."""
    crossed = [
        each
        for each in PERCENTILES
        if seen.lasting(f"{prefix}p{each:g}+") and not seen.lasting(f"{prefix}p{each:g}-")
    ]
    return crossed[0] if crossed else None


def _duration(seen: Seen) -> Iterator[Check]:
    course = seen.course
    far, wanted = value_of(course, course.far), time_of(course.for_s)
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
        f"silent again {time_of(seen.simulation.lasted_s['end'])} after all has become well",
        "fires still" if seen.lasting("end") else "silent",
    )
    nearly = time_of(course.for_s - 2 * TICK_S)
    yield Check(
        About.DURATION,
        not seen.fired("dip"),
        f"silent when {far} lasts for {nearly}, ends, and comes again for {nearly}",
        seen.said("dip"),
    )


def _servers(seen: Seen) -> Iterator[Check]:
    far = value_of(seen.course, seen.course.far)
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


def _calm(seen: Seen) -> Iterator[Check]:
    healthy = value_of(seen.course, seen.course.healthy)
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
        after = time_of(seen.course.window_s)
        yield Check(
            About.CALM,
            not seen.lasting(phase),
            f"silent once {when}, and {after} over which it may measure are over",
            seen.said(phase),
        )


def value_of(course: Course, value: float) -> str:
    """A value of the quantity, in words."""
    seconds = course.quantity in _SECONDS
    return f"{course.quantity} {value * (1000 if seconds else 1):g} {'ms' if seconds else '%'}"


def time_of(duration_s: float) -> str:
    """A duration, in words."""
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
