"""Judge the API's description, and whether the deployment answers as it says."""

import contextlib
import json
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, Permit
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.account import Database
from golive.probes.http import request
from golive.probes.openapi import Description, Operation, description, problems, registered
from golive.probes.openapi_contract import SEED, Asked, Break, Requests, contract
from golive.probes.websocket import converse
from golive.steps.account import database_of
from golive.steps.application import DIRECTORY, Server
from golive.steps.expectation import column, listed, require
from golive.steps.site import curl, site

_FEATURE = "03_api_documentation/openapi.feature::"
_PATH = "/api/docs/openapi.json"  # as the feature says
_RIGHT, _WRONG = 2, 2
_CLIENTS = 32  # about as many as there are operations: none meets a limit
_REFUSED = "negative_data_rejection"
_SUCCESS = range(200, 400)


@pytest.hookimpl(trylast=True)
def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    ahead: AbstractSet[str],
) -> None:
    """Some hundred requests, made by libraries that take a second to import.

    Last in the queue: others take longer.
    """
    ours = any(each.startswith(_FEATURE) for each in ahead)
    if ours and environment.clients.network is not None:
        with contextlib.suppress(NotRun, Unproven):  # the scenario will say so
            _ask(environment, clients, measurements.queue)
            measurements.queue(_problems, _endpoint(environment, clients))


def _problems(endpoint: Endpoint) -> tuple[str, ...]:
    return problems(description(endpoint, _PATH))


@given(parsers.parse('the API\'s description at "{path}"'), target_fixture="described")
def described_at(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    pace: Pace,
    evidence: EvidenceLog,
    path: str,
) -> Description:
    if path != _PATH:
        raise Unproven(f"it is looked for at {_PATH}", Whose.OURS)
    pace.wait()
    seen = measurements.result(description, _endpoint(environment, clients), path)
    evidence.add("description", [seen.url, f"OpenAPI {seen.specification}", seen.version])
    evidence.add("operations described", len(seen.operations))
    return seen


@then("it breaks no rule of the OpenAPI Specification that it names")
def follows_specification(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    described: Description,
    evidence: EvidenceLog,
) -> None:
    found = measurements.result(_problems, _endpoint(environment, clients))
    evidence.add("rules that it breaks", found)
    require(
        not found,
        expected=f"an OpenAPI {described.specification} document",
        actual="; ".join(found),
        where=described.url,
        look=f"curl -s {described.url} | openapi-spec-validator -",
    )


@then("its version is that of the release")
def version_of_release(
    pytestconfig: pytest.Config, described: Description, evidence: EvidenceLog
) -> None:
    release: Path | None = pytestconfig.getoption("release")
    if release is None:
        evidence.add("release", "none was named: compared with the application only")
        return
    require(
        described.version == release.stem.removeprefix("v"),
        expected=release.stem.removeprefix("v"),
        actual=described.version,
        where=f"info.version of {described.url}",
        look=f"curl -s {described.url} | jq .info.version",
    )


@then("its version is that of the application on every server")
def version_of_application(
    environment: Environment, described: Description, evidence: EvidenceLog
) -> None:
    for machine in machines(environment, "app"):
        file = f"{DIRECTORY}/package.json"
        version = json.loads(machine.read(file)).get("version")
        evidence.add(machine.name, version)
        require(
            described.version == version,
            expected=f"{version}, as {file} on {machine.name} says",
            actual=described.version,
            where=f"info.version of {described.url}",
            look=f"curl -s {described.url} | jq .info.version",
        )


@then("every route that Express has on any application server is described")
def all_described(
    express: dict[str, tuple[Operation, ...]], described: Description, evidence: EvidenceLog
) -> None:
    for name, routes in express.items():
        missing = [str(each) for each in routes if each not in described.operations]
        evidence.add(f"routes of {name}", len(routes))
        require(
            not missing,
            expected=f"each of the {len(routes)} routes of {name} in the description",
            actual=f"not described: {listed(missing)}",
            where=described.url,
            look="app._router.stack of the application",
        )


