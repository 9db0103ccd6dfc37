"""What a running PM2 says of itself and of its workers, and what /proc says of those.

Asked over the daemon's own socket: `pm2 jlist` would start a daemon where none runs.
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from golive.machine import Machine
from golive.outcome import Unproven, Whose

_ASK = Path(__file__).with_suffix(".js")
_VARIABLES = ("NODE_ENV", "PORT")

Value = str | int | bool | None


@dataclass(frozen=True)
class Worker:
    """One process under PM2.

    `settings` are PM2's, by the names of its configuration file, as the daemon has them now
    (times in ms, memory in bytes); `variables` those of NODE_ENV and PORT that the process was
    started with; `logs` the log files that it has open. Both are empty of one that has ended.
    """

    pid: int
    name: str
    script: str
    mode: str
    status: str
    node: str | None
    out_file: str
    error_file: str
    settings: tuple[tuple[str, Value], ...]
    variables: tuple[tuple[str, str], ...]
    logs: tuple[str, ...]

    def setting(self, name: str) -> Value:
        """A setting of PM2; None where the daemon has none, and so uses its own default."""
        return dict(self.settings).get(name)

    def variable(self, name: str) -> str | None:
        """An environment variable that the process was started with; None without it."""
        return dict(self.variables).get(name)


@dataclass(frozen=True)
class Daemon:
    """A running PM2. `version` is its own, `node` that of the Node.js that runs it.

    `program` is its node (a link of /proc: what runs, even if the file was replaced since),
    `pm2` the program with which it is spoken to.
    """

    pid: int
    version: str
    node: str
    program: str
    pm2: str
    workers: tuple[Worker, ...]

    def named(self, name: str) -> tuple[Worker, ...]:
        """The workers of an application. Raises Unproven where there is none."""
        found = tuple(worker for worker in self.workers if worker.name == name)
        if not found:
            names = ", ".join(sorted({worker.name for worker in self.workers})) or "nothing"
            raise Unproven(f"PM2 (process {self.pid}) runs {names}, no {name}", Whose.TARGET)
        return found


def inspect(machine: Machine, home: str) -> Daemon:
    """The PM2 daemon whose PM2_HOME is `home` on `machine`, and its workers.

    Raises Unproven where none runs or it does not answer, NotRun where nobody can look inside.
    """
    pid = machine.read(f"{home}/pm2.pid").strip()
    if not pid.isdecimal():
        raise Unproven(f"{machine.name}: {home}/pm2.pid holds {pid[:40]!r}", Whose.TARGET)
    program = f"/proc/{pid}/exe"
    binary = PurePosixPath(machine.run("readlink %s", program).strip())
    words = machine.run("tr '\\0' '\\n' <%s", f"/proc/{pid}/cmdline").splitlines()
    # A daemon that has left the terminal calls itself "PM2 v5.3.0: God Daemon (...)": npm puts
    # the pm2 of a global installation beside its node.
    beside = str(binary.parent / "pm2")
    pm2 = next((word for word in words if word.endswith("/bin/pm2")), beside)
    socket = machine.path(f"{home}/rpc.sock")
    found = _ask(machine, program, pm2, socket)
    try:
        return Daemon(
            pid=int(pid),
            version=found["version"],
            node=found["node"],
            program=program,
            pm2=pm2,
            workers=tuple(_worker(each) for each in found["workers"]),
        )
    except (KeyError, TypeError) as error:
        raise Unproven(
            f"{machine.name}: PM2 does not answer as 5.3.0 does: {error!r}", Whose.TARGET
        ) from error


def _ask(machine: Machine, program: str, pm2: str, socket: str) -> Any:  # noqa: ANN401 (JSON)
    # In a clean environment: NODE_OPTIONS would load into this process what the workers have.
    said = machine.run(
        "env -i %s -e %s %s %s " + " ".join(_VARIABLES), program, _ASK.read_text(), pm2, socket
    )
    try:
        return json.loads(said)
    except ValueError:
        raise Unproven(f"{machine.name}: PM2 answers {said[:200]!r}", Whose.TARGET) from None


def _worker(found: Any) -> Worker:  # noqa: ANN401 (JSON)
    settings = found["settings"]
    return Worker(
        pid=found["pid"],
        name=settings["name"],
        script=settings["pm_exec_path"],
        mode=settings["exec_mode"],
        status=settings["status"],
        node=settings.get("node_version"),
        out_file=settings["pm_out_log_path"],
        error_file=settings["pm_err_log_path"],
        settings=tuple(sorted(settings.items())),
        variables=tuple((name, str(value)) for name, value in found["environment"].items()),
        logs=tuple(found["logs"]),
    )
