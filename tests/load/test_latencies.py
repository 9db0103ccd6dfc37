import random

import pytest

from golive.load.latencies import Latencies


def test_percentiles_are_right_to_a_thousandth():
    lot = random.Random(1)
    samples = sorted(round(lot.lognormvariate(10, 1)) for _ in range(10_000))
    times = Latencies(samples)

    for percent in (50, 90, 95, 99, 99.9):
        exact = samples[min(len(samples) - 1, round(percent / 100 * len(samples)) - 1)] / 1000
        assert times.percentile_ms(percent) == pytest.approx(exact, rel=0.0011)
    assert times.most_ms() == pytest.approx(samples[-1] / 1000, rel=0.0011)


def test_parts_add_up_to_the_whole_exactly():
    lot = random.Random(2)
    samples = [round(lot.lognormvariate(10, 1)) for _ in range(3000)]
    whole = Latencies()
    for begin in range(0, 3000, 1000):
        whole.add(Latencies.decode(Latencies(samples[begin : begin + 1000]).encode()))

    assert list(whole.counts()) == list(Latencies(samples).counts())


def test_nothing_has_no_percentile():
    assert Latencies().percentile_ms(95) is None
    assert Latencies().most_ms() is None
    assert Latencies().count == 0


def test_garbage_is_no_histogram():
    with pytest.raises(ValueError, match="not a histogram"):
        Latencies.decode("no")
