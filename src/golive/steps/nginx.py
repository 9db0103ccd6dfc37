"""Judge how nginx runs on the edge, and what its workers have loaded."""

import json
import secrets
import time
from collections.abc import Set as AbstractSet
from concurrent.futures import Future

import pytest
from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, Kind
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.http import request
from golive.probes.keep_alive import idle_s
from golive.probes.nginx import Nginx, Worker, loaded
from golive.probes.nginx_configuration import (
    Args,
    Block,
    answering,
    listens_with_tls,
    location,
    seconds,
    virtual_hosts,
)
from golive.steps.expectation import column, listed, require
from golive.steps.site import site

Table = list[list[str]]

_IDLE_AT_MOST_S = 70.0
_LOGGED_WITHIN_S = 2.0
_POLL_S = 0.02


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
    slow: bool,
) -> None:
    """Leave a connection idle first: that takes more than a minute."""
    if slow and "NGX-07" in tags:
        _start_idle(measurements, environment, clients)


@pytest.fixture
def running(environment: Environment, measurements: Measurements) -> tuple[Nginx, ...]:
    """nginx on each host of the edge."""
    return tuple(measurements.result(loaded, each) for each in machines(environment, "edge"))


@then(parsers.parse('every worker of nginx runs as "{user}"'))
def workers_run_as(
    environment: Environment, running: tuple[Nginx, ...], evidence: EvidenceLog, user: str
) -> None:
    for nginx in running:
        evidence.add(f"workers of {nginx.host}", nginx.workers)
        if nginx.user != "root" and environment.kind is Kind.REPLICA:
            raise NotRun(f"golive runs as {nginx.user}: nginx cannot take another user's rights")
        for worker in nginx.workers:
            _require_worker(nginx, worker, worker.user == user, user, worker.user)


@then("nginx has one worker for each CPU")
def worker_for_each_cpu(running: tuple[Nginx, ...], evidence: EvidenceLog) -> None:
    for nginx in running:
        evidence.add(f"workers and CPUs of {nginx.host}", [len(nginx.workers), nginx.cpus])
        require(
            len(nginx.workers) == nginx.cpus,
            expected=f"{nginx.cpus} workers, one for each CPU that is online",
            actual=len(nginx.workers),
            where=nginx.host,
            look=f"ps --ppid {nginx.master}; getconf _NPROCESSORS_ONLN",
        )


@then(parsers.parse("each worker of nginx may have {connections:d} connections"))
def connections_are(running: tuple[Nginx, ...], evidence: EvidenceLog, connections: int) -> None:
    for nginx in running:
        seen = _connections(nginx)
        evidence.add(f"worker_connections of {nginx.host}", seen)
        require(
            seen == connections,
            expected=f"worker_connections {connections}",
            actual=seen,
            where=nginx.host,
            look=f"{nginx.look} | grep worker_connections",
        )


@then(parsers.parse("each worker of nginx may open {files:d} files for each of its connections"))
def open_files_allow(running: tuple[Nginx, ...], evidence: EvidenceLog, files: int) -> None:
    for nginx in running:
        needed = files * _connections(nginx)
        for worker in nginx.workers:
            evidence.add(f"open files of worker {worker.pid}", worker.open_files)
            enough = worker.open_files is None or worker.open_files >= needed
            _require_worker(
                nginx,
                worker,
                enough,
                f"{needed} open files at least, for {_connections(nginx)} connections",
                worker.open_files,
            )


@then("every worker of nginx waits for events with epoll")
def workers_wait_with_epoll(running: tuple[Nginx, ...], evidence: EvidenceLog) -> None:
    for nginx in running:
        evidence.add(f"workers of {nginx.host}", nginx.workers)
        for worker in nginx.workers:
            _require_worker(nginx, worker, worker.epoll, "an epoll descriptor", "none")


@then(parsers.parse('nginx has loaded "{name} {value}" for its events'))
def events_are(running: tuple[Nginx, ...], evidence: EvidenceLog, name: str, value: str) -> None:
    for nginx in running:
        (events,) = nginx.configuration.blocks("events")
        _require_loaded(nginx, events, name, (value,), evidence)


