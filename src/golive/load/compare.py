"""Whether a run is slower than the last one that was accepted: a test, not a glance.

Two questions. Whether a request of the one tends to take longer than one of the other is asked by
Mann and Whitney's test. With thousands of requests the least difference is certain, so that what
counts is how large it is: the ratio of the 95th percentiles, with an interval from a bootstrap.
It draws whole stretches of the runs, for requests near in time are not independent.
"""

import json
import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import erf, sqrt
from pathlib import Path

from golive.load.latencies import Latencies
from golive.load.measure import Measured, Request
from golive.load.samples import Samples
from golive.load.summary import blocks, stored

DIRECTORY = Path("loadtests/accepted")
_DRAWS = 400
_PERCENT = 95.0
_WORTH = 1.10  # a ratio below this is nothing to act on
_RISK = 0.05
_SEED = 20250405  # the same runs give the same answer


class CompareError(Exception):
    """The accepted run is none of ours."""


@dataclass(frozen=True)
class Comparison:
    """`ratio` of the 95th percentiles, new to old, between `low` and `high` with 95 % confidence.

    `superior` is the probability that a request of the new run takes longer than one of the old
    (one half: no difference), `p_value` that of a difference so large by chance.
    """

    ratio: float
    low: float
    high: float
    superior: float
    p_value: float

    @property
    def slower(self) -> bool:
        """Whether the new run is slower, surely and by more than is nothing to act on."""
        return self.p_value < _RISK and self.superior > 0.5 and self.low > _WORTH

    def sentence(self) -> str:
        """In words."""
        verdict = "slower than" if self.slower else "not shown to be slower than"
        return (
            f"{verdict} the last accepted run: p95 is {self.ratio:.2f} times its "
            f"({self.low:.2f} to {self.high:.2f}); a request takes longer in "
            f"{100 * self.superior:.0f} % of pairs (Mann-Whitney p = {self.p_value:.2g})"
        )


def compared(before: Sequence[Latencies], samples: Samples) -> Comparison:
    """The run of these samples with an earlier one, given as its stretches of time."""
    return compare(before, blocks(samples))


def compare(before: Sequence[Latencies], after: Sequence[Latencies]) -> Comparison:
    """Two runs, as stretches of time. Raises CompareError where one is empty."""
    if not before or not after:
        raise CompareError("a run without a request cannot be compared")
    lot = random.Random(_SEED)  # noqa: S311 (no secret)
    old, new = _Stretches(before), _Stretches(after)
    ratios = sorted(new.drawn_p95(lot) / old.drawn_p95(lot) for _ in range(_DRAWS))
    edge = int(_DRAWS * _RISK / 2)
    superior, p_value = mann_whitney(_sum(before), _sum(after))
    ratio = _p95(_sum(after)) / _p95(_sum(before))
    return Comparison(ratio, ratios[edge], ratios[-1 - edge], superior, p_value)


class _Stretches:
    """The stretches of a run, prepared to be drawn from often."""

    def __init__(self, parts: Sequence[Latencies]) -> None:
        counts = [dict(part.counts()) for part in parts]
        self._values = sorted(set[int]().union(*counts))
        # Of each stretch, how many samples are no longer than each value.
        self._upto = [list(accumulate(each.get(v, 0) for v in self._values)) for each in counts]

    def drawn_p95(self, lot: random.Random) -> float:
        """The 95th percentile (µs) of as many stretches, each drawn from all of them."""
        drawn = lot.choices(self._upto, k=len(self._upto))
        wanted = _PERCENT / 100 * sum(each[-1] for each in drawn)
        places = range(len(self._values))
        return self._values[
            bisect_left(places, wanted, key=lambda place: sum(each[place] for each in drawn))
        ]


def mann_whitney(before: Latencies, after: Latencies) -> tuple[float, float]:
    """The probability that one of `after` is longer, and the two-sided p-value.

    Ties count one half; their share is taken out of the variance (normal approximation).
    """
    first, second = dict(before.counts()), dict(after.counts())
    n, m = before.count, after.count
    below, wins, ties = 0, 0.0, 0.0
    for value in sorted(first.keys() | second.keys()):
        a, b = first.get(value, 0), second.get(value, 0)
        wins += b * (below + a / 2)
        below += a
        ties += (a + b) ** 3 - (a + b)
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 0.5, 1.0
    z = abs(wins - n * m / 2) / sqrt(variance)
    return wins / (n * m), 1 - erf(z / sqrt(2))


def accepted(request: Request, directory: Path = DIRECTORY) -> list[Latencies] | None:
    """The stretches of the last accepted run of this profile here; None without one.

    Raises CompareError for a file that is none.
    """
    path = _path(request, directory)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return [Latencies.decode(each) for each in json.loads(text)["blocks"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CompareError(f"{path}: not an accepted run: {error!r}") from None


def accept(measured: Measured, directory: Path = DIRECTORY) -> Path:
    """Keep a run as the one to compare with; where it is kept."""
    path = _path(measured.request, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {key: stored(measured)[key] for key in ("schema", "started", "profile", "blocks")}
    path.write_text(json.dumps(kept, default=str, indent=1) + "\n", encoding="utf-8")
    return path


def _path(request: Request, directory: Path) -> Path:
    return directory / f"{request.name}-{request.profile_name}.json"


def _p95(times: Latencies) -> float:
    return times.percentile_ms(_PERCENT) or 0.001


def _sum(parts: Sequence[Latencies]) -> Latencies:
    whole = Latencies()
    for each in parts:
        whole.add(each)
    return whole
