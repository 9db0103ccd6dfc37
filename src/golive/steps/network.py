"""Judge which way requests come to the application servers, and what else listens."""

import socket
from contextlib import suppress
from ipaddress import ip_address

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, ResponseKind
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.http import connect, request
from golive.probes.listening import listeners
from golive.probes.nginx import Nginx
from golive.probes.nginx_configuration import location, passed_to
from golive.probes.reach import TIMEOUT_S, addresses, reach
from golive.steps.expectation import column, listed, require
from golive.steps.proxy import show_to
from golive.steps.site import Sent, ask, curl, site

_OK = 200
_IDLE = {"down", "backup"}


@then(
    parsers.parse(
        'nginx passes requests for "{path}" to {count:d} servers at least, all of them in use'
    )
)
def balances(
    environment: Environment,
    running: tuple[Nginx, ...],
    evidence: EvidenceLog,
    path: str,
    count: int,
) -> None:
    for nginx in running:
        place = location(nginx.configuration, environment.site.name, path)
        servers = passed_to(place)
        evidence.add(f"servers of {place} ({place.where})", servers)
        in_use = {(each.address, each.port) for each in servers if not _IDLE & set(each.options)}
        idle = [each.address for each in servers if _IDLE & set(each.options)]
        require(
            len(in_use) >= count and not idle,
            expected=f"{count} servers at least, none of them down or kept for emergencies",
            actual=f"{listed([f'{a}:{p}' for a, p in sorted(in_use)])}; not in use: {listed(idle)}",
            where=f"{place} ({place.where}) on {nginx.host}",
            look=f"{nginx.look} | grep -A9 upstream",
        )


@when(parsers.parse("{count:d} clients ask for something"), target_fixture="answered_by")
def clients_ask(
    environment: Environment, clients: Clients, evidence: EvidenceLog, count: int
) -> dict[str, int]:
    answered: dict[str, int] = {}
    for _ in range(count):
        endpoint = site(environment, environment.site.ports.https, clients.new())
        address = str(show_to(endpoint, "/")["localAddress"])
        answered[address] = answered.get(address, 0) + 1
    evidence.add("requests, by the server that answered", answered)
    return answered


@then(
    parsers.parse(
        "{count:d} application servers at least have answered, "
        "none of them less than half its share"
    )
)
def all_answered(https: Endpoint, answered_by: dict[str, int], count: int) -> None:
    share = sum(answered_by.values()) / count
    require(
        len(answered_by) >= count and min(answered_by.values()) >= share / 2,
        expected=f"{count} servers at least, each with {share / 2:g} requests or more",
        actual=listed([f"{address}: {number}" for address, number in sorted(answered_by.items())]),
        where=https,
        look=curl(https, "/", " -H 'X-Golive-Show: request'"),
    )


@then(
    parsers.parse(
        'every service on a host of the role "{role}" listens on the host\'s own address alone'
    )
)
def listens_on_own(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, role: str
) -> None:
    hosts = environment.role(role)
    if not hosts:
        raise Unproven(f"{environment.name} names no host of the role {role}", Whose.OURS)
    for name, host in hosts.items():
        found = [
            each
            for each in measurements.result(listeners)
            if each.directory.is_relative_to(host.root)
        ]
        if not found:
            raise Unproven(f"{name}: no process of it is seen to listen", Whose.OURS)
        evidence.add(name, [f"{each.program} on {each.address}:{each.port}" for each in found])
        strangers = [each for each in found if each.address != host.address]
        require(
            not strangers,
            expected=f"{host.address} alone",
            actual=listed([f"{s.program} on {s.address}:{s.port}" for s in strangers]),
            where=name,
            look="ss -ltnp",
        )


