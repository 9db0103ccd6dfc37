"""What ends a watch, and what it must have seen to say GO."""

from datetime import UTC, datetime, timedelta

import pytest

from golive.watch.judge import Limits, breaches, verdict
from golive.watch.record import Before, Look, Record, Verdict

BEGAN = datetime(2025, 4, 5, 12, tzinfo=UTC)
BEFORE = Before(seconds=86400, error_rate=0.4, p95_s=0.15, alerts=("Old (warning) a",))
WELL = Look(
    at=BEGAN,
    error_rate=0.1,
    p95_s=0.1,
    restarts=7,
    error_lines=3,
    covered=1.0,
    alerts=BEFORE.alerts,
)


def record(*looks: Look, **fields: object) -> Record:
    given = {
        "environment": "test",
        "began": BEGAN,
        "ends": BEGAN + timedelta(hours=24),
        "every_s": 60,
        "before": BEFORE,
        "restarts": 7,
    }
    return Record.model_validate(given | fields | {"looks": looks})


def look(**fields: object) -> Look:
    return WELL.model_copy(update=fields)


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([look(alerts=("New (critical) b",))], "an alert fires: New (critical) b"),
        ([look(restarts=8)], "workers were started again 1 times; allowed: 0"),
        ([look(error_rate=0.81)] * 2, "error rate 0.81 %; at most 0.80 %"),
        ([look(p95_s=0.31)] * 2, "95 % of answers within 310 ms; at most 300 ms"),
        ([look(error_lines=31)] * 2, "31 lines in the error logs"),
    ],
)
def test_a_breach(looks: list[Look], said: str):
    (found,) = breaches(record(*looks), Limits())
    assert found.startswith(said)


@pytest.mark.parametrize(
    "looks",
    [
        [WELL, WELL],
        [WELL, look(error_rate=50)],  # a moment
        [look(error_rate=0.79)] * 2,
        [look(p95_s=0.29)] * 2,
        [look(error_lines=30)] * 2,
        [look(error_rate=None, p95_s=None, restarts=None, error_lines=None)] * 2,
    ],
)
def test_no_breach(looks: list[Look]):
    assert breaches(record(*looks), Limits()) == ()


def test_without_a_time_before_there_is_still_a_limit():
    nothing = Before(seconds=0, error_rate=None, p95_s=None, alerts=())
    alone = record(*[look(error_rate=0.51, alerts=())] * 2, before=nothing)
    assert breaches(alone, Limits())[0].startswith("error rate 0.51 %; at most 0.50 %")


def test_restarts_may_be_allowed():
    assert breaches(record(look(restarts=9)), Limits(restarts=2)) == ()


def test_all_seen_and_nothing_wrong_is_go():
    assert verdict(record(WELL, WELL)) == (Verdict.GO, ())


@pytest.mark.parametrize(
    ("blind", "why"),
    [
        (record(), "0 of 0 looks"),
        (record(WELL, look(covered=0.5)), "1 of 2 looks saw less than all: scrapes are missing"),
        (record(WELL, look(problem="refused")), "1 of 2 looks saw less than all: refused"),
        (record(look(error_rate=None)), "nobody asked the API for anything"),
        (record(look(restarts=None)), "restarts and logs were not seen"),
        (
            record(WELL, before=BEFORE.model_copy(update={"error_rate": None})),
            "there is nothing to compare with",
        ),
    ],
)
def test_what_was_not_seen_is_never_go(blind: Record, why: str):
    found, reasons = verdict(blind)
    assert found is Verdict.INCOMPLETE
    assert reasons[0].startswith(why)