@then("every operation that is described is a route of Express, or answers, one of")
def all_served(
    express: dict[str, tuple[Operation, ...]],
    described: Description,
    https: Endpoint,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    for operation in described.operations:
        if all(operation in routes for routes in express.values()):
            continue
        # A file, or a WebSocket: of these Express knows nothing.
        status = request(https, operation.path).status
        if str(status) not in column(datatable):
            status = converse(https, operation.path, "", answers=0).status
        evidence.add(f"{operation}, no route of Express", status)
        require(
            operation.method == "get" and str(status) in column(datatable),
            expected=f"status {' or '.join(column(datatable))}, or a route of Express",
            actual=status,
            where=f"{operation}, as {described.url} describes it",
            look=curl(https, operation.path),
        )


@when(
    parsers.parse(
        "each operation that reads without signing in is sent its example and {right:d} right "
        "requests"
    ),
    target_fixture="asked",
)
def reading_asked(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    evidence: EvidenceLog,
    right: int,
) -> tuple[Asked, ...]:
    _as_promised(right, _WRONG)
    seen = _ask(environment, clients, measurements.start).result()
    return _told(
        [each for each in seen if each.operation.method == "get" and not each.signed_in], evidence
    )


@when(
    parsers.parse(
        "each operation is sent its example, {right:d} right requests and {wrong:d} wrong ones"
    ),
    target_fixture="asked",
)
def all_asked(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    evidence: EvidenceLog,
    right: int,
    wrong: int,
) -> tuple[Asked, ...]:
    _as_promised(right, wrong)
    database_of(environment)  # without one nothing was written
    return _told(_ask(environment, clients, measurements.start).result(), evidence)


@then("each answer has a status, headers and a body that are described")
def answers_described(https: Endpoint, asked: tuple[Asked, ...]) -> None:
    _require_none(https, asked, [b for a in asked for b in a.breaks if b.check != _REFUSED])


@then("what is wrong is refused")
def wrong_refused(https: Endpoint, asked: tuple[Asked, ...]) -> None:
    _require_none(https, asked, [b for a in asked for b in a.breaks if b.check == _REFUSED])


@then("each example is answered with success")
def examples_succeed(https: Endpoint, asked: tuple[Asked, ...]) -> None:
    if not any(each.answered("example") for each in asked):
        raise Unproven("the description gives no example for any of them", Whose.TARGET)
    for each in asked:
        _require_success(https, each, all(s in _SUCCESS for s in each.answered("example")))


@then("of each operation that needs to be signed in for, an example is answered with success")
def signed_in_examples_succeed(https: Endpoint, asked: tuple[Asked, ...]) -> None:
    for each in asked:
        if each.signed_in:
            _require_success(https, each, any(s in _SUCCESS for s in each.answered("example")))


@pytest.fixture
def express(
    environment: Environment, servers: tuple[Server, ...]
) -> dict[str, tuple[Operation, ...]]:
    """The routes that Express has, by application server."""
    return {
        server.machine.name: registered(server.endpoint(environment.site.name, None))
        for server in servers
    }


def _endpoint(environment: Environment, clients: Clients) -> Endpoint:
    source = clients.named("reads the API's description")
    return site(environment, environment.site.ports.https, source)


def _ask(
    environment: Environment, clients: Clients, begin: Callable[..., Future[tuple[Asked, ...]]]
) -> Future[tuple[Asked, ...]]:
    """Once a session; with what writes, where that is permitted and can be undone."""
    database: Database | None = None
    if Permit.WRITE in environment.permits:
        with contextlib.suppress(NotRun):
            database = database_of(environment)
    several = environment.clients.network is not None
    sources = [clients.named(f"asks as described, {n}") for n in range(_CLIENTS if several else 0)]
    requests = Requests(
        _RIGHT,
        _WRONG if database else 0,
        tuple(each for each in sources if each is not None),
        0 if several else 1 / environment.pace,
    )
    return begin(contract, _endpoint(environment, clients), _PATH, requests, database)


def _as_promised(right: int, wrong: int) -> None:
    if (right, wrong) != (_RIGHT, _WRONG):
        raise Unproven(f"{_RIGHT} and {_WRONG} requests are sent", Whose.OURS)


def _told(asked: Iterable[Asked], evidence: EvidenceLog) -> tuple[Asked, ...]:
    told = tuple(asked)
    evidence.add("seed", SEED)
    evidence.add("statuses", {str(each.operation): each.statuses for each in told})
    if not told:
        raise Unproven("the description has no such operation", Whose.TARGET)
    return told


def _require_none(https: Endpoint, asked: tuple[Asked, ...], breaks: list[Break]) -> None:
    first = breaks[0] if breaks else None
    require(
        first is None,
        expected=f"{len(asked)} operations answer as described",
        actual=f"{len(breaks)} answers do not; the first: {first and first.how}",
        where=first and f"{first.request} ({first.kind})",
        look=curl(https, _target(first)) if first else "",
    )


def _target(found: Break) -> str:
    return found.request.split()[1]


def _require_success(https: Endpoint, asked: Asked, holds: bool) -> None:
    require(
        holds,
        expected="the example of the description is answered with success",
        actual=f"status {listed(asked.answered('example'))}",
        where=asked.operation,
        look=curl(https, asked.operation.path),
    )
