"""What a waiver covers of how scenarios ended."""

from datetime import UTC, datetime

import pytest

from golive.checklist import ScenarioResult
from golive.outcome import Outcome
from golive.release.record import Waiver
from golive.release.waivers import account, apply

PASSED, FAILED, UNPROVEN = Outcome.PASSED, Outcome.FAILED, Outcome.UNPROVEN


def waiver(**about):
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return Waiver(release="v1.0.0", commit="0" * 40, role="DBA", date=when, reason="why",
                  expires="2099-01-01", signature="-", **about)  # fmt: skip


def result(*statements, outcome=FAILED, blocking=True):
    return ScenarioResult("a.feature::x", "x", "11", statements, blocking, outcome, "no", 1.0)


@pytest.mark.parametrize(
    ("by", "of", "covered"),
    [
        ([waiver(statement="NGX-10")], result("NGX-10"), True),
        ([waiver(statement="NGX-10")], result("NGX-10", "NGX-11"), False),
        (
            [waiver(statement="NGX-10"), waiver(statement="NGX-11")],
            result("NGX-10", "NGX-11"),
            True,
        ),
        ([waiver(statement="NGX-10")], result("NGX-12"), False),
        ([waiver(statement="NGX-10")], result(), False),
        ([waiver(scenario="a.feature::x")], result(), True),
        ([waiver(scenario="a.feature::x")], result("NGX-10", "NGX-11"), True),
        ([waiver(scenario="a.feature::y")], result("NGX-10"), False),
        ([waiver(statement="NGX-10", environment="here")], result("NGX-10"), True),
        ([waiver(statement="NGX-10", environment="there")], result("NGX-10"), False),
        ([waiver(statement="NGX-10")], result("NGX-10", outcome=UNPROVEN), False),
        ([waiver(statement="NGX-10")], result("NGX-10", outcome=PASSED), False),
        ([waiver(statement="NGX-10")], result("NGX-10", blocking=False), False),
    ],
)
def test_what_is_covered(by, of, covered):
    (after,) = apply(by, [of], "here")

    assert bool(after.waived) is covered
    assert after.outcome is of.outcome
    assert after.counts is (of.blocking and not covered)


@pytest.mark.parametrize(
    ("outcomes", "unused"),
    [
        ([PASSED, PASSED], True),
        ([PASSED, FAILED], False),
        ([PASSED, UNPROVEN], False),
        ([], False),
    ],
)
def test_it_is_unused_when_all_that_it_names_passes(outcomes, unused):
    by = [waiver(statement="NGX-10")]
    results = apply(by, [result("NGX-10", outcome=each) for each in outcomes], "here")

    (accounted,) = account(by, results, "here")

    assert accounted.unused is unused
    assert len(accounted.scenarios) == outcomes.count(FAILED)


def test_it_is_not_unused_where_it_is_not_for():
    (accounted,) = account(
        [waiver(statement="NGX-10", environment="there")],
        [result("NGX-10", outcome=PASSED)],
        "here",
    )
    assert not accounted.unused
