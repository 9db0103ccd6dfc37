"""Judge the file of environment variables on every application server."""

import re

from pytest_bdd import parsers, then

from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import mongo_uri
from golive.steps.application import Server
from golive.steps.expectation import column, listed, require

Servers = tuple[Server, ...]

# The document's own placeholders stand in square brackets; an IPv6 address does too.
_PLACEHOLDER = re.compile(
    r"\[[a-z0-9_-]*[g-z][a-z0-9_-]*\]|<[a-z0-9_ -]+>|change[-_ ]?me|example|placeholder|\byour[-_]",
    re.IGNORECASE,
)
_CLOCK_S = 2  # as exactly as the start of a process is known


@then("the file has")
def file_has(servers: Servers, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    documented = {name: value for name, value in datatable}
    evidence.add("servers", [server.machine.name for server in servers])
    for server in servers:
        for name, value in documented.items():
            require(
                server.value(name) == value,
                expected=f"{name}={value}",
                actual="it is not set" if server.value(name) is None else server.value(name),
                where=_where(server),
                look=f"grep ^{name}= {server.file.path}",
            )


@then("it sets, with more than a placeholder")
def file_sets(servers: Servers, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    evidence.add("set on", [server.machine.name for server in servers])
    for server in servers:
        for name in column(datatable):
            value = server.value(name)
            placeholder = _PLACEHOLDER.search(value) if value else None
            actual = f"a placeholder: {placeholder[0]}" if placeholder else "it is empty"
            require(
                bool(value and value.strip()) and placeholder is None,
                expected=f"a value of {name}",
                actual="it is not set" if value is None else actual,
                where=_where(server),
                look=f"grep -c ^{name}= {server.file.path}",
            )


@then("MONGO_URI asks for TLS, and has each of these options once")
def uri_options(servers: Servers, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    documented = {name: value for name, value in datatable}
    for server in servers:
        uri = mongo_uri(server.need("MONGO_URI"))
        seen = {name: uri.options.get(name.lower(), ()) for name in documented}
        evidence.add(f"options on {server.machine.name}", {"tls": uri.tls, **seen})
        require(
            uri.tls and seen == {name: (value,) for name, value in documented.items()},
            expected=f"TLS, and {documented}",
            actual=f"{'TLS' if uri.tls else 'no TLS'}, and {seen}",
            where=f"MONGO_URI in {_where(server)}",
            look=f"grep -o '?.*' {server.file.path}",
        )


@then("no worker was started before its file was last changed")
def file_is_read(servers: Servers, evidence: EvidenceLog) -> None:
    for server in servers:
        oldest = min(worker.started_s for worker in server.workers)
        before = server.file.modified_s - oldest
        evidence.add(f"workers of {server.machine.name}", [w.pid for w in server.workers])
        require(
            before <= _CLOCK_S,
            expected="workers that have read the file as it is now",
            actual=f"the file was changed {before} s after the oldest of them was started",
            where=_where(server),
            look=f"ls -l --full-time {server.file.path}; pm2 list",
        )


@then("nothing that a worker was given otherwise differs from the file")
def nothing_overrules(servers: Servers, evidence: EvidenceLog) -> None:
    for server in servers:
        given = {name: server.given(name) for name in server.file.values if server.given(name)}
        evidence.add(f"given to workers of {server.machine.name} besides", sorted(given))
        differing = [name for name, values in given.items() if values != {server.value(name)}]
        require(
            not differing,
            expected="of each variable the file's value, whoever sets it",
            actual=f"another value of {listed(differing)}, which goes before the file's",
            where=f"the workers on {server.machine.name}, as PM2 started them",
            look="pm2 env 0",
        )


@then("the servers' files differ in nothing but")
def same_values(servers: Servers, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    if len(servers) < 2:
        raise Unproven("there is one application server only", Whose.OURS)
    first, *others = servers
    own = set(column(datatable))
    for server in others:
        names = (first.file.values.keys() | server.file.values.keys()) - own
        differing = sorted(name for name in names if first.value(name) != server.value(name))
        evidence.add(f"differing on {server.machine.name}", differing)
        require(
            not differing,
            expected=f"the values of {first.machine.name}",
            actual=f"other ones of {listed(differing)}",
            where=_where(server),
            look=f"sha256sum {server.file.path}, on each server",
        )


@then(parsers.parse("the file has at most the permissions {mode:o}"))
def file_mode(servers: Servers, evidence: EvidenceLog, mode: int) -> None:
    for server in servers:
        evidence.add(f"permissions on {server.machine.name}", f"{server.file.mode:o}")
        require(
            server.file.mode & ~mode == 0,
            expected=f"{mode:o}",
            actual=f"{server.file.mode:o}",
            where=_where(server),
            look=f"ls -l {server.file.path}",
        )


@then("it belongs to the user of the workers")
def file_owner(servers: Servers, evidence: EvidenceLog) -> None:
    for server in servers:
        users = {worker.user for worker in server.workers}
        evidence.add(
            f"owner, and users of the workers, on {server.machine.name}", server.file.owner
        )
        require(
            users == {server.file.owner},
            expected=f"the owner {listed(sorted(users))}",
            actual=server.file.owner,
            where=_where(server),
            look=f"ls -l {server.file.path}; ps -o user= -p {server.workers[0].pid}",
        )


@then("a shell reads of each line what the application reads")
def sourceable(servers: Servers, evidence: EvidenceLog) -> None:
    for server in servers:
        file = server.file
        differing = [n for n, value in file.values.items() if file.sourced.get(n) != value]
        evidence.add(f"read otherwise by a shell on {server.machine.name}", differing)
        require(
            not differing,
            expected="each value quoted, so that a shell expands and runs nothing",
            actual=f"a shell reads otherwise: {listed(differing)}",
            where=_where(server),
            look=f"grep -n '[$&;|` ]' {file.path}",
        )


def _where(server: Server) -> str:
    return f"{server.file.path} on {server.machine.name}"
