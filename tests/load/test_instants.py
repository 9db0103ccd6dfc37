"""When the requests of an open stage come."""

from itertools import pairwise
from statistics import mean

import pytest

from golive.load.instants import instants


@pytest.mark.parametrize("rate", [1, 25, 60.5])
def test_as_many_come_as_the_rate_brings(rate):
    found = instants(100.0, 108.0, rate)
    assert len(found) == round(8 * rate)
    assert found == sorted(found)
    assert all(100.0 <= each < 108.0 for each in found)


def test_they_come_at_random_and_not_evenly():
    found = instants(0.0, 100.0, 50)
    gaps = [b - a for a, b in pairwise(found)]
    # Of a Poisson process the gaps' spread is their mean; a steady beat has none.
    spread = mean((each - 0.02) ** 2 for each in gaps) ** 0.5
    assert 0.017 < spread < 0.023


def test_without_a_rate_nobody_comes():
    assert instants(0.0, 10.0, 0.0) == []
