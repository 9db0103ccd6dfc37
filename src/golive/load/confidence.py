"""How sure a share is: exact bounds for what was counted (Clopper and Pearson, 1934).

Of n requests k were slow, or failed. The bounds hold with the probability that is asked for,
whatever the true share is, as long as requests are independent; they are not quite (a stall hits
all that are under way), so that the runs behind them should be long rather than busy.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from math import exp, lgamma, log, log1p

_STEPS = 60  # of bisection: more than a float resolves


class Answer(StrEnum):
    """Whether a share is below a limit."""

    BELOW = "below"
    ABOVE = "above"
    OPEN = "open"  # the samples do not say


def upper(k: int, n: int, risk: float) -> float:
    """The share that the true one exceeds with the probability `risk` at most."""
    if k >= n:
        return 1.0
    return _bisect(lambda share: _at_most(k, n, share) > risk)


def lower(k: int, n: int, risk: float) -> float:
    """The share that the true one is below with the probability `risk` at most."""
    if k <= 0:
        return 0.0
    return _bisect(lambda share: 1 - _at_most(k - 1, n, share) < risk)


def answer(k: int, n: int, limit: float, risk: float) -> Answer:
    """Whether the share that `k` of `n` came from is below `limit`; wrong with `risk` at most."""
    if n and upper(k, n, risk) < limit:
        return Answer.BELOW
    if n and lower(k, n, risk) >= limit:
        return Answer.ABOVE
    return Answer.OPEN


def needed(limit: float, risk: float, k: int = 0) -> int:
    """How many samples show that a share is below `limit`, if `k` of them are counted."""
    low, high = 1, 2
    while upper(k, high, risk) >= limit:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if upper(k, middle, risk) < limit:
            high = middle
        else:
            low = middle + 1
    return low


def looks(limit: float, risk: float) -> Iterator[tuple[int, float]]:
    """When to look while samples come, and with which risk: after twice as many each time.

    Who looks at every sample will find what he hopes for. The k-th look may err with
    risk / 2^k, all together with `risk` at most (Bonferroni).
    """
    share, at = risk / 2, 0
    while True:
        at = max(2 * at, needed(limit, share))
        yield at, share
        share /= 2


def _at_most(k: int, n: int, share: float) -> float:
    """The probability of `k` or fewer out of `n`, each counted with the probability `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    ways = lgamma(n + 1)
    terms = (
        exp(ways - lgamma(i + 1) - lgamma(n - i + 1) + i * log(share) + (n - i) * log1p(-share))
        for i in range(k + 1)
    )
    return min(1.0, sum(terms))


def _bisect(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high
