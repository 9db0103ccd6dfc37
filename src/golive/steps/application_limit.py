"""Judge the application's own rate limit, by what a client is served through the edge."""

from collections.abc import Set as AbstractSet
from concurrent.futures import Future

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, ResponseKind
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.application_limit import Spent, spend
from golive.probes.http import request
from golive.probes.rate_limit import REFUSALS
from golive.steps.application import Server, require_status
from golive.steps.expectation import listed, require
from golive.steps.site import curl, site

Servers = tuple[Server, ...]

_OK = 200
# Under the edge's general limit: a burst that it serves at once, then less than 10 a second.
_AT_ONCE, _EVERY_S, _AT_MOST = 15, 0.104, 115
_CLOCK_S = 1.5  # Retry-After is in whole seconds


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
) -> None:
    """A client's hundred requests take ten seconds, at the pace that the edge allows."""
    if {"ENV-20", "ENV-21"} <= tags:
        _start(measurements, environment, clients)


@when("a new client asks through the edge until the application refuses it", target_fixture="spent")
def spend_all(
    environment: Environment, clients: Clients, measurements: Measurements, evidence: EvidenceLog
) -> Spent:
    spent = _start(measurements, environment, clients).result()
    evidence.add("requests served", len(spent.served))
    evidence.add("seconds to the first refusal", round(spent.elapsed_s, 1))
    if spent.refusal is not None:
        evidence.add("refusal", [spent.refusal.status, spent.refusal.body.decode(errors="replace")])
    return spent


@then(
    parsers.parse(
        'it was served {number:d} requests, and refused with status {status:d} and "{word}"'
    )
)
def served_then_refused(
    environment: Environment, https: Endpoint, spent: Spent, number: int, status: int, word: str
) -> None:
    refusal = spent.refusal
    if refusal is not None and word.encode() not in refusal.body:
        raise Unproven(f"{refusal.url}: not the application refused, but the edge", Whose.OURS)
    if failed := [answer for answer in spent.served if answer != _OK]:
        reason = f"{len(failed)} of {len(spent.served)} requests were answered {failed[0]}"
        raise Unproven(reason, Whose.TARGET)
    path = environment.requests[ResponseKind.API].path
    require(
        refusal is not None and refusal.status == status and len(spent.served) == number,
        expected=f"{number} requests served, the next one refused with {status}",
        actual=f"{len(spent.served)} served, "
        + ("none refused" if refusal is None else f"the next one refused with {refusal.status}"),
        where=f"{path} on {https.name}, at less than 10 requests a second",
        look=f"{curl(https, path)}, {number + 1} times",
    )


@then(parsers.parse("it is told to come back {minutes:d} minutes after the first"))
def told_when(spent: Spent, evidence: EvidenceLog, minutes: int) -> None:
    refusal = spent.refusal
    told = refusal.values("Retry-After") if refusal else ()
    evidence.add("Retry-After", told)
    if refusal is None or len(told) != 1 or not told[0].isdecimal():
        raise Unproven(f"no Retry-After in seconds, but {listed(told)}", Whose.TARGET)
    latest = minutes * 60 - spent.elapsed_s + spent.first_s + _CLOCK_S
    earliest = minutes * 60 - spent.elapsed_s - _CLOCK_S
    require(
        earliest <= int(told[0]) <= latest,
        expected=f"Retry-After: {earliest:.0f} to {latest:.0f}",
        actual=told[0],
        where=f"{refusal.url}, {spent.elapsed_s:.1f} s after the first request",
        look="RATE_LIMIT_WINDOW in the file of environment variables",
    )


@then("every application server refuses it too")
def each_refuses(
    environment: Environment, servers: Servers, clients: Clients, evidence: EvidenceLog
) -> None:
    source = _spender(clients)
    if source is None:
        raise NotRun("this machine is one client only, which the servers know by another address")
    path = environment.requests[ResponseKind.API].path
    for server in servers:
        endpoint = server.endpoint(environment.site.name, source)
        answer = request(endpoint, path, scheme="http")
        require_status(endpoint, answer, REFUSALS[0], evidence)


@then("another new client is served")
def another_served(environment: Environment, https: Endpoint, evidence: EvidenceLog) -> None:
    if https.source is None:
        raise NotRun("this machine is one client only: the environment has no client network")
    answer = request(https, environment.requests[ResponseKind.API].path)
    require_status(https, answer, _OK, evidence)


def _spender(clients: Clients) -> str | None:
    return clients.named("spends the application's limit")


def _start(measurements: Measurements, environment: Environment, clients: Clients) -> Future[Spent]:
    endpoint = site(environment, environment.site.ports.https, _spender(clients))
    path = environment.requests[ResponseKind.API].path
    return measurements.start(
        spend, endpoint, path, at_once=_AT_ONCE, every_s=_EVERY_S, at_most=_AT_MOST
    )
