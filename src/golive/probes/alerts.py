"""What the rules of a Prometheus do, when a quantity of the document's table takes its course.

The course is simulated by `promtool test rules`, which evaluates the rules as Prometheus does.
promtool only compares; so each question is put to it with an expectation that no answer can
meet, and the answer is read from its complaint. A question without an answer is Unproven:
nothing can be green because nothing was run.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import Rule, needed, write_rules
from golive.probes.alert_series import (
    FLOOD,
    SURGE,
    TICK_S,
    Quantity,
    Server,
    Stretch,
    bounds,
    series,
    shown_by,
)

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
_TIMEOUT_S = 60
_ANSWER = re.compile(r'expr: ("(?:[^"\\]|\\.)*"), time: [^\n]*\n\s*exp:[^\n]*\n\s*got: ?([^\n]*)')
_QUESTION = re.compile(r'golive!="([^"]*)"')
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?')
_SAMPLE = re.compile(r'(\w*)\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} ([-+\w.]+)(?:, )?')


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


@dataclass(frozen=True)
class Firing:
    """An alert that fired in a phase, its times in seconds from the phase's first sample."""

    alert: str
    severity: str | None
    labels: tuple[tuple[str, str], ...]
    first_s: float
    last_s: float


@dataclass(frozen=True)
class Simulation:
    """What fired in each phase of a course, and how long (s) each phase was.

    `series` are the names of those that took the course.
    """

    course: Course
    series: tuple[str, ...]
    fired: dict[str, tuple[Firing, ...]]
    lasted_s: dict[str, int]


def simulate(rules: tuple[Rule, ...], course: Course, servers: tuple[Server, ...]) -> Simulation:
    """Let a course happen to five servers, three of which are there from the beginning.

    Raises Unproven: promtool is missing, does not end, refuses the rules (TARGET), or leaves
    a question without an answer (TOOL); fewer than five servers (OURS).
    """
    if len(servers) < _SLOTS:
        raise Unproven(f"{_SLOTS} servers are needed, {len(servers)} given", Whose.OURS)
    phases = tuple(course_of(course))
    steps = [step for phase in phases for step in phase.steps]
    given = {
        name: values
        for slot, server in enumerate(servers[:_SLOTS])
        for name, values in series(course.quantity, server, [step[slot] for step in steps])
    }
    metrics = frozenset(name.partition("{")[0] for name in given)
    shown = tuple(sorted(each for each in metrics if shown_by(course.quantity, each)))
    concerned = needed(rules, frozenset(shown))
    lasted = {phase.name: phase.ticks * TICK_S for phase in phases}
    if not any(rule.alerting for rule in concerned):
        return Simulation(course, shown, {phase.name: () for phase in phases}, lasted)
    answers = run_promtool(concerned, given, dict(_questions(phases)))
    return Simulation(course, shown, dict(_fired(phases, answers)), lasted)


@dataclass(frozen=True)
class Change:
    """A series that is healthy for `before_s` seconds, and then wrong for `after_s`.

    `healthy` and `wrong` are values in promtool's notation: `1`, or `0+100` for a counter's
    start and growth. `others` are series that stay as they are.
    """

    series: str
    healthy: str
    wrong: str
    before_s: int
    after_s: int
    others: tuple[tuple[str, str], ...] = ()


def simulate_change(
    rules: tuple[Rule, ...], change: Change
) -> tuple[tuple[Firing, ...], tuple[Firing, ...]]:
    """What fires while the series is healthy, and while it is wrong. Raises Unproven."""
    before, after = _ticks(change.before_s), _ticks(change.after_s)
    phases = tuple(
        Phase(name, ((Stretch(ticks, None),),))
        for name, ticks in (("healthy", before), ("wrong", after))
    )
    given = {series: _steady(value, before + after) for series, value in change.others}
    given[change.series] = f"{_steady(change.healthy, before)} {_steady(change.wrong, after)}"
    concerned = needed(rules, frozenset(name.partition("{")[0] for name in given))
    if not any(rule.alerting for rule in concerned):
        return (), ()
    fired = dict(_fired(phases, run_promtool(concerned, given, dict(_questions(phases)))))
    return fired["healthy"], fired["wrong"]


def _steady(value: str, ticks: int) -> str:
    return f"{value if '+' in value else f'{value}+0'}x{ticks - 1}"


_SLOTS = 5
_AFFECTED, _GONE, _NEW_HEALTHY, _NEW_AFFECTED = 1, 2, 3, 4


def course_of(course: Course) -> Iterator[Phase]:
    """The phases of a course, in order."""
    bounds_ = bounds(course.quantity)
    if bounds_ and course.threshold not in bounds_:
        reason = f"{course.threshold} s is no bound of the histogram: percentiles are too coarse"
        raise Unproven(reason, Whose.OURS)
    whole = _ticks(course.for_s + course.window_s + _MARGIN_S)
    drained = _ticks(course.window_s + _MARGIN_S)
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
    short = replace(high, ticks=_ticks(course.for_s) - 2, value=2 * course.threshold - course.low)
    once = (_one(calm, low), _one(calm, short), _one(calm, replace(low, requests=FLOOD)))
    yield Phase("dip", (*once, *once))
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
    new[_NEW_AFFECTED] = high
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
    return (stretch, *[absent] * (_SLOTS - 1))


