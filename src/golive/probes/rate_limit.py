"""Measure nginx's limit_req for one path and one client: its burst and its rate.

Who is limited with whom is not seen here: ask as several clients (`Endpoint.source`), in
threads if at once, and compare. Every measurement needs a client whose bucket is empty, so
one that the server has not seen yet; each takes the tokens that it measures.

A request counts as refused when its status is 429 or 503 (limit_req_status; nginx's default
is 503), and as accepted with any other below 500: the limit judges before the application
does, so 401 or 404 went through. Other errors of the server prove nothing, and are Unproven,
and so are refusals of both kinds: that is two limits, or a limit and an outage. Behind a limit
that refuses with 429, an application's own is not told from it: look at the answers kept here,
or stay below it.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import Headers, Response
from golive.probes.http2 import Exchange, http2
from golive.probes.leaky_bucket import Fill, Interval, Try, burst_bounds, rate_bounds

REFUSALS = (429, 503)


@dataclass(frozen=True)
class Burst:
    """The answers to requests sent at one instant, in the order sent.

    None stands for one that got no full answer in time, as happens where a limit delays
    (limit_req without nodelay). All were judged from `sent_s` to `judged_s`, instants of
    time.monotonic(): nginx judges the streams of a connection in the order they were sent,
    so the last of all when its answer began. A middlebox that spreads streams over several
    connections breaks that order.
    """

    answers: tuple[Response | None, ...]
    sent_s: float
    judged_s: float

    @property
    def spread_s(self) -> float:
        """An upper bound of the time between the server's first judgement and its last."""
        return self.judged_s - self.sent_s

    @property
    def accepted(self) -> int:
        """How many the limit let through."""
        return sum(answer is not None and not _refused(answer) for answer in self.answers)

    @property
    def refused(self) -> int:
        """How many were refused; 0 when no limit was seen."""
        return sum(answer is not None and _refused(answer) for answer in self.answers)

    @property
    def unanswered(self) -> int:
        """How many got no full answer in time."""
        return self.answers.count(None)

    @property
    def first_refusal(self) -> Response | None:
        """The first answer that was a refusal, None when there was none."""
        return next((a for a in self.answers if a is not None and _refused(a)), None)

    @property
    def slowest_accepted_s(self) -> float | None:
        """How long the slowest accepted one took, None when none was: long if delayed."""
        times = [a.duration_s for a in self.answers if a is not None and not _refused(a)]
        return max(times, default=None)

    def bounds(self, *, rate_per_s: float) -> Interval:
        """Return the values of `burst=` that explain it, given an upper bound of the rate.

        Raises Unproven when none was accepted: the bucket was not empty, or 503 is an outage.
        """
        if not self.accepted + self.unanswered:
            reason = f"all {self.refused} were refused, so the bucket was not empty before"
            raise Unproven(reason, Whose.TARGET)
        return burst_bounds(
            self.accepted,
            refused=self.refused,
            undecided=self.unanswered,
            spread_s=self.spread_s,
            rate_per_s=rate_per_s,
        )


@dataclass(frozen=True)
class Rate:
    """A bucket filled, and what came back of it.

    `per_s` is the rate in requests a second, None when the fill saw no limit. Its `low` is 0
    when nothing came back in time. `answers` are those to the `tries`, in the same order.
    """

    burst: Burst
    tries: tuple[Try, ...]
    answers: tuple[Response, ...]
    per_s: Interval | None


def measure_burst(
    endpoint: Endpoint,
    path: str,
    *,
    at_once: int,
    method: str = "GET",
    headers: Headers = (),
    body: bytes | None = None,
    timeout_s: float = 5.0,
) -> Burst:
    """Send the request `at_once` times at one instant; that the bucket is empty is up to you.

    Raises Unproven as `golive.probes.http2` does, and as the target's fault when an answer is
    an error of the server other than 503, or refusals are both 429 and 503.
    """
    with http2(endpoint, timeout_s=timeout_s) as connection:
        return _fill(
            partial(connection.ask, path, method=method, headers=headers, body=body), at_once
        )


