"""Judge the edge's rate limits, by what clients of our own are served and refused."""

import random
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, IPv6Network

import pytest
from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.http import Response
from golive.probes.leaky_bucket import Interval
from golive.probes.rate_limit import REFUSALS, Burst, Rate, measure_burst, measure_rate
from golive.steps.expectation import column, require
from golive.steps.site import Sent, ask, curl, site

# A measured rate must be known this closely to be told from the next whole one: 5 a minute
# from 4 and from 6, 10 a second from 9 and from 11.
_CLOSE = 0.5
_FASTEST = 1000.0  # requests a second: no limit of ours is faster
_MORE_CLIENTS = 4
_MANY = 5  # do not grow one after the other by chance
_SECONDS = {"second": 1.0, "minute": 60.0}
_PERSON_HEADER = "CF-Connecting-IP"  # how the CDN tells who the client is
_DOCUMENTATION = IPv6Network("2001:db8::/32")  # RFC 3849: nobody's address


@dataclass(frozen=True)
class Effort:
    """How a limit is measured: see `measure_rate`. A token of a slow limit takes long.

    Fewer than 1000 requests in all: nginx then closes a connection (keepalive_requests).
    """

    at_once: int
    together: int
    every_s: float
    tokens: int
    at_most_s: float


_EFFORT = {
    "general": Effort(at_once=40, together=3, every_s=0.05, tokens=80, at_most_s=12),
    "authentication": Effort(at_once=20, together=1, every_s=0.25, tokens=1, at_most_s=17),
}
_CLAIMED_BY = {
    "general": {"NGX-25", "NGX-37"},
    "authentication": {"NGX-26", "NGX-43"},
}


@dataclass(frozen=True)
class Refused:
    """A client that a limit refuses: what it was asked, and what it was answered."""

    limit: str
    endpoint: Endpoint
    sent: Sent
    burst: Burst


@pytest.hookimpl(tryfirst=True)
def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
) -> None:
    """Fill the buckets first: what comes back of them takes seconds.

    A burst is judged within milliseconds, so that it is measured before anything else begins.
    """
    for limit, statements in _CLAIMED_BY.items():
        if tags & statements:
            if environment.clients.network is not None:
                wait([_start_burst(measurements, environment, clients, limit)])
            _start_rate(measurements, environment, clients, limit)


@dataclass(frozen=True)
class Filled:
    """What filling a bucket at once showed, and what another client saw come back of its own."""

    limit: str
    burst: Burst
    rate: Rate


@when(parsers.parse("a new client fills its {limit} limit"), target_fixture="filled")
def fill(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    evidence: EvidenceLog,
    limit: str,
) -> Filled:
    """Once a session, for all scenarios."""
    rate = _start_rate(measurements, environment, clients, limit).result()
    burst = rate.burst
    if environment.clients.network is not None:  # else all are one client, with one bucket
        burst = _start_burst(measurements, environment, clients, limit).result()
    evidence.add("served and refused at once", [burst.accepted, burst.refused])
    if rate.per_s is not None:
        evidence.add("rate, from and to, requests a second", [rate.per_s.low, rate.per_s.high])
    return Filled(limit, burst, rate)


@then(parsers.parse("it is served at once a burst of {burst:d}"))
def burst_is(
    environment: Environment,
    https: Endpoint,
    clients: Clients,
    evidence: EvidenceLog,
    filled: Filled,
    burst: int,
) -> None:
    _require_limited(environment, https, filled.burst)
    seen = _narrowed(environment, clients, filled)
    evidence.add("burst, from and to", [seen.low, seen.high])
    require(
        not _held_back(filled),
        expected="what the limit lets through is served at once (limit_req ... nodelay)",
        actual=f"each waited for its turn, the last {filled.burst.slowest_accepted_s:.1f} s",
        where=_asked(filled.burst),
        look=f"send {burst + 2} at once: {_h2load(https, burst + 2)}",
    )
    if seen.low <= burst <= (seen.high or burst) and seen.low != seen.high:
        raise Unproven(f"a burst of {seen.low:g} to {seen.high}: measured too slowly", Whose.OURS)
    require(
        seen.low <= burst <= (seen.high or burst),
        expected=f"a burst of {burst}: {burst + 1} served at once, and the next one refused",
        actual=f"a burst of {_said(seen)}: {filled.burst.accepted} served, "
        f"{filled.burst.refused} refused, within {filled.burst.spread_s * 1000:.0f} ms",
        where=_asked(filled.burst),
        look=f"send {burst + 2} at once: {_h2load(https, burst + 2)}",
    )


