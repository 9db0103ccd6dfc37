"""What a watch must not find: judged look by look, against the time before."""

from collections.abc import Iterator
from dataclasses import dataclass

from golive.report.text import duration
from golive.watch.record import Record, Verdict


@dataclass(frozen=True)
class Limits:
    """What is a breach besides an alert: given by whoever starts the watch.

    `times` is how much higher than the highest of the time before something may be, unless it is
    below `error_rate` (percent), `p95_s` or `error_lines` (a minute) anyway. `restarts` is how many
    are allowed in all.
    """

    times: float = 2.0
    error_rate: float = 0.5
    p95_s: float = 0.2
    error_lines: float = 30.0
    restarts: int = 0


_IN_A_ROW = 2  # looks: one alone may be a moment's
_COVERED = 0.9


def breaches(record: Record, limits: Limits) -> tuple[str, ...]:
    """What the last looks show that must not be; none where all is well."""
    return tuple(_breaches(record, limits)) if record.looks else ()


def _breaches(record: Record, limits: Limits) -> Iterator[str]:
    last, before = record.looks[-1], record.before
    for alert in sorted(set(last.alerts) - set(before.alerts)):
        yield f"an alert fires: {alert}"
    if record.restarts is not None and last.restarts is not None:
        restarts = last.restarts - record.restarts
        if restarts > limits.restarts:
            yield f"workers were started again {restarts} times; allowed: {limits.restarts}"
    looks = record.looks[-_IN_A_ROW:]
    if len(looks) < _IN_A_ROW:
        return
    highest = max(limits.error_rate, limits.times * (before.error_rate or 0))
    if all(each.error_rate is not None and each.error_rate > highest for each in looks):
        yield f"error rate {last.error_rate:.2f} %; at most {highest:.2f} %, {_of(record, limits)}"
    highest = max(limits.p95_s, limits.times * (before.p95_s or 0))
    if all(each.p95_s is not None and each.p95_s > highest for each in looks):
        yield (
            f"95 % of answers within {_ms(last.p95_s)}; at most {_ms(highest)}, "
            f"{_of(record, limits)}"
        )
    lines = limits.error_lines * record.every_s / 60
    if all(each.error_lines is not None and each.error_lines > lines for each in looks):
        yield f"{last.error_lines} lines in the error logs since the last look; at most {lines:g}"


def verdict(record: Record) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict of a watch that has ended without a breach, and why it is not GO."""
    reasons = tuple(_unproven(record))
    return (Verdict.INCOMPLETE if reasons else Verdict.GO), reasons


def _unproven(record: Record) -> Iterator[str]:
    blind = [each for each in record.looks if each.problem or each.covered < _COVERED]
    if blind or not record.looks:
        problem = next((each.problem for each in blind if each.problem), "scrapes are missing")
        yield f"{len(blind)} of {len(record.looks)} looks saw less than all: {problem}"
    if not any(each.error_rate is not None for each in record.looks):
        yield "nobody asked the API for anything"
    if record.before.seconds and record.before.error_rate is None:
        yield "there is nothing to compare with: nobody asked the API for anything before"
    if not any(each.restarts is not None for each in record.looks):
        yield "restarts and logs were not seen: no server can be looked into"


def _of(record: Record, limits: Limits) -> str:
    return f"{limits.times:g} times the highest of the {duration(record.before.seconds)} before"


def _ms(seconds: float | None) -> str:
    return f"{(seconds or 0) * 1000:.0f} ms"
