"""What ends a watch, and what it must have seen to say GO."""

from datetime import UTC, datetime, timedelta

import pytest

from golive.watch.judge import breaches, verdict
from golive.watch.record import Before, Limits, Look, Record, Release, Verdict

BEGAN = datetime(2025, 4, 5, 12, tzinfo=UTC)
OLD, FATAL = "Old (warning) a", "Fatal (critical) a"
BEFORE = Before(
    seconds=86400, requests_s=20, error_rate=0.4, p95_s=0.15, error_lines=4, alerts=(OLD,)
)
WELL = Look(
    at=BEGAN,
    requests_s=40,
    error_rate=0.1,
    p95_s=0.1,
    restarts=0,
    error_lines=3,
    covered=1.0,
    alerts=BEFORE.alerts,
)


def record(*looks: Look, **fields: object) -> Record:
    given = {
        "environment": "test",
        "release": Release(tag="v1.2.0", commit="0" * 40),
        "released_at": BEGAN,
        "began": BEGAN,
        "ends": BEGAN + timedelta(hours=24),
        "every_s": 60,
        "before": BEFORE,
        "counted_from": BEGAN,
    }
    return Record.model_validate(given | fields | {"looks": looks})


def look(**fields: object) -> Look:
    return WELL.model_copy(update=fields)


def before(**fields: object) -> Before:
    return BEFORE.model_copy(update=fields)


def breached(looks: list[Look], **fields: object) -> tuple[str, ...]:
    """What ends a watch of these looks: it is judged after each."""
    for number in range(len(looks)):
        if found := breaches(record(*looks[: number + 1], **fields)):
            return found
    return ()


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([look(alerts=("New (critical) b",))], "an alert fires: New (critical) b"),
        ([look(restarts=1)], "workers were started again 1 times; allowed: 0"),
        ([look(error_rate=0.81)] * 2, "error rate 0.81 % (2 of the last 2 looks are bad); at most"),
        ([look(p95_s=0.31)] * 2, "95 % of answers within 310 ms"),
        ([look(error_lines=31)] * 2, "31 lines in the error logs"),
        ([look(requests_s=1.9)] * 2, "1.90 requests a second"),
        ([look(requests_s=None, error_rate=None, p95_s=None)] * 2, "0.00 requests a second"),
    ],
)
def test_a_breach(looks: list[Look], said: str):
    (found,) = breaches(record(*looks))
    assert found.startswith(said)


@pytest.mark.parametrize(
    "looks",
    [
        [WELL, WELL],
        [WELL, look(error_rate=50)],  # a moment
        [look(error_rate=0.79)] * 2,
        [look(p95_s=0.29)] * 2,
        [look(error_lines=30)] * 2,
        [look(requests_s=2.1)] * 2,
        [look(requests_s=None, covered=0.5)] * 2,  # Prometheus was away, not the people
        [look(problem="refused", requests_s=None, covered=0)] * 2,
        [look(restarts=None, error_lines=None)] * 2,
    ],
)
def test_no_breach(looks: list[Look]):
    assert breaches(record(*looks)) == ()


@pytest.mark.parametrize(
    ("usual", "bad", "said"),
    [
        ({"error_rate": 45.0}, {"error_rate": 1.01}, "at most 1.00 %"),
        ({"p95_s": 3.0}, {"p95_s": 0.51}, "at most 500 ms"),
    ],
)
def test_no_time_before_allows_what_alerts_warn_of(
    usual: dict[str, float], bad: dict[str, float], said: str
):
    (found,) = breaches(record(*[look(**bad)] * 2, before=before(**usual)))
    assert said in found


def test_logs_are_compared_with_the_time_before():
    assert breaches(record(*[look(error_lines=79)] * 2, before=before(error_lines=40))) == ()
    (found,) = breaches(record(*[look(error_lines=81)] * 2, before=before(error_lines=40)))
    assert "at most 80" in found


@pytest.mark.parametrize(
    "bad", [{"error_rate": 50.0}, {"p95_s": 2.0}, {"error_lines": 500}, {"requests_s": 0.0}]
)
@pytest.mark.parametrize("apart", [2, 3, 4, 8])
def test_what_comes_and_goes_is_found(bad: dict[str, float], apart: int):
    looks = [look(**bad) if number % apart == 0 else WELL for number in range(90)]
    (found,) = breached(looks)
    assert "looks are bad" in found