@then(parsers.parse("it is given back {requests:d} requests a {unit}"))
def rate_is(
    environment: Environment, https: Endpoint, filled: Filled, requests: int, unit: str
) -> None:
    _require_limited(environment, https, filled.burst)
    seen = filled.rate.per_s
    seconds = _SECONDS[unit]
    if seen is None:
        raise Unproven("the rate of a limit that was not reached", Whose.TARGET)
    low, high = (requests - _CLOSE) / seconds, (requests + _CLOSE) / seconds
    most = seen.high if seen.high is not None else float("inf")
    if seen.low <= high and most >= low and not (low <= seen.low and most <= high):
        raise Unproven(
            f"{seen.low * seconds:.2f} to {most * seconds:.2f} a {unit} is no close "
            "enough measurement: was this machine too busy?",
            Whose.OURS,
        )
    require(
        low <= seen.low and most <= high,
        expected=f"{requests} requests a {unit}",
        actual=f"{seen.low * seconds:.2f} to {most * seconds:.2f} requests a {unit}",
        where=_asked(filled.burst),
        look="ask again every second after a refusal, and count what is served",
    )


@when(parsers.parse("a new client is refused by the {limit} limit"), target_fixture="refused")
def refuse(environment: Environment, https: Endpoint, evidence: EvidenceLog, limit: str) -> Refused:
    return _refuse(environment, https, evidence, limit, ())


@pytest.fixture
def answer(refused: Refused) -> Response:
    """The refusal itself, for steps that look at an answer."""
    refusal = refused.burst.first_refusal
    if refusal is None:
        raise Unproven("nobody was refused", Whose.OURS)
    return refusal


@then("another new client is served as much at once as the first")
def another_is_served(clients: Clients, refused: Refused, evidence: EvidenceLog) -> None:
    source = clients.new()
    if source is None:
        raise NotRun("this machine is one client only: the environment has no client network")
    other = _fill_once(replace(refused.endpoint, source=source), refused.limit, refused.sent)
    evidence.add(
        "served at once to the first and to the other", [refused.burst.accepted, other.accepted]
    )
    # A token or two come back while a burst is judged. Where no more than these were served to
    # the first, somebody had emptied his bucket before him.
    few = 2
    require(
        other.accepted > few and abs(other.accepted - refused.burst.accepted) <= few,
        expected=f"the whole limit served at once to another client too, as to the first "
        f"({refused.burst.accepted})",
        actual=f"{other.accepted} served, {other.refused} refused",
        where=f"{_asked(other)}, from {source} after {refused.endpoint.source}",
        look="the key of limit_req_zone: is it each client's own address?",
    )


