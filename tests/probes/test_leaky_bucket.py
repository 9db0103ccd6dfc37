import random
from dataclasses import dataclass

import pytest

from golive.probes.leaky_bucket import (
    CLOCK_LAG_S,
    Fill,
    Interval,
    Try,
    burst_bounds,
    rate_bounds,
)

LAG = CLOCK_LAG_S


def test_a_burst_is_exact_when_less_than_one_token_leaks_meanwhile() -> None:
    bounds = burst_bounds(21, refused=19, undecided=0, spread_s=0.005, rate_per_s=10)
    assert bounds == Interval(20, 20)


def test_a_burst_is_not_exact_when_a_token_may_have_leaked() -> None:
    bounds = burst_bounds(21, refused=19, undecided=0, spread_s=0.1, rate_per_s=10)
    assert bounds == Interval(19, 20)


def test_a_burst_of_which_none_was_refused_has_no_upper_bound() -> None:
    bounds = burst_bounds(40, refused=0, undecided=0, spread_s=0.005, rate_per_s=10)
    assert bounds == Interval(39, None)


def test_undecided_requests_may_have_been_accepted() -> None:
    bounds = burst_bounds(5, refused=10, undecided=6, spread_s=1, rate_per_s=0.1)
    assert bounds == Interval(4, 10)


def test_a_bucket_without_burst_takes_one() -> None:
    assert burst_bounds(1, refused=9, undecided=0, spread_s=9, rate_per_s=9) == Interval(0, 0)


def test_a_bucket_that_accepts_none_was_not_empty() -> None:
    with pytest.raises(ValueError, match="at least one"):
        burst_bounds(0, refused=9, undecided=0, spread_s=0, rate_per_s=1)


def test_one_token_of_a_slow_limit() -> None:
    fill = Fill(sent_s=0, judged_s=0, accepted=11)
    bounds = rate_bounds(fill, [Try(11.9, 11.9, accepted=False), Try(12.1, 12.1, accepted=True)])
    assert bounds.low == pytest.approx(1 / (12.1 + LAG))
    assert bounds.high == pytest.approx(1.001 / (11.9 - LAG))


def test_the_further_end_of_each_span_counts() -> None:
    fill = Fill(sent_s=0, judged_s=1, accepted=11)
    bounds = rate_bounds(fill, [Try(11, 12, accepted=False), Try(12, 13, accepted=True)])
    assert bounds.low == pytest.approx(1 / (13 + LAG))
    assert bounds.high == pytest.approx(1.001 / (11 - LAG - 1))


def test_nothing_back_in_time_bounds_the_rate_from_above_only() -> None:
    bounds = rate_bounds(Fill(0, 0, 11), [Try(14, 14, accepted=False)])
    assert bounds.low == 0
    assert bounds.high == pytest.approx(1.001 / (14 - LAG))


def test_nothing_refused_any_more_bounds_the_rate_from_below_only() -> None:
    bounds = rate_bounds(Fill(0, 0, 11), [Try(1, 1, accepted=True), Try(2, 2, accepted=True)])
    assert bounds.low == pytest.approx(2 / (2 + LAG))
    assert bounds.high is None


def test_no_tries_say_nothing() -> None:
    assert rate_bounds(Fill(0, 0, 11), []) == Interval(0, None)


def test_an_acceptance_too_many_contradicts() -> None:
    # As when the bucket was reset: one token leaks in at most 1 s, but three came back in it.
    tries = [Try(10, 10, accepted=False)]
    tries += [Try(10.1 + n, 10.1 + n, accepted=True) for n in (0, 0.1, 0.2)]
    bounds = rate_bounds(Fill(0, 0, 11), tries)
    assert bounds.high is not None
    assert bounds.low > bounds.high


@dataclass
class Bucket:
    """ngx_http_limit_req_lookup of nginx 1.22, in its units: thousandths and milliseconds."""

    rate: int
    burst: int
    excess: int = 0
    last: int | None = None

    def accepts(self, now: int) -> bool:
        if self.last is None:
            self.last = now
            return True
        elapsed = max(now - self.last, 0)
        excess = max(self.excess - self.rate * elapsed // 1000 + 1000, 0)
        if excess > self.burst * 1000:
            return False
        self.excess = excess
        if elapsed:
            self.last = now
        return True


class Server:
    """Judges by a clock that ticks coarsely and lags behind by part of an event loop's turn."""

    def __init__(self, chance: random.Random, bucket: Bucket) -> None:
        self.chance, self.bucket = chance, bucket
        self.tick_s = chance.choice([0.001, 0.004, 0.010])
        self.phase_s = chance.random()
        self.clock_s = 0.0

    def judges(self, at_s: float) -> bool:
        read_s = at_s - self.chance.choice([0, 0, 0.001, 0.009]) + self.phase_s
        self.clock_s = max(self.clock_s, read_s // self.tick_s * self.tick_s)
        return self.bucket.accepts(int(self.clock_s * 1000))


def delay_s(chance: random.Random) -> float:
    """Mostly a fraction of a millisecond; now and then the machine is busy with others."""
    return chance.expovariate(5000) if chance.random() < 0.97 else chance.uniform(0, 0.5)


@pytest.mark.parametrize("seed", range(300))
def test_the_truth_is_always_within_the_bounds(seed: int) -> None:
    chance = random.Random(seed)
    rate = chance.choice([66, 83, 100, 500, 1000, 2000, 9000, 10_000, 11_000, 30_000, 100_000])
    bucket = Bucket(rate, burst=chance.choice([0, 1, 2, 5, 10, 20, 25]))
    server = Server(chance, bucket)

    sent_s = at_s = 1000 * chance.random()
    accepted = refused = 0
    while refused < 10 and accepted < 200:
        at_s += chance.choice([0, 0, delay_s(chance)])
        if server.judges(at_s):
            accepted += 1
        else:
            refused += 1
    judged_s = at_s + delay_s(chance)
    fill = Fill(sent_s, judged_s, accepted)

    tries = []
    every_s = chance.choice([0.01, 0.02, 0.25])
    now_s = judged_s
    for _ in range(200):
        begun_s = now_s
        judged_at_s = begun_s + delay_s(chance)
        ok = server.judges(judged_at_s)
        now_s = judged_at_s + delay_s(chance)
        tries.append(Try(begun_s, now_s, ok))
        now_s += every_s if chance.random() < 0.99 else chance.uniform(0, 4)

    burst = burst_bounds(
        accepted,
        refused=refused,
        undecided=0,
        spread_s=judged_s - sent_s,
        rate_per_s=rate / 1000,
    )
    assert burst.low <= bucket.burst
    if burst.high is not None:
        assert bucket.burst <= burst.high
        bounds = rate_bounds(fill, tries)
        assert bounds.low <= rate / 1000
        assert bounds.high is None or rate / 1000 <= bounds.high
