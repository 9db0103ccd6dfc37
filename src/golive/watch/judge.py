"""What a watch must not find: judged look by look, against the time before the release."""

from collections.abc import Callable, Iterator, Sequence

from golive.report.text import duration
from golive.watch.record import Look, Record, Verdict

# What the document's own alerts warn of (ALR-06, ALR-05): whatever was usual before, more is none.
WARNED_ERROR_RATE, WARNED_P95_S = 1.0, 0.5
_FEWEST = 0.1  # of the requests that the quiet hours before had
# So many bad looks of so many: one alone may be a moment's, and what comes and goes is none.
_TOO_MANY = ((2, 2), (3, 10), (6, 60))
_COVERED = 0.9
_UNSEEN = 0.1  # the share of looks that may lack something

Bad = Callable[[Look], bool]


def breaches(record: Record) -> tuple[str, ...]:
    """What the last looks show that must not be; none where all is well."""
    return tuple(_breaches(record)) if record.looks else ()


def _breaches(record: Record) -> Iterator[str]:
    last, before, limits = record.looks[-1], record.before, record.limits
    for alert in sorted(set(last.alerts) - _excused(record)):
        yield f"an alert fires: {alert}"
    if record.restarted > limits.restarts:
        yield f"workers were started again {record.restarted} times; allowed: {limits.restarts}"

    def highest(usual: float | None, least: float, most: float) -> float:
        return min(max(least, limits.times * (usual or 0)), most)

    rate = highest(before.error_rate, limits.error_rate, WARNED_ERROR_RATE)
    if found := _too_many(record.looks, lambda each: (each.error_rate or 0) > rate):
        yield f"error rate {last.error_rate:.2f} %{found}; at most {rate:.2f} %, {_of(record)}"
    p95_s = highest(before.p95_s, limits.p95_s, WARNED_P95_S)
    if found := _too_many(record.looks, lambda each: (each.p95_s or 0) > p95_s):
        yield (
            f"95 % of answers within {_ms(last.p95_s)}{found}; at most {_ms(p95_s)}, {_of(record)}"
        )
    lines = highest(before.error_lines, limits.error_lines * record.every_s / 60, float("inf"))
    if found := _too_many(record.looks, lambda each: (each.error_lines or 0) > lines):
        yield (
            f"{last.error_lines} lines in the error logs since the last look{found}; "
            f"at most {lines:g}, {_of(record)}"
        )
    fewest = _FEWEST * (before.requests_s or 0)
    if found := _too_many(
        record.looks, lambda each: _seen(each) and (each.requests_s or 0) < fewest
    ):
        yield (
            f"{last.requests_s or 0:.2f} requests a second{found}; at least {fewest:.2f}, "
            f"{_FEWEST:g} times those of the quiet hours before"
        )


def _excused(record: Record) -> set[str]:
    """The alerts that fired before, but a critical one only until it ended."""
    ended = {
        alert
        for alert in record.before.alerts
        if _critical(alert)
        and any(_seen(each) and alert not in each.alerts for each in record.looks[:-1])
    }
    return set(record.before.alerts) - ended


def _too_many(looks: Sequence[Look], bad: Bad) -> str:
    """That too many of the last looks are bad, the last among them; empty where they are not."""
    if not bad(looks[-1]):
        return ""
    for most, of in _TOO_MANY:
        if (found := sum(map(bad, looks[-of:]))) >= most:
            return f" ({found} of the last {min(of, len(looks))} looks are bad)"
    return ""


def verdict(record: Record) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict of a watch that has ended without a breach, and why it is not GO."""
    reasons = tuple(_unproven(record))
    return (Verdict.INCOMPLETE if reasons else Verdict.GO), reasons


def _unproven(record: Record) -> Iterator[str]:
    looks = record.looks
    blind = [each for each in looks if not _seen(each)]
    if blind or not looks:
        problem = next((each.problem for each in blind if each.problem), "scrapes are missing")
        yield f"{len(blind)} of {len(looks)} looks saw less than all: {problem}"
    asked = "nobody asked the API for anything"
    why = next((each.unseen for each in looks if each.unseen), "nobody looked at the servers then")
    for what, seen, reason in (
        ("an error rate", [each.error_rate for each in looks], asked),
        ("a response time", [each.p95_s for each in looks], asked),
        ("restarts", [each.restarts for each in looks], why),
        ("error lines", [each.error_lines for each in looks], why),
    ):
        lacking = sum(each is None for each in seen)
        if lacking > _UNSEEN * len(looks):
            yield f"{lacking} of {len(looks)} looks are without {what}: {reason}"
    if record.counted_from is None:
        yield f"how often workers had been started when the watch was is not known: {why}"
    if record.before.seconds and None in (record.before.error_rate, record.before.p95_s):
        yield "there is nothing to compare with: nobody asked the API for anything before"
    for alert in filter(_critical, record.before.alerts):
        if sum(alert in each.alerts for each in looks) > _UNSEEN * len(looks):
            yield f"what the release does cannot be told from what was there before: {alert}"


def _seen(look: Look) -> bool:
    """Whether Prometheus told of the whole time."""
    return look.problem is None and look.covered >= _COVERED


def _critical(alert: str) -> bool:
    return " (critical)" in alert


def _of(record: Record) -> str:
    times = f"{record.limits.times:g} times what was usual"
    return f"by {times} in the {duration(record.before.seconds)} before, and what alerts warn of"


def _ms(seconds: float | None) -> str:
    return f"{(seconds or 0) * 1000:.0f} ms"
