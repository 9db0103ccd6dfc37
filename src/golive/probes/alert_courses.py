"""The course that a quantity of the document's table takes, so that an alert shows what it does.

A course is phases, one after another; in each every server has its own stretch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from golive.outcome import Unproven, Whose
from golive.probes.alert_series import Quantity, bounds
from golive.probes.series_values import CALM, FLOOD, SURGE, TICK_S, Stretch

PERCENTILES = (99.9, 99, 95, 90, 50)
"""Those that a response time is commonly given as."""

_HEALTHY = {
    Quantity.CPU: 30.0,
    Quantity.MEMORY: 40.0,
    Quantity.REDIS_MEMORY: 30.0,
    Quantity.RESPONSE_TIME: 0.02,
    Quantity.ERROR_RATE: 0.0,
    Quantity.MONGODB_RESPONSE_TIME: 0.002,
}
_BOUNDED = {Quantity.CPU, Quantity.MEMORY, Quantity.REDIS_MEMORY}  # by 100 %
_FAR = 20  # times the threshold, of what is not bounded
_MARGIN_S = 60


@dataclass(frozen=True)
class Course:
    """A row of the table: `quantity` above `threshold` (its unit) for `for_s` seconds.

    `window_s` is over how long an alert may measure at most, `near` how close to the
    threshold it must be right, as a share of it.
    """

    quantity: Quantity
    threshold: float
    for_s: int
    window_s: int
    near: float

    @property
    def healthy(self) -> float:
        """A value that is nobody's concern."""
        return _HEALTHY[self.quantity]

    @property
    def far(self) -> float:
        """A value far above the threshold."""
        return self._percent(100.0 if self.bounded else self.threshold * _FAR)

    @property
    def just_below(self) -> float:
        """A value so little below the threshold that `far` outweighs it in any mean."""
        step = min((self.far - self.threshold) / 50, self.threshold * self.near)
        return self.threshold - step

    @property
    def low(self) -> float:
        """A value as far below the threshold as 100 %, or its double, is above it."""
        return max(2 * self.threshold - 100, 0.0) if self.bounded else self.healthy

    @property
    def bounded(self) -> bool:
        """Whether the quantity cannot exceed 100 %."""
        return self.quantity in _BOUNDED

    def _percent(self, value: float) -> float:
        return min(value, 100.0) if self.quantity is Quantity.ERROR_RATE else value


@dataclass(frozen=True)
class Phase:
    """A part of a course: what each server goes through, in stretches of equal ticks."""

    name: str
    steps: tuple[tuple[Stretch, ...], ...]

    @property
    def ticks(self) -> int:
        """How long it is, in intervals of 15 s."""
        return sum(step[0].ticks for step in self.steps)


SLOTS = 5
"""Servers of a course; AFFECTED is the one that is affected alone."""

AFFECTED, _GONE, _NEW_HEALTHY, _NEW_AFFECTED = 1, 2, 3, 4


