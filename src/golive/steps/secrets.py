"""Judge secrets: how strong they are, and that they stand nowhere but in their file.

Whatever is said here of a secret is what `Secret` and `Leak` say: its name and a digest.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pytest_bdd import given, parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.http import Response, Scheme, request
from golive.probes.secret_places import (
    Suspect,
    arguments,
    below,
    environments,
    files,
    suspects,
    tracked,
)
from golive.probes.secrets import Leak, Place, Secret, search
from golive.replica.state import files as files_of_stack
from golive.steps.application import Server
from golive.steps.expectation import column, listed, require

Servers = tuple[Server, ...]
Secrets = dict[str, tuple[Secret, ...]]  # by application server

_OF_URI = "password of {}"
_REPOSITORY = Path()
_PM2_HOME = "PM2_HOME"


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,  # noqa: ARG001 (of the hook)
    tags: AbstractSet[str],
) -> None:
    """detect-secrets reads every line of the repository: seconds."""
    if "ENV-27" in tags:
        _suspects(measurements.queue, environment)


@given(
    "these secrets of every application server, and of what golive signs in with",
    target_fixture="secrets",
)
def secrets_of(
    environment: Environment,
    servers: Servers,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> Secrets:
    names = column(datatable)
    own = [Secret(name, value) for name in names if (value := _credential(environment, name))]
    found = {
        server.machine.name: tuple(_of_file(server, [n for n in names if n.isupper()]))
        for server in servers
    }
    evidence.add("sought", sorted({s.name for each in found.values() for s in (*each, *own)}))
    return {name: (*each, *own) for name, each in found.items()}


@then("each of these is that long, and that hard to guess")
def strong(
    secrets: Secrets, servers: Servers, evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    bits: dict[Secret, float] = {}  # most servers have the same, and an estimate takes a while
    for server in servers:
        known = {secret.name: secret for secret in secrets[server.machine.name]}
        for name, characters, least in datatable[1:]:
            secret = known.get(name, Secret(name, ""))
            if secret not in bits:
                bits[secret] = secret.bits
            seen = [secret.length, bits[secret]]
            evidence.add(f"characters and bits of {name} on {server.machine.name}", seen)
            require(
                seen[0] >= int(characters) and seen[1] >= float(least),
                expected=f"{characters} characters and {least} bits at least",
                actual=f"{seen[0]} characters, {seen[1]:g} bits",
                where=f"{name} in {server.file.path} on {server.machine.name}",
                look="openssl rand -hex 32 makes a better one",
            )


@then("no two secrets of a server are the same")
def not_shared(servers: Servers, secrets: Secrets, evidence: EvidenceLog) -> None:
    for server in servers:
        of_file = [s for s in secrets[server.machine.name] if s.name in server.file.values]
        by_value: dict[Secret, list[str]] = {}
        for secret in of_file:
            by_value.setdefault(secret, []).append(secret.name)
        shared = [" = ".join(names) for names in by_value.values() if len(names) > 1]
        evidence.add(f"different secrets on {server.machine.name}", len(by_value))
        require(
            not shared,
            expected=f"{len(of_file)} different secrets",
            actual=listed(shared),
            where=f"{server.file.path} on {server.machine.name}",
            look=f"cut -d= -f2- {server.file.path} | sort | uniq -d | wc -l",
        )


@then(
    parsers.parse(
        "of the files below these directories, those that hold a secret "
        "have at most the permissions {mode:o}"
    )
)
def held_privately(
    servers: Servers,
    secrets: Secrets,
    measurements: Measurements,
    evidence: EvidenceLog,
    mode: int,
    datatable: list[list[str]],
) -> None:
    places = _files(
        measurements,
        [
            (s.machine, s.machine.path(directory))
            for s in servers
            for directory in column(datatable)
        ],
    )
    leaks = search(_all(secrets), places)
    holding = sorted({leak.place for leak in leaks})
    evidence.add("files looked at", len(places))
    evidence.add("files that hold a secret", holding)
    if missed := [s.file.path for s in servers if not any(s.file.path in one for one in holding)]:
        raise Unproven(f"the search does not even find the secrets in {missed[0]}", Whose.OURS)
    readable = [leak for leak in leaks if leak.readers is None or leak.readers & ~mode]
    _require_none(readable, f"{mode:o} where a secret is", "ls -l")


@then("neither a file of the repository nor one of the stack holds a secret")
def none_in_repository(
    environment: Environment, secrets: Secrets, measurements: Measurements, evidence: EvidenceLog
) -> None:
    places = list(measurements.result(tracked, _REPOSITORY))
    stack = environment.stack
    if stack is not None:
        places += [below(path, stack) for path in files_of_stack(stack)]
    _judge(secrets, places, evidence, "git grep -lF VALUE")


@then("detect-secrets suspects nothing in them")
def none_suspected(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> None:
    found = [s for each in _suspects(measurements.start, environment) for s in each.result()]
    evidence.add("suspected", found)
    require(
        not found,
        expected="nothing that looks like a secret",
        actual=listed(found),
        where="the tracked files of the repository, and the stack",
        look="detect-secrets scan; a line that is none says so: pragma: allowlist secret",
    )


@then("no file below these directories holds a secret")
def none_in_files(
    environment: Environment,
    secrets: Secrets,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    wanted = [
        (machine, machine.path(directory))
        for role, directory in datatable
        for machine in machines(environment, role)
    ]
    _judge(secrets, _files(measurements, wanted), evidence, "grep -rlF VALUE /var/log")


@then("no file below the PM2 home of a worker does")
def none_in_pm2(
    servers: Servers, secrets: Secrets, measurements: Measurements, evidence: EvidenceLog
) -> None:
    wanted = [(server.machine, home) for server in servers for home in server.given(_PM2_HOME)]
    if len(wanted) < len(servers):
        raise Unproven(f"a worker was started without {_PM2_HOME}", Whose.TARGET)
    _judge(secrets, _files(measurements, wanted), evidence, "grep -rlF VALUE $PM2_HOME")


@then("no process on hosts of these roles has a secret among its arguments")
def none_in_arguments(
    environment: Environment,
    secrets: Secrets,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    hosts = [machine for role in column(datatable) for machine in machines(environment, role)]
    begun = [measurements.start(arguments, machine) for machine in hosts]
    _judge(secrets, _joined(begun), evidence, "ps -eo pid,user,args | grep VALUE")


@then(
    "on the application servers, only processes of the workers' user have secrets of them "
    "in their environment"
)
def none_in_environments(
    servers: Servers, secrets: Secrets, measurements: Measurements, evidence: EvidenceLog
) -> None:
    begun = [
        measurements.start(environments, server.machine, server.workers[0].user)
        for server in servers
    ]
    places = _joined(begun)
    leaks = search(_all(secrets), places)
    evidence.add("processes of other users", len(places))
    _require_none(leaks, "no secret there", "grep -lF VALUE /proc/[0-9]*/environ")


@then("no answer of the edge, nor of an application server, holds a secret")
def none_in_answers(
    https: Endpoint,
    servers: Servers,
    secrets: Secrets,
    clients: Clients,
    pace: Pace,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    asked: list[tuple[Endpoint, Scheme]] = [(https, "https")]
    asked += [(server.endpoint(https.name, clients.new()), "http") for server in servers]
    places = []
    for endpoint, scheme in asked:
        for method, path in datatable:
            pace.wait()
            body = b"{" if method == "POST" else None  # no JSON, so that an error is answered
            answer = request(endpoint, path, method=method, body=body, scheme=scheme)
            places.append(_place(answer, endpoint))
    _judge(secrets, places, evidence, "curl -si")


@then("no worker was started with a secret in its environment")
def none_given(servers: Servers, secrets: Secrets, evidence: EvidenceLog) -> None:
    places = [
        Place(
            f"{name} of process {worker.pid} on {server.machine.name}",
            worker.given[name].encode(),
        )
        for server in servers
        for worker in server.workers
        for name in worker.given
    ]
    _judge(secrets, places, evidence, "pm2 env 0")


def _credential(environment: Environment, name: str) -> str | None:
    """What golive signs in with, if it has that; a name in capitals is a variable of the file."""
    if name.isupper():
        return None
    try:
        return credential(environment, name)
    except NotRun:
        return None


def _of_file(server: Server, names: Iterable[str]) -> Iterable[Secret]:
    for name in names:
        value = server.value(name)
        if value is None:
            continue
        yield Secret(name, value)
        if "://" in value and (password := urlsplit(value).password):
            yield Secret(_OF_URI.format(name), unquote(password))


def _all(secrets: Secrets) -> list[Secret]:
    return [secret for each in secrets.values() for secret in each]


def _files(measurements: Measurements, wanted: Iterable[tuple[Machine, str]]) -> tuple[Place, ...]:
    return _joined([measurements.start(files, machine, path) for machine, path in wanted])


def _joined(begun: Iterable[Future[tuple[Place, ...]]]) -> tuple[Place, ...]:
    return tuple(place for each in begun for place in each.result())


def _suspects(
    begin: Callable[..., Future[tuple[Suspect, ...]]], environment: Environment
) -> list[Future[tuple[Suspect, ...]]]:
    begun = [begin(suspects, _REPOSITORY)]
    stack = environment.stack
    if stack is not None and not stack.is_relative_to(_REPOSITORY.resolve()):
        begun.append(begin(suspects, stack, all_files=True))
    return begun


def _place(answer: Response, endpoint: Endpoint) -> Place:
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    name = f"the answer {answer.status} to {answer.url} at {endpoint.address}"
    return Place(name, head.encode() + b"\n\n" + answer.body)


def _judge(secrets: Secrets, places: Iterable[Place], evidence: EvidenceLog, look: str) -> None:
    places = list(places)
    read = sum(len(place.content) for place in places)
    if not read:
        raise Unproven("there is nothing to search", Whose.TARGET)
    evidence.add("places and bytes searched", [len(places), read])
    _require_none(search(_all(secrets), places), "no secret there", look)


def _require_none(leaks: Iterable[Leak], expected: str, look: str) -> None:
    found = sorted({str(leak) for leak in leaks})
    require(
        not found,
        expected=expected,
        actual="\n          ".join(found[:10]),
        where=f"{len(found)} of them",
        look=f"{look}; then replace the secret: who could read it has it",
    )
