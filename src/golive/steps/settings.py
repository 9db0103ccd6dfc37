"""Judge what the application servers do with their environment variables."""

import uuid
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from dataclasses import replace

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, ResponseKind
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.application_limit import Spent, spend
from golive.probes.application_log import Log, log
from golive.probes.http import Response, Scheme, request
from golive.probes.rate_limit import REFUSALS
from golive.probes.redis_keys import RedisLogin, keys_of
from golive.steps.application import Asking, Server
from golive.steps.expectation import column, listed, require
from golive.steps.site import curl, site

Servers = tuple[Server, ...]

_OK = 200
_ADMIN = "admin"
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


@then("every worker was started with")
def started_with(servers: Servers, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    for server in servers:
        for name, value in datatable:
            # What PM2 does not give a worker, it takes from the file.
            seen = {each.given.get(name, server.value(name)) for each in server.workers}
            evidence.add(f"{name} of {len(server.workers)} workers", [server.machine.name, *seen])
            require(
                seen == {value},
                expected=f"{name}={value}",
                actual=listed(sorted(map(str, seen))),
                where=f"the workers on {server.machine.name}",
                look=f"pm2 env 0 | grep ^{name}",
            )


@then(parsers.parse('every application server answers "{path}" on port {port:d}'))
def answers_on(
    environment: Environment,
    servers: Servers,
    clients: Clients,
    pace: Pace,
    evidence: EvidenceLog,
    path: str,
    port: int,
) -> None:
    for server in servers:
        endpoint = replace(server.endpoint(environment.site.name, clients.new()), port=port)
        pace.wait()
        _require_status(endpoint, request(endpoint, path, scheme="http"), _OK, evidence)


@then("every application server answers these paths")
def answers_paths(
    environment: Environment,
    servers: Servers,
    asking: Asking,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    for server in servers:
        for path, status in datatable:
            answer = asking(server, path)
            _require_status(
                server.endpoint(environment.site.name, None), answer, int(status), evidence
            )


@then("pages of these origins may read what the edge and every application server answer")
def origins_allowed(
    environment: Environment,
    https: Endpoint,
    servers: Servers,
    clients: Clients,
    pace: Pace,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    _judge_origins(environment, https, servers, clients, pace, evidence, column(datatable), True)


@then("pages of these may not")
def origins_refused(
    environment: Environment,
    https: Endpoint,
    servers: Servers,
    clients: Clients,
    pace: Pace,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    _judge_origins(environment, https, servers, clients, pace, evidence, column(datatable), False)


@when("every application server answers a client of its own", target_fixture="asked")
def ask_each(
    environment: Environment, servers: Servers, clients: Clients, pace: Pace
) -> dict[str, str]:
    """The client's address by the server's name."""
    asked = {}
    for server in servers:
        client = clients.new()
        if client is None:
            raise NotRun("this machine is one client only, so that no key can be told for its own")
        pace.wait()
        request(
            server.endpoint(environment.site.name, client),
            environment.requests[ResponseKind.API].path,
            scheme="http",
        )
        asked[server.machine.name] = client
    return asked


@then(
    parsers.parse(
        "the keys of that client, in the file's Redis, are in database {database:d} "
        'and begin with "{prefix}"'
    )
)
def keys_begin_with(
    environment: Environment,
    servers: Servers,
    asked: dict[str, str],
    evidence: EvidenceLog,
    database: int,
    prefix: str,
) -> None:
    password = credential(environment, "redis-admin-password")
    for server in servers:
        login = RedisLogin(
            server.need("REDIS_HOST"), int(server.need("REDIS_PORT")), _ADMIN, password
        )
        keys = keys_of(login, asked[server.machine.name])
        evidence.add(f"keys of a client of {server.machine.name}", keys)
        right = [key for key in keys if key.database == database and key.name.startswith(prefix)]
        require(
            bool(keys) and len(right) == len(keys),
            expected=f"keys of the client, all in database {database} and beginning with {prefix}",
            actual=listed([f"{key.name} in database {key.database}" for key in keys]),
            where=f"Redis at {login.host}:{login.port}, asked about {asked[server.machine.name]} "
            f"after a request to {server.machine.name}",
            look=f"redis-cli -h {login.host} --user {_ADMIN} --askpass --scan",
        )


@when(
    "every application server answers a request for a path that nobody else asks for",
    target_fixture="path",
)
def ask_for_a_path(servers: Servers, asking: Asking) -> str:
    path = f"/golive-{uuid.uuid4().hex}"
    for server in servers:
        asking(server, path)
    return path


@then(
    parsers.parse('its line in "{file}" has the level "{level}"'),
    target_fixture="logs",
)
def logged_at(
    servers: Servers, evidence: EvidenceLog, path: str, file: str, level: str
) -> tuple[Log, ...]:
    logs = tuple(log(server.machine, file, path) for server in servers)
    for server, seen in zip(servers, logs, strict=True):
        evidence.add(f"the end of the log on {server.machine.name}", seen)
        require(
            seen.asked == level,
            expected=f'JSON with "level": "{level}"',
            actual="no JSON" if seen.asked is None else f'"level": "{seen.asked}"',
            where=f"the line of {path} in {seen.path} on {server.machine.name}",
            look=f"grep {path} {seen.path}",
        )
    return logs


@then("each line there is JSON, with one of these levels")
def all_json(servers: Servers, logs: tuple[Log, ...], datatable: list[list[str]]) -> None:
    levels = column(datatable)
    for server, seen in zip(servers, logs, strict=True):
        where = f"the last {seen.lines} lines of {seen.path} on {server.machine.name}"
        require(
            not seen.unreadable,
            expected="PM2's date and a JSON object in each line",
            actual=f"none in {len(seen.unreadable)} of them; counted from the last: "
            f"{listed(list(seen.unreadable[:5]))}",
            where=where,
            look=f"tail -n {seen.unreadable[0] if seen.unreadable else 1} {seen.path} | head -n 1",
        )
        require(
            seen.levels.keys() <= set(levels),
            expected=f"levels {listed(levels)}",
            actual=listed(sorted(seen.levels)),
            where=where,
            look=f'grep -o \'"level":"[a-z]*"\' {seen.path} | sort | uniq -c',
        )


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
        _require_status(endpoint, answer, REFUSALS[0], evidence)


@then("another new client is served")
def another_served(environment: Environment, https: Endpoint, evidence: EvidenceLog) -> None:
    if https.source is None:
        raise NotRun("this machine is one client only: the environment has no client network")
    answer = request(https, environment.requests[ResponseKind.API].path)
    _require_status(https, answer, _OK, evidence)


def _spender(clients: Clients) -> str | None:
    return clients.named("spends the application's limit")


def _start(measurements: Measurements, environment: Environment, clients: Clients) -> Future[Spent]:
    endpoint = site(environment, environment.site.ports.https, _spender(clients))
    path = environment.requests[ResponseKind.API].path
    return measurements.start(
        spend, endpoint, path, at_once=_AT_ONCE, every_s=_EVERY_S, at_most=_AT_MOST
    )


def _judge_origins(
    environment: Environment,
    https: Endpoint,
    servers: Servers,
    clients: Clients,
    pace: Pace,
    evidence: EvidenceLog,
    origins: list[str],
    allowed: bool,
) -> None:
    path = environment.requests[ResponseKind.API].path
    places: list[tuple[Endpoint, Scheme]] = [(https, "https")]
    places += [
        (server.endpoint(environment.site.name, clients.new()), "http") for server in servers
    ]
    preflight = (("Access-Control-Request-Method", "GET"),)
    for endpoint, scheme in places:
        for origin in origins:
            for method, more in (("GET", ()), ("OPTIONS", preflight)):
                pace.wait()
                headers = [("Origin", origin), *more]
                answer = request(endpoint, path, method=method, headers=headers, scheme=scheme)
                seen = answer.values("Access-Control-Allow-Origin")
                evidence.add(f"{method} {endpoint.address} from {origin}", [answer.status, seen])
                if answer.status in REFUSALS:
                    raise Unproven(f"{answer.url} answers {answer.status}", Whose.TARGET)
                right = seen == (origin,) if allowed else not {origin, "*"}.intersection(seen)
                require(
                    right,
                    expected=f"Access-Control-Allow-Origin: {origin}"
                    if allowed
                    else f"no Access-Control-Allow-Origin for {origin}",
                    actual=listed(seen),
                    where=f"{method} {answer.url} at {endpoint.address}",
                    look=curl(endpoint, path, f" -X {method} -H 'Origin: {origin}'"),
                )


def _require_status(
    endpoint: Endpoint, answer: Response, status: int, evidence: EvidenceLog
) -> None:
    evidence.add(f"{answer.url} at {endpoint.address}", answer.status)
    require(
        answer.status == status,
        expected=status,
        actual=answer.status,
        where=f"{answer.url} at {endpoint.address}",
        look=f"curl -si 'http://{endpoint.address}:{endpoint.port}/'",
    )
