"""What requests accepted and refused say of a leaky bucket: its rate and its burst.

The bucket is that of nginx's limit_req (ngx_http_limit_req_module.c, the function
ngx_http_limit_req_lookup). In units of requests: its level leaks at the rate r; a request is
accepted when the level is at most burst, and raises it by one; one that is refused leaves the
bucket as it was, so that asking too often costs nothing. nginx counts in thousandths: it
takes r as a whole number of them (5 r/m is 0.083 r/s), and rounds each leak down to one.

A client knows neither when the server judged a request nor what its clock said. It knows
that the instant lies between sending and the answer. All bounds below use the end of that
span which makes them weaker, so a slow machine widens an interval and never moves it off the
truth. Two things are taken for granted: the bucket was empty before (a client not seen
before, or not for long enough), and nobody else fills it. Where observations contradict
each other, one of the two was not so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CLOCK_LAG_S = 0.02
"""How far the server's clock may be behind when it judges: nginx reads it once a turn of its
event loop, in whole milliseconds, from CLOCK_MONOTONIC_COARSE, which moves at each tick of
the kernel (1 to 10 ms). This bounds a rate from above up to some 30 a second only."""

_LEAK_OF_ONE_TOKEN = 1.001
"""Rounding down may cost a thousandth of a token with each request."""


@dataclass(frozen=True)
class Interval:
    """A value that is known to be from `low` to `high`; None when nothing bounds it above."""

    low: float
    high: float | None


@dataclass(frozen=True)
class Fill:
    """Requests sent at one instant to an empty bucket, at least one of them refused.

    All were judged from `sent_s` to `judged_s`, in seconds of one monotonic clock.
    """

    sent_s: float
    judged_s: float
    accepted: int


@dataclass(frozen=True)
class Try:
    """One request that was sent when the last was answered; judged between the two instants."""

    sent_s: float
    received_s: float
    accepted: bool


def burst_bounds(
    accepted: int, *, refused: int, undecided: int, spread_s: float, rate_per_s: float
) -> Interval:
    """Return the bursts (whole numbers) that explain a fill judged within `spread_s`.

    A bucket takes burst + 1 at once, and what leaks meanwhile: less than one when
    `rate_per_s` (an upper bound of the rate) times the spread is below one, and then the
    burst is exactly `accepted` - 1. `undecided` requests may have been accepted or not. With
    none refused there is no bound above. ValueError when none was accepted: an empty bucket
    always takes one, so it was not empty.
    """
    if accepted + undecided < 1:
        raise ValueError("an empty bucket accepts at least one request")
    leaked = rate_per_s * (spread_s + CLOCK_LAG_S)
    low = max(0, math.ceil(accepted - leaked) - 1)
    return Interval(low, accepted + undecided - 1 if refused else None)


def rate_bounds(fill: Fill, tries: Sequence[Try]) -> Interval:
    """Return the rates, in requests a second, that explain what followed a fill.

    Below: the fill was refused one when it had accepted n, so burst + 1 is at most n; when m
    more are accepted, m have leaked since the fill was sent. Above: an acceptance leaves at
    most burst + 1; when m more were accepted after it, and then one is refused, fewer than
    m + 1 have leaked since. That holds while the bucket never ran empty, as what would leak
    from an empty one is lost; the pace of the tries decides, and a pause starts afresh.

    The interval is empty (`low` above `high`) when no rate explains all of it.
    """
    return Interval(_most_leaked(fill, tries), _least_leaked(fill, tries))


def _most_leaked(fill: Fill, tries: Sequence[Try]) -> float:
    taken = [one for one in tries if one.accepted]
    return max(
        (
            count / (one.received_s - fill.sent_s + CLOCK_LAG_S)
            for count, one in enumerate(taken, start=1)
        ),
        default=0.0,
    )


def _least_leaked(fill: Fill, tries: Sequence[Try]) -> float | None:
    coarse = _bound_by_single_tokens(fill, tries)
    if coarse is None:
        return None
    capacity = (
        burst_bounds(
            fill.accepted,
            refused=1,
            undecided=0,
            spread_s=fill.judged_s - fill.sent_s,
            rate_per_s=coarse,
        ).low
        + 1
    )
    bound = coarse
    level = capacity - 1  # at least, after the fill's refusal; so all through this loop
    level_at = fill.sent_s
    accepted_at = [fill.judged_s]
    for one in tries:
        level -= coarse * (one.received_s - level_at + CLOCK_LAG_S)
        level_at = one.sent_s
        if one.accepted:
            if level <= 0:
                accepted_at.clear()
            level = max(level, 0) + 1
            accepted_at.append(one.received_s)
            continue
        level = capacity - 1
        for tokens, at in enumerate(reversed(accepted_at), start=1):
            bound = min(bound, _slower_than(tokens, one.sent_s - CLOCK_LAG_S - at))
    return bound


def _bound_by_single_tokens(fill: Fill, tries: Sequence[Try]) -> float | None:
    """Bound the rate by each acceptance and the refusals right after it.

    Coarse, but true of any burst: a bucket that refuses is not empty, nor was it since.
    """
    bound = math.inf
    accepted_at = fill.judged_s
    for one in tries:
        if one.accepted:
            accepted_at = one.received_s
        else:
            bound = min(bound, _slower_than(1, one.sent_s - CLOCK_LAG_S - accepted_at))
    return bound if math.isfinite(bound) else None


def _slower_than(tokens: int, elapsed_s: float) -> float:
    return tokens * _LEAK_OF_ONE_TOKEN / elapsed_s if elapsed_s > 0 else math.inf
