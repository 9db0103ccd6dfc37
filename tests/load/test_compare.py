import random

import pytest

from golive.load.compare import CompareError, compare, mann_whitney
from golive.load.latencies import Latencies


def stretches(seed: int, factor: float = 1.0, each: int = 200) -> list[Latencies]:
    """Thirty stretches of a run; each has a pace of its own, as runs have."""
    lot = random.Random(seed)
    return [
        Latencies(round(factor * pace * lot.lognormvariate(10, 0.5)) for _ in range(each))
        for pace in (lot.uniform(0.9, 1.1) for _ in range(30))
    ]


def test_two_runs_of_one_server_are_not_told_apart():
    slower = [compare(stretches(2 * i), stretches(2 * i + 1)).slower for i in range(10)]

    assert not any(slower)


def test_a_slower_server_is_found():
    found = compare(stretches(1), stretches(2, factor=1.3))

    assert found.slower
    assert found.low > 1.1
    assert found.ratio == pytest.approx(1.3, rel=0.15)
    assert "slower than" in found.sentence()


def test_a_faster_server_is_not_slower():
    assert not compare(stretches(1), stretches(2, factor=0.7)).slower


def test_a_difference_that_is_nothing_to_act_on_is_certain_and_yet_not_slower():
    found = compare(stretches(1, each=2000), stretches(1, factor=1.04, each=2000))

    assert found.p_value < 0.001
    assert not found.slower


def test_mann_whitney():
    """As scipy.stats.mannwhitneyu(method="asymptotic", use_continuity=False)."""
    superior, p_value = mann_whitney(Latencies([1, 2, 3, 4]), Latencies([3, 4, 5, 6, 7]))

    assert superior == pytest.approx(0.9)
    assert p_value == pytest.approx(0.0481, abs=0.001)


def test_nothing_cannot_be_compared():
    with pytest.raises(CompareError):
        compare([], stretches(1))