@then("it is refused on these paths too")
def refused_on_paths(refused: Refused, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    for path in column(datatable):
        response = ask(refused.endpoint, replace(refused.sent, path=path))
        evidence.add(path, response.status)
        require(
            response.status in REFUSALS,
            expected=f"refused ({' or '.join(map(str, REFUSALS))}): the limit's bucket is empty",
            actual=response.status,
            where=response.url,
            look=curl(refused.endpoint, path, " -X POST") + ", after a dozen to the usual path",
        )


@then("it is refused too when it claims another address in one of")
def refused_with_claims(
    clients: Clients, refused: Refused, evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    for header in column(datatable):
        claimed = clients.new() or "192.0.2.1"
        value = f"for={claimed}" if header == "Forwarded" else claimed
        sent = replace(refused.sent, headers=(*refused.sent.headers, (header, value)))
        response = ask(refused.endpoint, sent)
        evidence.add(f"{header}: {value}", response.status)
        require(
            response.status in REFUSALS,
            expected=f"refused: nobody but the CDN is believed a {header}",
            actual=response.status,
            where=response.url,
            look=curl(refused.endpoint, sent.path, f" -X POST -H '{header}: {value}'"),
        )


@when(
    parsers.parse("somebody behind the CDN is refused by the {limit} limit"),
    target_fixture="refused",
)
def refuse_behind_cdn(
    environment: Environment,
    https: Endpoint,
    clients: Clients,
    evidence: EvidenceLog,
    limit: str,
) -> Refused:
    endpoint = _behind_cdn(environment, https)
    person = ((_PERSON_HEADER, str(clients.new())),)
    return _refuse(environment, endpoint, evidence, limit, person)


@then("somebody else behind the same address of the CDN is served")
def other_behind_cdn(clients: Clients, refused: Refused) -> None:
    _require_served(refused, str(clients.new()), served=True)


@when(
    parsers.parse("somebody with IPv6 behind the CDN is refused by the {limit} limit"),
    target_fixture="refused",
)
def refuse_ipv6(
    environment: Environment, https: Endpoint, evidence: EvidenceLog, limit: str
) -> Refused:
    person = ((_PERSON_HEADER, str(_anywhere())),)
    return _refuse(environment, _behind_cdn(environment, https), evidence, limit, person)


@then("another address of the same /64 is refused too")
def same_household(refused: Refused) -> None:
    address = IPv6Address(dict(refused.sent.headers)[_PERSON_HEADER])
    _require_served(refused, str(IPv6Address(int(address) ^ 1)), served=False)


@then("an address of another /64 is served")
def other_household(refused: Refused) -> None:
    _require_served(refused, str(_anywhere()), served=True)


@then(parsers.parse("the refusal has status {status:d}, JSON, and a Retry-After of {seconds:d} s"))
def refusal_says_when(
    refused: Refused, answer: Response, evidence: EvidenceLog, status: int, seconds: int
) -> None:
    seen = (answer.status, answer.values("Content-Type"), answer.values("Retry-After"))
    evidence.add("refusal", seen)
    require(
        seen == (status, ("application/json",), (str(seconds),)),
        expected=f"{status}, Content-Type: application/json, Retry-After: {seconds}",
        actual=f"{seen[0]}, Content-Type: {seen[1]}, Retry-After: {seen[2]}",
        where=answer.url,
        look=curl(refused.endpoint, refused.sent.path),
    )


def _sent(environment: Environment, limit: str) -> Sent:
    limits = environment.limits
    return Sent.of({"general": limits.general, "authentication": limits.authentication}[limit])


def _start_burst(
    measurements: Measurements, environment: Environment, clients: Clients, limit: str
) -> Future[Burst]:
    endpoint = _named(environment, clients, f"bursts into the {limit} limit")
    return measurements.start(_fill_once, endpoint, limit, _sent(environment, limit))


def _start_rate(
    measurements: Measurements, environment: Environment, clients: Clients, limit: str
) -> Future[Rate]:
    endpoint = _named(environment, clients, f"fills the {limit} limit")
    sent, effort = _sent(environment, limit), _EFFORT[limit]
    return measurements.start(
        measure_rate,
        endpoint,
        sent.path,
        at_once=effort.at_once,
        together=effort.together,
        every_s=effort.every_s,
        tokens=effort.tokens,
        at_most_s=effort.at_most_s,
        method=sent.method,
        headers=sent.headers,
        body=sent.body,
    )


def _named(environment: Environment, clients: Clients, purpose: str) -> Endpoint:
    return site(environment, environment.site.ports.https, clients.named(purpose))


def _refuse(
    environment: Environment,
    endpoint: Endpoint,
    evidence: EvidenceLog,
    limit: str,
    headers: tuple[tuple[str, str], ...],
) -> Refused:
    sent = _sent(environment, limit)
    sent = replace(sent, headers=sent.headers + headers)
    burst = _fill_once(endpoint, limit, sent)
    evidence.add("served and refused at once", [burst.accepted, burst.refused])
    _require_limited(environment, endpoint, burst)
    return Refused(limit, endpoint, sent, burst)


def _fill_once(endpoint: Endpoint, limit: str, sent: Sent) -> Burst:
    return measure_burst(
        endpoint,
        sent.path,
        at_once=_EFFORT[limit].at_once,
        method=sent.method,
        headers=sent.headers,
        body=sent.body,
    )


def _require_limited(environment: Environment, endpoint: Endpoint, burst: Burst) -> None:
    require(
        burst.refused > 0,
        expected=f"a limit: some of {len(burst.answers)} requests at once are refused",
        actual=f"{burst.accepted} served, none refused",
        where=f"{_asked(burst)} in {environment.name}",
        look=_h2load(endpoint, len(burst.answers)),
    )


def _require_served(refused: Refused, person: str, *, served: bool) -> None:
    others = tuple(pair for pair in refused.sent.headers if pair[0] != _PERSON_HEADER)
    sent = replace(refused.sent, headers=(*others, (_PERSON_HEADER, person)))
    response = ask(refused.endpoint, sent)
    require(
        (response.status not in REFUSALS) is served,
        expected=f"{person} is {'served' if served else 'refused'} behind the CDN",
        actual=response.status,
        where=f"{response.url}, from {refused.endpoint.source}",
        look=curl(refused.endpoint, sent.path, f" -X POST -H '{_PERSON_HEADER}: {person}'"),
    )


def _behind_cdn(environment: Environment, https: Endpoint) -> Endpoint:
    network = environment.clients.cdn
    if network is None:
        raise NotRun(f"this machine has no address that {environment.name} takes for its CDN's")
    return replace(https, source=str(network[1]))


def _anywhere() -> IPv6Address:
    """A random address that nobody has; each run is somebody that the site has never seen."""
    host_bits = _DOCUMENTATION.max_prefixlen - _DOCUMENTATION.prefixlen
    return IPv6Address(int(_DOCUMENTATION.network_address) | random.getrandbits(host_bits))


def _narrowed(environment: Environment, clients: Clients, filled: Filled) -> Interval:
    """What the burst is, from and to: a busy machine does not see it to the request.

    Each client's interval holds the truth, so that it is in all of them: a few more narrow it.
    """
    rate = filled.rate.per_s.high if filled.rate.per_s else None
    at_most = rate if rate is not None else _FASTEST
    seen = filled.burst.bounds(rate_per_s=at_most)
    for _ in range(_MORE_CLIENTS):
        if seen.low == seen.high or (source := clients.new()) is None:
            break
        endpoint = site(environment, environment.site.ports.https, source)
        other = _fill_once(endpoint, filled.limit, _sent(environment, filled.limit))
        bounds = other.bounds(rate_per_s=at_most)
        highs = [high for high in (seen.high, bounds.high) if high is not None]
        seen = Interval(max(seen.low, bounds.low), min(highs, default=None))
        if seen.high is not None and seen.high < seen.low:
            raise Unproven("no one burst explains what several clients saw", Whose.TARGET)
    return seen


def _held_back(filled: Filled) -> bool:
    """Whether requests waited for their turns: each longer than the one before, in all as long
    as they would at that rate, or half of it (the rate is a lower bound, the first took time too).
    """
    rate = filled.rate.per_s.low if filled.rate.per_s else 0.0
    answers = (answer for answer in filled.burst.answers if answer is not None)
    took = [answer.duration_s for answer in answers if answer.status not in REFUSALS]
    if not rate or len(took) < _MANY:
        return False
    return took == sorted(took) and took[-1] - took[0] > (len(took) - 1) / rate / 2


def _said(seen: Interval) -> str:
    if seen.high is None:
        return f"{seen.low:g} at least"
    return f"{seen.low:g}" if seen.low == seen.high else f"{seen.low:g} to {seen.high:g}"


def _asked(burst: Burst) -> str:
    return next(answer.url for answer in burst.answers if answer is not None)


def _h2load(endpoint: Endpoint, count: int) -> str:
    return f"h2load -n {count} -c 1 -m {count} https://{endpoint.name}/ (at {endpoint.address})"
