"""Judge PM2: its settings as the running daemon has them, and what it does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from pytest_bdd import parsers, then, when

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.pm2 import Daemon, Worker, inspect
from golive.probes.pm2_logs import Logged, last_lines, logged, status
from golive.probes.servers import cpus
from golive.steps.expectation import column, listed, require

NAME = "dashboard-velo-api"
_PORT = 3000
_OUT = "/var/log/dashboard-velo/out.log"
_ERROR = "/var/log/dashboard-velo/error.log"
_LOOK = "pm2 describe dashboard-velo-api"
_OK = 200


def daemons(environment: Environment, measurements: Measurements) -> dict[Machine, Daemon]:
    """PM2 on every application server; all are asked at the same time, once a session."""
    home = environment.pm2_home
    if home is None:
        raise NotRun(f"{environment.name} does not say where PM2_HOME is")
    asked = {each: measurements.start(inspect, each, home) for each in machines(environment, "app")}
    return {machine: future.result() for machine, future in asked.items()}


def _workers(
    environment: Environment, measurements: Measurements, name: str
) -> Iterator[tuple[Machine, Worker]]:
    for machine, daemon in daemons(environment, measurements).items():
        for worker in daemon.named(name):
            yield machine, worker


@then(parsers.parse('PM2 runs "{script}" as "{name}"'))
def runs(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    script: str,
    name: str,
) -> None:
    for machine, daemon in daemons(environment, measurements).items():
        seen = sorted({(worker.name, worker.script) for worker in daemon.workers})
        evidence.add(machine.name, seen)
        # deploy.sh makes its directory a link to the slot that is live.
        file = machine.run("realpath -m -- %s", machine.path(script)).strip()
        require(
            (name, file) in seen,
            expected=f"{name}: {file}",
            actual=", ".join(f"{each}: {its}" for each, its in seen) or "nothing runs",
            where=machine.name,
            look="pm2 list",
        )


@then(parsers.parse('"{name}" has as many workers online as the server has CPUs'))
def as_many_as_cpus(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, name: str
) -> None:
    for machine, daemon in daemons(environment, measurements).items():
        count = measurements.result(cpus, machine)
        online = [each.pid for each in daemon.named(name) if each.status == "online"]
        evidence.add(machine.name, {"CPUs": count, "workers online": online})
        require(
            len(online) == count,
            expected=f"{count} workers online",
            actual=f"{len(online)}, of {len(daemon.named(name))}",
            where=machine.name,
            look="nproc; pm2 list",
        )


@then(parsers.parse('each worker of "{name}" runs in "{mode}"'))
def mode_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    name: str,
    mode: str,
) -> None:
    for machine, worker in _workers(environment, measurements, name):
        evidence.add(f"{machine.name}, process {worker.pid}", worker.mode)
        _require_equal(worker.mode, mode, machine, worker)


@then(parsers.re(r'each worker of "(?P<name>[^"]+)" has (?P<setting>\w+) (?P<value>.+)'))
def setting_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    name: str,
    setting: str,
    value: str,
) -> None:
    for machine, worker in _workers(environment, measurements, name):
        seen = worker.setting(setting)
        evidence.add(f"{machine.name}, process {worker.pid}", {setting: seen})
        _require_equal(seen, json.loads(value), machine, worker)


@then(
    parsers.re(
        r'each worker of "(?P<name>[^"]+)" was started with (?P<variable>\w+) "(?P<value>.*)"'
    )
)
def variable_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    name: str,
    variable: str,
    value: str,
) -> None:
    for machine, worker in _workers(environment, measurements, name):
        seen = worker.variable(variable)
        evidence.add(f"{machine.name}, process {worker.pid}", {variable: seen})
        _require_equal(seen, value, machine, worker)


@then(parsers.parse("the application answers at port {port:d} of every application server"))
def answers_at(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, port: int
) -> None:
    asked = {
        each: measurements.start(status, each, port, "/health")
        for each in machines(environment, "app")
    }
    for machine, future in asked.items():
        evidence.add(machine.name, future.result())
        require(
            future.result() == _OK,
            expected=f"{_OK} from /health",
            actual=future.result(),
            where=f"{machine.name}, port {port}",
            look=f"curl -si http://{machine.host.address or machine.name}:{port}/health",
        )


@when("the application of every server is asked for something", target_fixture="lines")
def asked_for_something(
    environment: Environment, measurements: Measurements
) -> dict[Machine, Logged]:
    return _logged(environment, measurements, "/golive/{}", _OUT, "/golive/{}")


@when("the application of every server is made to answer 500", target_fixture="lines")
def made_to_fail(environment: Environment, measurements: Measurements) -> dict[Machine, Logged]:
    path = "/__replica/status?code=500"
    return _logged(environment, measurements, path, _ERROR, "/__replica/status")


def _logged(
    environment: Environment, measurements: Measurements, path: str, file: str, mark: str
) -> dict[Machine, Logged]:
    asked = {
        each: measurements.start(logged, each, _PORT, path, file, mark)
        for each in machines(environment, "app")
    }
    return {machine: future.result() for machine, future in asked.items()}


@then(parsers.parse('that stands in "{file}" of the server'))
def stands_in(lines: dict[Machine, Logged], evidence: EvidenceLog, file: str) -> None:
    for machine, seen in lines.items():
        evidence.add(machine.name, seen)
        require(
            seen.line is not None,
            expected=f"a line about {seen.path}",
            actual="none",
            where=f"{machine.path(file)} of {machine.name}",
            look=f"tail {machine.path(file)}",
        )


@then(parsers.parse('that line bears the time it happened, as "{form}"'), target_fixture="form")
def bears_its_time(lines: dict[Machine, Logged], evidence: EvidenceLog, form: str) -> str:
    for machine, seen in lines.items():
        if seen.line is None:
            raise Unproven(f"{machine.name}: {seen.path} is not in the log", Whose.TARGET)
        _require_dated(machine, seen.line, form)
        at = _date(seen.line, form)
        evidence.add(machine.name, seen.line[:40])
        require(
            at is not None and seen.before <= int(at.timestamp()) <= seen.after,
            expected=f"{_clock(seen.before)} to {_clock(seen.after)}",
            actual=at,
            where=f"the line about {seen.path} on {machine.name}",
            look="date; the time zone of the workers (TZ)",
        )
    return form


@then(parsers.parse('so does each of the last {count:d} lines of "{file}"'))
def all_dated(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    form: str,
    count: int,
    file: str,
) -> None:
    for machine in machines(environment, "app"):
        found = measurements.result(last_lines, machine, file, count)
        evidence.add(machine.name, f"{len(found)} lines")
        for line in found:
            _require_dated(machine, line, form)


@then(parsers.parse('every worker of "{name}" writes to these, and to no other log of its own'))
def logs_are_shared(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    name: str,
    datatable: list[list[str]],
) -> None:
    for machine, worker in _workers(environment, measurements, name):
        wanted = [machine.path(file) for file in column(datatable)]
        # Beside them each worker has inherited the daemon's own log.
        directory = wanted[0].rpartition("/")[0]
        seen = sorted({file for file in worker.logs if file.startswith(f"{directory}/")})
        evidence.add(f"{machine.name}, process {worker.pid}", worker.logs)
        require(
            seen == sorted(wanted) == sorted({worker.out_file, worker.error_file}),
            expected=listed(wanted),
            actual=f"open: {listed(seen)}; PM2's: {worker.out_file}, {worker.error_file}",
            where=f"process {worker.pid} on {machine.name}",
            look=f"ls -l /proc/{worker.pid}/fd; {_LOOK}",
        )


def _require_equal(seen: object, wanted: object, machine: Machine, worker: Worker) -> None:
    require(
        seen == wanted and type(seen) is type(wanted),
        expected=repr(wanted),
        actual="not set" if seen is None else repr(seen),
        where=f"process {worker.pid} ({worker.name}) on {machine.name}",
        look=_LOOK,
    )


def _require_dated(machine: Machine, line: str, form: str) -> None:
    require(
        _date(line, form) is not None,
        expected=f"a date as {form}, a colon, and the message",
        actual=line[:80],
        where=f"the log on {machine.name}",
        look="tail /var/log/dashboard-velo/out.log",
    )


def _date(line: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(line.partition(": ")[0], form)
    except ValueError:
        return None


def _clock(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%F %T} UTC"