def course_of(course: Course) -> Iterator[Phase]:
    """The phases of a course, in order."""
    bounds_ = bounds(course.quantity)
    if bounds_ and course.threshold not in bounds_:
        reason = f"{course.threshold} s is no bound of the histogram: percentiles are too coarse"
        raise Unproven(reason, Whose.OURS)
    whole = ticks_of(course.for_s + course.window_s + _MARGIN_S)
    drained = ticks_of(course.window_s + _MARGIN_S)
    calm = Stretch(drained, course.healthy)

    def all_at(name: str, factor: float, uneven: bool = False) -> Phase:
        value = course.threshold * factor
        return Phase(name, (_all(Stretch(whole, value, uneven=uneven)),))

    rest = _all(calm)
    yield Phase("before", (rest,))
    yield all_at("below", 1 - course.near, uneven=True)
    yield Phase("at", (_all_unlike(Stretch(whole, course.threshold)),))
    yield all_at("above", 1 + course.near, uneven=True)
    if course.quantity is Quantity.RESPONSE_TIME:
        yield from _percentiles(course, whole)
    yield Phase("calm", (rest,))
    # From just below the threshold to far above it: whatever an alert measures over, it sees
    # that at once, so that all of its delay is its duration.
    drained_at = Stretch(drained, course.just_below)
    high = Stretch(whole, course.far, requests=SURGE)
    yield Phase("lead", (_one(calm, drained_at),))
    yield Phase("onset", (_one(calm, high),))
    yield Phase("rest", (rest,))
    # Twice from as far below the threshold to as far above it: what a measuring window delays
    # the beginning, it delays the end.
    low = Stretch(drained, course.low)
    short = replace(high, ticks=ticks_of(course.for_s) - 2, value=2 * course.threshold - course.low)
    once = (_one(calm, low), _one(calm, short), _one(calm, replace(low, requests=FLOOD)))
    yield Phase("dip", (*once, *once))
    # Halfway to what is far: a counter of what there is none of any more would not be reset.
    harmed = Stretch(whole, (course.threshold + course.far) / 2, requests=SURGE, restarts=True)
    yield Phase("restarting", (_one(calm, harmed),))
    # What measures over a while still sees for that while what has gone.
    missing = Stretch(drained, None, partly=True)
    yield Phase("leaving", (_one(calm, short), _one(calm, missing)))
    yield Phase("nothing", (_all(Stretch(whole, None)),))
    yield Phase("calm again", (rest,))
    gone = list(_all(replace(calm, ticks=whole)))
    gone[0] = replace(gone[0], restarts=True)
    gone[_GONE] = Stretch(whole, None)
    gone[_NEW_HEALTHY] = Stretch(whole, course.healthy)
    yield Phase("upheaval", (tuple(gone),))
    yield Phase("calm at last", (rest,))
    if not course.bounded:
        yield Phase("silence", (_all(Stretch(whole, course.healthy, requests=0)),))
    new = list(_all(replace(calm, ticks=whole)))
    new[_NEW_AFFECTED] = replace(high, requests=CALM)
    yield Phase("new", (tuple(new),))
    ended = list(rest)
    ended[_NEW_AFFECTED] = calm
    yield Phase("end", (tuple(ended),))


def _percentiles(course: Course, ticks: int) -> Iterator[Phase]:
    """More and more requests take longer than the threshold, all others half as long.

    A percentile crosses the threshold between two of these phases, whichever it is.
    """
    value = course.threshold * (1 + 2 * course.near)
    for percentile in PERCENTILES:
        for sign, factor in (("-", 1 - course.near), ("+", 1 + course.near)):
            share = (100 - percentile) / 100 * factor
            stretch = Stretch(ticks, value, requests=SURGE, slow=share)
            yield Phase(f"p{percentile:g}{sign}", (_alone(stretch),))
    yield Phase("most", (_alone(replace(stretch, slow=0.9)),))
    # Again with requests that take far longer: a histogram does not tell the percentile 95
    # at one and a half times the threshold from the percentile 90 at the threshold.
    yield Phase("between", (_alone(Stretch(ticks, course.healthy)),))
    for percentile in PERCENTILES:
        for sign, factor in (("-", 1 - course.near), ("+", 1 + course.near)):
            share = (100 - percentile) / 100 * factor
            stretch = Stretch(ticks, course.far, requests=SURGE, slow=share, fast=course.healthy)
            yield Phase(f"far p{percentile:g}{sign}", (_alone(stretch),))


def _all(stretch: Stretch) -> tuple[Stretch, ...]:
    absent = Stretch(stretch.ticks, None)
    return (stretch, stretch, stretch, absent, absent)


def _alone(stretch: Stretch) -> tuple[Stretch, ...]:
    """One server, no other: percentiles need many phases, and each series takes its time."""
    absent = Stretch(stretch.ticks, None)
    return (stretch, *[absent] * (SLOTS - 1))


def _all_unlike(stretch: Stretch) -> tuple[Stretch, ...]:
    """The same of each server, at three rates: what rounding does to one, it does not to all."""
    step = list(_all(stretch))
    step[1:3] = (replace(stretch, requests=stretch.requests * times) for times in (3, 5))
    return tuple(step)


def _one(calm: Stretch, affected: Stretch) -> tuple[Stretch, ...]:
    step = list(_all(replace(calm, ticks=affected.ticks)))
    step[AFFECTED] = affected
    return tuple(step)


def ticks_of(duration_s: float) -> int:
    """How many intervals a duration is, begun ones counted."""
    return -(-int(duration_s) // TICK_S)
