"""Judge what the application servers do with their environment variables."""

import uuid
from dataclasses import replace

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, ResponseKind
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.machine import credential
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.application_log import Log, log
from golive.probes.http import Scheme, request
from golive.probes.rate_limit import REFUSALS
from golive.probes.redis_keys import RedisLogin, keys_of
from golive.steps.application import Asking, Server, require_status
from golive.steps.expectation import column, listed, require
from golive.steps.site import curl

Servers = tuple[Server, ...]

_OK = 200
_ADMIN = "admin"


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
        require_status(endpoint, request(endpoint, path, scheme="http"), _OK, evidence)


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
            require_status(
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