def _all_unlike(stretch: Stretch) -> tuple[Stretch, ...]:
    """The same of each server, at three rates: what rounding does to one, it does not to all."""
    step = list(_all(stretch))
    step[1:3] = (replace(stretch, requests=stretch.requests * times) for times in (3, 5))
    return tuple(step)


def _one(calm: Stretch, affected: Stretch) -> tuple[Stretch, ...]:
    step = list(_all(replace(calm, ticks=affected.ticks)))
    step[_AFFECTED] = affected
    return tuple(step)


def _ticks(duration_s: float) -> int:
    return -(-int(duration_s) // TICK_S)


def _questions(phases: Iterable[Phase]) -> Iterator[tuple[str, tuple[str, int]]]:
    """By a name of its own: each question (PromQL) and the time (s) at which it is put."""
    ticks = 0
    for phase in phases:
        ticks += phase.ticks
        span = f"{phase.ticks * TICK_S - 1}s:{TICK_S}s"
        for which, function in (("first", "min_over_time"), ("last", "max_over_time")):
            name = f"{phase.name} {which}"
            firing = f'ALERTS{{alertstate="firing",golive!="{name}"}}'
            yield name, (f"{function}(timestamp({firing})[{span}])", (ticks - 1) * TICK_S)


def _fired(
    phases: Iterable[Phase], answers: dict[str, dict[tuple[tuple[str, str], ...], float]]
) -> Iterator[tuple[str, tuple[Firing, ...]]]:
    begins = 0
    for phase in phases:
        first, last = answers[f"{phase.name} first"], answers[f"{phase.name} last"]
        firings = []
        for labels, at in first.items():
            named = dict(labels)
            alert, severity = named.pop("alertname"), named.pop("severity", None)
            named.pop("alertstate", None)
            others = tuple(sorted(named.items()))
            firings.append(Firing(alert, severity, others, at - begins, last[labels] - begins))
        yield phase.name, tuple(firings)
        begins += phase.ticks * TICK_S


def run_promtool(
    rules: tuple[Rule, ...], given: dict[str, str], questions: dict[str, tuple[str, int]]
) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """For each question the values of its answer, by labels. Raises Unproven (see `simulate`)."""
    test = {
        "interval": f"{TICK_S}s",
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "promql_expr_test": [
            {
                "expr": expression,
                "eval_time": f"{at}s",
                "exp_samples": [{"labels": "golive_expects_nothing_of_this", "value": 0}],
            }
            for expression, at in questions.values()
        ],
    }
    with tempfile.TemporaryDirectory(prefix="golive-alerts-") as directory:
        file = Path(directory, "rules.yml")
        file.write_text(write_rules(rules))
        asked = Path(directory, "test.yml")
        suite = {"rule_files": [str(file)], "evaluation_interval": f"{TICK_S}s", "tests": [test]}
        asked.write_text(json.dumps(suite))  # JSON is YAML
        output = _promtool(file, asked)
    answers = {}
    for expression, got in _ANSWER.findall(output):
        name = _QUESTION.search(json.loads(expression))
        if name:
            answers[name[1]] = dict(_samples(got))
    if missing := questions.keys() - answers.keys():
        reason = f"promtool left {len(missing)} of {len(questions)} questions unanswered: {output}"
        raise Unproven(reason[-2000:], Whose.TOOL)
    return answers


def _promtool(rules: Path, test: Path) -> str:
    try:
        done = subprocess.run(
            ["promtool", "test", "rules", str(test)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise Unproven("promtool is not installed (Debian: prometheus)", Whose.TOOL) from error
    except subprocess.TimeoutExpired as error:
        raise Unproven(f"promtool did not end within {_TIMEOUT_S} s", Whose.TOOL) from error
    output = done.stdout + done.stderr
    if str(rules) in output and not _ANSWER.search(output):
        raise Unproven(f"promtool refuses the rules: {output.strip()[-1000:]}", Whose.TARGET)
    return output


def _samples(got: str) -> Iterator[tuple[tuple[tuple[str, str], ...], float]]:
    """The samples of promtool's `got:`, such as `{alertname="A"} 3.15E+02, {...} 1E+00`."""
    if got.strip() == "nil":
        return
    end = 0
    for sample in _SAMPLE.finditer(got):
        if sample.start() != end:
            break
        end = sample.end()
        labels = [(name, json.loads(f'"{value}"')) for name, value in _LABEL.findall(sample[2])]
        yield tuple(sorted(labels)), float(sample[3])
    if end != len(got.rstrip()):
        raise Unproven(f"not an answer of promtool: {got[:500]}", Whose.TOOL)