@then("nginx has loaded these, wherever it answers")
def loaded_wherever(running: tuple[Nginx, ...], evidence: EvidenceLog, datatable: Table) -> None:
    for nginx in running:
        for name, value in datatable:
            for place in answering(nginx.configuration):
                _require_loaded(nginx, place, name, tuple(value.split()), evidence)


@then(parsers.parse("nginx has loaded exactly these {name}, wherever it answers"))
def loaded_exactly(
    running: tuple[Nginx, ...], evidence: EvidenceLog, datatable: Table, name: str
) -> None:
    for nginx in running:
        for place in answering(nginx.configuration):
            seen = {value for args in place.effective(name) for value in args}
            evidence.add(f"{name} in {place} ({place.where})", sorted(seen))
            _require_same(nginx, place, name, set(column(datatable)), seen)


@then(parsers.parse("nginx has loaded a {name} of {expected:d} s, wherever it answers"))
def time_wherever(
    running: tuple[Nginx, ...], evidence: EvidenceLog, name: str, expected: int
) -> None:
    for nginx in running:
        for place in answering(nginx.configuration):
            _require_time(nginx, place, name, expected, evidence)


@then(parsers.parse('nginx has loaded a {name} of {expected:d} s at "{path}"'))
def time_at(
    environment: Environment,
    running: tuple[Nginx, ...],
    evidence: EvidenceLog,
    name: str,
    expected: int,
    path: str,
) -> None:
    for nginx in running:
        place = location(nginx.configuration, environment.site.name, path)
        _require_time(nginx, place, name, expected, evidence)


@then(parsers.parse('nginx has loaded a {name} for "{condition}" at "{path}"'))
def condition_at(
    environment: Environment,
    running: tuple[Nginx, ...],
    evidence: EvidenceLog,
    name: str,
    condition: str,
    path: str,
) -> None:
    for nginx in running:
        place = location(nginx.configuration, environment.site.name, path)
        seen = [value for args in place.effective(name) for value in args]
        evidence.add(f"{name} in {place} ({place.where})", seen)
        require(
            condition in seen,
            expected=f"{name} {condition}",
            actual=f"{name} {listed(seen)}",
            where=f"{place} ({place.where}) on {nginx.host}",
            look=f"{nginx.look} | grep {name}",
        )


@then("every TLS virtual host that nginx has loaded enables exactly")
def protocols_enabled(running: tuple[Nginx, ...], evidence: EvidenceLog, datatable: Table) -> None:
    for nginx in running:
        hosts = [each for each in virtual_hosts(nginx.configuration) if listens_with_tls(each)]
        if not hosts:
            raise Unproven(f"{nginx.host}: nginx has no TLS virtual host", Whose.TARGET)
        for place in hosts:
            seen = {value for args in place.effective("ssl_protocols") for value in args}
            evidence.add(f"ssl_protocols of {place.where}", sorted(seen))
            _require_same(nginx, place, "ssl_protocols", set(column(datatable)), seen)


@when("a client leaves its connection idle", target_fixture="idle")
def leave_idle(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    evidence: EvidenceLog,
) -> float | None:
    seen = _start_idle(measurements, environment, clients).result()
    evidence.add("seconds from an answer until the idle connection was closed", seen)
    return seen


@then(parsers.parse("the connection is closed after {least:d} s at least and {most:d} s at most"))
def closed_after(edge: Endpoint, idle: float | None, least: int, most: int) -> None:
    require(
        idle is not None and least <= idle <= most,
        expected=f"closed after {least} to {most} s",
        actual=f"open after {_IDLE_AT_MOST_S:.0f} s" if idle is None else f"after {idle:.1f} s",
        where=edge,
        look=f"openssl s_client -connect {edge.address}:{edge.port} -servername {edge.name}, "
        "send one request, and wait",
    )


@when("a page is asked for with a token in its query", target_fixture="asked")
def ask_with_token(https: Endpoint, pace: Pace) -> tuple[str, str]:
    path, token = f"/golive-{secrets.token_hex(8)}", secrets.token_hex(16)
    pace.wait()
    request(https, f"{path}?token={token}")
    return path, token


