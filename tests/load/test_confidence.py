import random
from fractions import Fraction
from itertools import takewhile
from math import comb

import pytest

from golive.load.confidence import Answer, answer, looks, lower, needed, upper

RISK = 0.05


def exactly(k: int, n: int, share: float) -> float:
    """P(at most k of n), summed in integers."""
    p = Fraction(share)
    ways = (comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
    return float(sum(ways))


@pytest.mark.parametrize(("k", "n"), [(0, 59), (0, 299), (1, 473), (4, 200), (50, 100), (99, 100)])
def test_at_the_bounds_the_probability_is_the_risk(k, n):
    assert exactly(k, n, upper(k, n, RISK)) == pytest.approx(RISK, rel=1e-6)
    if k:
        assert 1 - exactly(k - 1, n, lower(k, n, RISK)) == pytest.approx(RISK, rel=1e-6)


@pytest.mark.parametrize(("k", "n"), [(1_000, 100_000), (50_000, 100_000), (0, 100_000), (7, 8)])
def test_bounds_hold_for_many_and_few(k, n):
    assert lower(k, n, RISK) < k / n + 1e-12
    assert upper(k, n, RISK) > k / n


def test_bounds_mirror_each_other():
    assert lower(30, 100, RISK) == pytest.approx(1 - upper(70, 100, RISK), abs=1e-9)
    assert lower(0, 10, RISK) == 0
    assert upper(10, 10, RISK) == 1


def test_how_many_samples_are_needed():
    assert needed(0.05, RISK) == 59
    assert needed(0.01, RISK) == 299
    assert needed(0.01, RISK, k=1) == 473


def test_three_answers_and_none_of_nothing():
    assert answer(0, 299, 0.01, RISK) is Answer.BELOW
    assert answer(0, 298, 0.01, RISK) is Answer.OPEN
    assert answer(9, 300, 0.01, RISK) is Answer.ABOVE
    assert answer(0, 0, 0.01, RISK) is Answer.OPEN


def test_whoever_looks_often_errs_no_oftener():
    """At the limit itself, "below" must be said in 5 % of runs at most, however often one looks."""
    lot = random.Random(1)
    limit, runs, wrong = 0.05, 300, 0
    schedule = list(takewhile(lambda look: look[0] < 4000, looks(limit, RISK)))
    assert len(schedule) > 4
    for _ in range(runs):
        counted = total = 0
        for at, risk in schedule:
            counted += sum(lot.random() < limit for _ in range(at - total))
            total = at
            if answer(counted, total, limit, risk) is Answer.BELOW:
                wrong += 1
                break
    assert wrong / runs <= RISK + 0.02


def test_looks_spend_the_risk():
    spent = 0.0
    last = 0
    for (at, risk), _ in zip(looks(0.01, RISK), range(10), strict=False):
        assert at >= 2 * last
        last, spent = at, spent + risk
    assert spent <= RISK
