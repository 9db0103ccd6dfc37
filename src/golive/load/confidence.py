"""How sure a share is: exact bounds for what was counted (Clopper and Pearson, 1934).

Of n requests k were slow, or failed. The bounds hold with the probability that is asked for,
whatever the true share is, as long as requests are independent; they are not quite (a stall hits
all that are under way), so that the runs behind them should be long rather than busy.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from math import exp, lgamma, log, log1p

_STEPS = 40  # of bisection: to 1e-12
_TERMS, _EXACT, _TINY = 10_000, 1e-13, 1e-300


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
    """The probability of `k` or fewer out of `n`, each counted with the probability `share`.

    It is the regularised incomplete beta function I(1 - share; n - k, k + 1) (DLMF 8.17.5).
    """
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    a, b, x = n - k, k + 1, 1 - share
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + factor * d)
            c = _not_zero(1 + factor / c)
            value *= c * d
        if abs(c * d - 1) < _EXACT:
            return value
    raise ArithmeticError(f"I(x={x}; {a}, {b}) does not converge")


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _bisect(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high