@then("the access log has the page and not the token")
def not_logged(
    environment: Environment,
    running: tuple[Nginx, ...],
    asked: tuple[str, str],
    evidence: EvidenceLog,
) -> None:
    path, token = asked
    lines = _logged(environment, running, path)
    evidence.add("lines of the access log", [line.replace(token, "(token)") for line in lines])
    require(
        not any(token in line for line in lines),
        expected="the path without its query",
        actual=json.dumps([line.replace(token, "(token)") for line in lines]),
        where="the access log of the edge",
        look="grep token= /var/log/nginx/access.log",
    )


def _logged(environment: Environment, running: tuple[Nginx, ...], text: str) -> list[str]:
    """The lines that have `text`; they are written once the request is over, so wait for one."""
    deadline = time.monotonic() + _LOGGED_WITHIN_S
    while True:
        lines = [
            line
            for machine, nginx in zip(machines(environment, "edge"), running, strict=True)
            for file in _access_logs(nginx)
            for line in machine.run("tail -n 1000 -- %s", file).splitlines()
            if text in line
        ]
        if lines:
            return lines
        if time.monotonic() > deadline:
            raise Unproven(f"no line of the access log has {text}", Whose.TARGET)
        time.sleep(_POLL_S)


def _access_logs(nginx: Nginx) -> set[str]:
    logs = {
        args[0]
        for place in answering(nginx.configuration)
        for args in place.effective("access_log")
    }
    return logs - {"off"}


def _start_idle(
    measurements: Measurements, environment: Environment, clients: Clients
) -> Future[float | None]:
    source = clients.named("leaves its connection idle")
    endpoint = site(environment, environment.site.ports.https, source)
    return measurements.start(idle_s, endpoint, "/health", at_most_s=_IDLE_AT_MOST_S)


def _connections(nginx: Nginx) -> int:
    (events,) = nginx.configuration.blocks("events")
    values = events.values("worker_connections")
    return int(values[0][0]) if values else 512  # ngx_core_module's default


def _require_worker(
    nginx: Nginx, worker: Worker, holds: bool, expected: object, actual: object
) -> None:
    require(
        holds,
        expected=expected,
        actual=actual,
        where=f"worker {worker.pid} of nginx on {nginx.host}",
        look=f"ps -o user= -p {worker.pid}; cat /proc/{worker.pid}/limits; "
        f"ls -l /proc/{worker.pid}/fd",
    )


def _require_loaded(
    nginx: Nginx, place: Block, name: str, expected: Args, evidence: EvidenceLog
) -> None:
    seen = place.effective(name)
    evidence.add(f"{name} in {place} ({place.where})", seen)
    require(
        seen == (expected,),
        expected=f"{name} {' '.join(expected)}",
        actual=_said(name, seen),
        where=f"{place} ({place.where}) on {nginx.host}",
        look=f"{nginx.look} | grep {name}",
    )


def _require_same(
    nginx: Nginx, place: Block, name: str, expected: set[str], seen: set[str]
) -> None:
    require(
        seen == expected,
        expected=f"{name} {' '.join(sorted(expected))}",
        actual=_said(name, (tuple(sorted(seen)),) if seen else ()),
        where=f"{place} ({place.where}) on {nginx.host}",
        look=f"{nginx.look} | grep {name}",
    )


def _require_time(
    nginx: Nginx, place: Block, name: str, expected: int, evidence: EvidenceLog
) -> None:
    seen = place.effective(name)
    evidence.add(f"{name} in {place} ({place.where})", seen)
    require(
        len(seen) == 1 and seconds(seen[0][0]) == expected,
        expected=f"{name} {expected}",
        actual=_said(name, seen),
        where=f"{place} ({place.where}) on {nginx.host}",
        look=f"{nginx.look} | grep {name}",
    )


def _said(name: str, seen: tuple[Args, ...]) -> str:
    said = "; ".join(f"{name} {' '.join(args)}" for args in seen)
    return said or f"{name} is not set: nginx's own default"