@then(parsers.parse('of these a host of the role "{role}" reaches those that it may, and no other'))
def reaches(
    environment: Environment, evidence: EvidenceLog, role: str, datatable: list[list[str]]
) -> None:
    sockets: dict[tuple[str, int], str] = {}  # what it is, by address and port
    allowed: dict[str, set[tuple[str, int]]] = {}  # where each that it may reach can be
    for other, port, service, may in datatable[1:]:
        for machine in machines(environment, other):
            its = {(address, int(port)) for address in addresses(machine)}
            what = f"{service} of {machine.name}"
            _require_answer(what, its)
            sockets |= dict.fromkeys(its, what)
            if may == "yes":
                allowed[what] = its
    for machine in machines(environment, role):
        seen = reach(machine, frozenset(sockets))
        found = {sockets[each] for each in seen.open}
        evidence.add(f"tried from {seen.name}", [f"{a}:{p}" for a, p in sorted(seen.tried)])
        evidence.add(f"reached from {seen.name}", [f"{a}:{p}" for a, p in sorted(seen.open)])
        require(
            found == allowed.keys(),
            expected=listed(sorted(allowed)),
            actual=listed([f"{sockets[a, p]} at {a}:{p}" for a, p in sorted(seen.open)]),
            where=f"connections from {machine.name}",
            look="timeout 3 bash -c '</dev/tcp/ADDRESS/PORT' there",
        )


def _require_answer(what: str, sockets: set[tuple[str, int]]) -> None:
    """Or silence would say nothing: this machine has an address in every network."""
    for address, port in sockets:
        with suppress(OSError), socket.create_connection((address, port), TIMEOUT_S):
            return
    raise Unproven(f"{what} answers at none of its addresses", Whose.TARGET)


@then("none of these ports answers at the site's address")
def no_port_answers(
    https: Endpoint, pace: Pace, evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    # Or the site is not there at all, and silence would say nothing.
    connect(https).close()
    for port, service in datatable[1:]:
        endpoint = Endpoint(https.address, int(port), https.name, source=https.source)
        pace.wait()
        try:
            connect(endpoint, timeout_s=2).close()
        except Unproven as unproven:
            evidence.add(f"{port} ({service})", unproven.reason)
            if unproven.whose is Whose.OURS:
                raise
            continue
        require(
            False,
            expected=f"no connection: {service} is not for the public",
            actual="connected",
            where=endpoint,
            look=f"nc -vz {https.address} {port}",
        )


@then("an answer of the site carries one of")
def carries_marker(
    environment: Environment,
    https: Endpoint,
    pace: Pace,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    pace.wait()
    response = ask(https, Sent.of(environment.requests[ResponseKind.PAGE]))
    found = {name: values for name in column(datatable) if (values := response.values(name))}
    evidence.add("marks of the CDN", found)
    require(
        bool(found),
        expected=f"a header of the CDN: {' or '.join(column(datatable))}",
        actual=listed(sorted({name for name, _ in response.headers})),
        where=f"{response.url} at {https.address}",
        look=curl(https, "/"),
    )


@then("the edge's own address does not serve the site to this machine")
def origin_refuses(
    environment: Environment, https: Endpoint, pace: Pace, evidence: EvidenceLog
) -> None:
    path = environment.requests[ResponseKind.PAGE].path
    for name, host in environment.role("edge").items():
        if host.address is None or not ip_address(host.address).is_global:
            raise NotRun(
                f"{name}: what a stranger reaches is the edge's public address, and "
                f"{environment.name} does not give it (hosts, {name}, address)"
            )
        pace.wait()
        try:
            answer = request(Endpoint(host.address, 443, https.name, https.roots), path)
        except Unproven as unproven:
            evidence.add(host.address, unproven.reason)
            if unproven.whose is Whose.OURS:
                raise
            continue
        evidence.add(host.address, answer.status)
        require(
            answer.status != _OK,
            expected="no answer, or a refusal: this machine is not the CDN",
            actual=answer.status,
            where=f"{https.name} at {host.address}",
            look=f"curl -si --connect-to ::{host.address}:443 https://{https.name}{path}",
        )
