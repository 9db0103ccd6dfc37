"""What the rules of a Prometheus do, when a quantity of the document's table takes its course."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from golive.outcome import Unproven, Whose
from golive.probes.alert_courses import AFFECTED, SLOTS, Course, Phase, course_of, ticks_of
from golive.probes.alert_rules import Rule, needed, otherwise_strict
from golive.probes.alert_series import Quantity, Server, series, shown_by
from golive.probes.promtool import run_promtool
from golive.probes.series_values import TICK_S, Stretch, absent


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

    `series` are the names of those that took the course, `affected` is the address of the server
    that is affected alone. `strict` is what fires at the threshold itself once each comparison
    that lets its limit through does not, and each other one does; it is asked of alerts only
    that fire there.
    """

    course: Course
    series: tuple[str, ...]
    affected: str
    fired: dict[str, tuple[Firing, ...]]
    lasted_s: dict[str, int]
    strict: tuple[Firing, ...] = ()


def simulate(rules: tuple[Rule, ...], course: Course, servers: tuple[Server, ...]) -> Simulation:
    """Let a course happen to five servers, three of which are there from the beginning.

    Raises Unproven: promtool is missing, does not end, refuses the rules (TARGET), or leaves
    a question without an answer (TOOL); fewer than five servers (OURS).
    """
    if len(servers) < SLOTS:
        raise Unproven(f"{SLOTS} servers are needed, {len(servers)} given", Whose.OURS)
    phases = tuple(course_of(course))
    metrics = frozenset(name.partition("{")[0] for name in _given(course, phases, servers))
    shown = tuple(sorted(each for each in metrics if shown_by(course.quantity, each)))
    concerned = needed(rules, frozenset(shown))
    fired = _play(concerned, course, phases, servers)
    strict: tuple[Firing, ...] = ()
    if {_named(each) for each in fired["at"]} - {_named(each) for each in fired["below"]}:
        turned = tuple(
            replace(rule, expression=otherwise_strict(rule.expression)) for rule in concerned
        )
        exact = tuple(phase for phase in phases if phase.name in ("before", "at"))
        strict = _play(turned, course, exact, servers)["at"]
    return Simulation(
        course,
        shown,
        _address(course.quantity, servers[AFFECTED]),
        fired,
        {phase.name: phase.ticks * TICK_S for phase in phases},
        strict,
    )


def _given(
    course: Course, phases: tuple[Phase, ...], servers: tuple[Server, ...]
) -> dict[str, str]:
    steps = [step for phase in phases for step in phase.steps]
    return {
        name: values
        for slot, server in enumerate(servers[:SLOTS])
        for name, values in series(course.quantity, server, [step[slot] for step in steps])
    }


def _play(
    rules: tuple[Rule, ...], course: Course, phases: tuple[Phase, ...], servers: tuple[Server, ...]
) -> dict[str, tuple[Firing, ...]]:
    """What fires in each phase."""
    if not any(rule.alerting for rule in rules):
        return {phase.name: () for phase in phases}
    given = _given(course, phases, servers)
    return dict(_fired(phases, run_promtool(rules, given, dict(_questions(phases)))))


def _named(firing: Firing) -> tuple[str, str | None]:
    return firing.alert, firing.severity


def _address(quantity: Quantity, server: Server) -> str:
    return {
        Quantity.REDIS_MEMORY: server.redis,
        Quantity.MONGODB_RESPONSE_TIME: server.mongodb,
    }.get(quantity, server.application)


@dataclass(frozen=True)
class Change:
    """A series that is healthy for `before_s` seconds, and then wrong for `after_s`.

    `healthy` and `wrong` are values in promtool's notation: `1`, or `0+100` for a counter's
    start and growth, or `_` where the series is not there any more. `others` are series that
    stay as they are.
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
    before, after = ticks_of(change.before_s), ticks_of(change.after_s)
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
    if value == "_":
        return " ".join(absent(ticks, there=True))
    return f"{value if '+' in value else f'{value}+0'}x{ticks - 1}"


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