def measure_rate(
    endpoint: Endpoint,
    path: str,
    *,
    at_once: int,
    every_s: float,
    tokens: int,
    at_most_s: float,
    together: int = 1,
    method: str = "GET",
    headers: Headers = (),
    body: bytes | None = None,
    timeout_s: float = 5.0,
) -> Rate:
    """Fill the bucket with `at_once` requests, then ask again and again until it has leaked.

    Asks every `every_s` seconds, `together` at a time on the same connection, until `tokens`
    more were accepted or `at_most_s` are over. A rate has an upper bound only where some are
    refused: on a busy machine that takes more than one at a time.

    Of a slow limit the first token tells: 5 a minute
    come back after 12.05 s (nginx keeps 0.083 r/s, 4.98 a minute), 4 after 15.2 s, 6 after
    10 s. Of a fast one some 30 tokens do, as then the unknown instants weigh little.

    Returns at once when the fill saw no limit: that is a fact, and `Rate.per_s` is None.
    Raises Unproven as `measure_burst` does, and as the target's fault when the fill does not
    show how many were accepted, or when no rate explains what was seen (others share the
    bucket, or there are several).
    """
    with http2(endpoint, timeout_s=timeout_s) as connection:
        ask = partial(connection.ask, path, method=method, headers=headers, body=body)
        burst = _fill(ask, at_once)
        if not burst.refused:
            return Rate(burst, (), (), None)
        if burst.unanswered or not burst.accepted:
            reason = (
                f"the rate of {path} at {endpoint} cannot be measured: of {at_once} at once "
                f"{burst.accepted} were accepted, {burst.refused} refused, and "
                f"{burst.unanswered} not answered within {timeout_s:g} s"
            )
            raise Unproven(reason, Whose.TARGET)
        exchanges = _keep_asking(
            partial(ask, count=together), every_s=every_s, tokens=tokens, at_most_s=at_most_s
        )
    tries = tuple(Try(e.sent_s, e.headed_s, not _refused(e.response)) for e in exchanges)
    per_s = rate_bounds(Fill(burst.sent_s, burst.judged_s, burst.accepted), tries)
    if per_s.high is not None and per_s.high < per_s.low:
        reason = (
            f"{path} at {endpoint}: no one rate explains the answers (at least {per_s.low:.3f} "
            f"and at most {per_s.high:.3f} a second); do others share the bucket?"
        )
        raise Unproven(reason, Whose.TARGET)
    return Rate(burst, tries, tuple(e.response for e in exchanges), per_s)


_Ask = Callable[..., tuple[Exchange | None, ...]]


def _fill(ask: _Ask, at_once: int) -> Burst:
    exchanges = ask(count=at_once)
    ended_s = time.monotonic()
    answered = [one for one in exchanges if one]
    last = exchanges[-1]
    _require_one_limit(answered)
    return Burst(
        answers=tuple(one.response if one else None for one in exchanges),
        sent_s=answered[0].sent_s,
        judged_s=last.headed_s if last else ended_s,
    )


def _keep_asking(ask: _Ask, *, every_s: float, tokens: int, at_most_s: float) -> list[Exchange]:
    exchanges: list[Exchange] = []
    started = due = time.monotonic()
    while tokens > 0 and due <= started + at_most_s:
        time.sleep(max(0.0, due - time.monotonic()))
        answered = [one for one in ask() if one]
        exchanges += answered
        _require_one_limit(exchanges)
        tokens -= sum(not _refused(one.response) for one in answered)
        # On the schedule's next beat still to come: a delay is not made up for by a burst.
        due += every_s * math.floor(1 + max(0.0, time.monotonic() - due) / every_s)
    return exchanges


def _refused(answer: Response) -> bool:
    return answer.status in REFUSALS


def _require_one_limit(exchanges: Sequence[Exchange]) -> None:
    statuses = {one.response.status for one in exchanges}
    broken = sorted(status for status in statuses if status >= 500 and status not in REFUSALS)
    if broken or statuses.issuperset(REFUSALS):
        seen = ", ".join(map(str, broken or REFUSALS))
        reason = f"{exchanges[0].response.url} answers {seen}: not the doing of one limit"
        raise Unproven(reason, Whose.TARGET)