def test_a_bad_look_in_an_hour_is_a_moment():
    assert breached([look(error_rate=50) if n % 60 == 30 else WELL for n in range(300)]) == ()


def test_restarts_add_up():
    assert breached([look(restarts=1), WELL, look(restarts=1)], limits=Limits(restarts=1))
    assert not breached([look(restarts=1), WELL, look(restarts=1)], limits=Limits(restarts=2))


def test_a_critical_alert_that_ended_and_fires_again_is_a_breach():
    fires = look(alerts=(FATAL,))
    old = before(alerts=(FATAL,))
    assert breached([fires, WELL.model_copy(update={"alerts": ()})], before=old) == ()
    (found,) = breached([fires, look(alerts=()), fires], before=old)
    assert found == f"an alert fires: {FATAL}"


def test_without_a_time_before_there_is_still_a_limit():
    alone = record(*[look(error_rate=0.51, alerts=())] * 2, before=Before(seconds=0))
    assert "at most 0.50 %" in breaches(alone)[0]


def test_all_seen_and_nothing_wrong_is_go():
    assert verdict(record(WELL, WELL)) == (Verdict.GO, ())


DAY = 1440


@pytest.mark.parametrize("lacks", ["error_rate", "p95_s", "restarts", "error_lines"])
def test_a_tenth_of_the_looks_may_lack_something_and_no_more(lacks: str):
    blind = look(**{lacks: None})
    assert verdict(record(*[blind] * 144, *[WELL] * (DAY - 144)))[0] is Verdict.GO
    found, reasons = verdict(record(*[blind] * 145, *[WELL] * (DAY - 145)))
    assert found is Verdict.INCOMPLETE
    assert reasons[0].startswith("145 of 1440 looks are without ")


@pytest.mark.parametrize(
    ("blind", "why"),
    [
        (record(), "0 of 0 looks"),
        (record(WELL, look(covered=0.5)), "1 of 2 looks saw less than all: scrapes are missing"),
        (record(WELL, look(problem="refused")), "1 of 2 looks saw less than all: refused"),
        (record(look(error_rate=None)), "1 of 1 looks are without an error rate: nobody asked"),
        (
            # Traffic that is gone after the first look, where none is known from before.
            record(
                WELL,
                *[look(requests_s=0, error_rate=None, p95_s=None)] * (DAY - 1),
                before=Before(seconds=0),
            ),
            "1439 of 1440 looks are without an error rate: nobody asked the API for anything",
        ),
        (
            # Servers that were seen once.
            record(WELL, *[look(restarts=None, error_lines=None, unseen="refused")] * (DAY - 1)),
            "1439 of 1440 looks are without restarts: refused",
        ),
        (
            record(*[look(restarts=None, unseen="no server can be looked into")] * 2),
            "2 of 2 looks are without restarts: no server can be looked into",
        ),
        (record(WELL, counted_from=None), "how often workers had been started"),
        (record(WELL, before=before(error_rate=None)), "there is nothing to compare with"),
        (
            record(
                *[look(alerts=(FATAL,))] * 145,
                *[look(alerts=())] * (DAY - 145),
                before=before(alerts=(FATAL,)),
            ),
            f"what the release does cannot be told from what was there before: {FATAL}",
        ),
        (
            record(*[look(alerts=(FATAL,))] * 2, before=before(alerts=(FATAL,))),
            f"what the release does cannot be told from what was there before: {FATAL}",
        ),
    ],
)
def test_what_was_not_seen_is_never_go(blind: Record, why: str):
    found, reasons = verdict(blind)
    assert found is Verdict.INCOMPLETE
    assert reasons[0].startswith(why)


def test_an_alert_before_that_ended_or_is_not_critical_is_no_obstacle():
    ended = record(look(alerts=(FATAL,)), *[WELL] * DAY, before=before(alerts=(FATAL,)))
    assert verdict(ended)[0] is Verdict.GO
    assert verdict(record(*[look(alerts=(OLD,))] * 3))[0] is Verdict.GO
