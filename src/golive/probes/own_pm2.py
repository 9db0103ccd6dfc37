"""A PM2 of our own beside the one that runs, to rehearse with: it and all it starts end with us.

The same node and pm2, and the settings that the running daemon has for the application; but a
small script instead of the application (pm2_worker.js), less delay between restarts, and a
smaller limit of memory. So nothing that serves anybody is disturbed.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.probes.pm2 import Daemon, Value, Worker

NAMES = ("crashing", "reloaded", "growing")
# The kernel ends a process with us, however we end (setpriv is of util-linux).
GUARD = ("setpriv", "--pdeathsig", "TERM", "--")

_WORKER = Path(__file__).with_name("pm2_worker.js")
_WITHIN_S = 60.0  # for each thing awaited: only a machine that is too busy needs so long
_POLL_S = 0.02
_ANSWERS_WITHIN_S = 10.0
_READY_AFTER_MS = 1000
_WATCH_MS = 1000  # how often PM2 looks at the memory; every 30 s by default
_MIN_UPTIME_MS = 1000  # PM2's own, where none is set
_LEAST_UPTIME_MS = 100  # PM2 refuses a min_uptime under it
_KEPT = (
    "max_restarts",
    "wait_ready",
    "listen_timeout",
    "kill_timeout",
)


@dataclass(frozen=True)
class Scale:
    """What differs from the running PM2: restart_delay is divided, memory (MiB) so limited.

    min_uptime is shortened by as much as restart_delay is: PM2 gives up if ten crashes come
    within ten times min_uptime, that is if restart_delay and a start take less than min_uptime.
    So a start has exactly the time that it has in truth.
    """

    delays: int
    memory_mb: int

    def delay_ms(self, worker: Worker) -> int:
        """The restart_delay to rehearse with."""
        return _restart_delay_ms(worker) // self.delays

    def min_uptime_ms(self, worker: Worker) -> int:
        """The min_uptime to rehearse with."""
        return max(_LEAST_UPTIME_MS, self.delay_ms(worker) + for_a_start_ms(worker))


@dataclass(frozen=True)
class OwnPm2:
    """A PM2 of our own that runs; `ports` by the name of its applications."""

    directory: Path
    program: str
    pm2: str
    address: str
    ports: dict[str, int]

    @property
    def environment(self) -> dict[str, str]:
        """What it, and whoever speaks to it, is started with."""
        return {
            "PATH": f"{Path(self.program).parent}:{os.defpath}",
            "HOME": str(self.directory),
            "PM2_HOME": str(self.directory / "pm2"),
            "PM2_WORKER_INTERVAL": str(_WATCH_MS),
        }

    @property
    def rpc(self) -> str:
        """The socket over which it is spoken to."""
        return str(self.directory / "pm2/rpc.sock")

    @property
    def said(self) -> str:
        """Its log so far."""
        return (self.directory / "log").read_text(errors="replace")

    def events(self, name: str, event: str) -> dict[int, int]:
        """The time (ms) of an event, by worker, in order."""
        file = self.directory / f"{name}.events"
        lines = map(json.loads, file.read_text().splitlines() if file.exists() else ())
        return {each["pid"]: each["ms"] for each in lines if each["event"] == event}

    def workers(self) -> set[int]:
        """Every process that its applications had."""
        return {pid for name in self.ports for pid in self.events(name, "started")}

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Return once it holds. Raises Unproven where that takes too long."""
        deadline = time.monotonic() + _WITHIN_S
        while not holds():
            if time.monotonic() > deadline:
                last = "\n".join(self.said.splitlines()[-5:])
                raise Unproven(
                    f"rehearsal of PM2: not {what} within {_WITHIN_S:g} s; it says:\n{last}",
                    Whose.OURS,
                )
            time.sleep(_POLL_S)

    def ask(self, name: str, path: str) -> str:
        """An application's answer. Raises OSError, http.client.HTTPException."""
        connection = http.client.HTTPConnection(
            self.address, self.ports[name], timeout=_ANSWERS_WITHIN_S
        )
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def send(self, name: str, path: str) -> socket.socket:
        """A connection over which a request was sent, to be answered. Raises OSError."""
        connection = socket.create_connection((self.address, self.ports[name]), _ANSWERS_WITHIN_S)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        return connection


@contextmanager
def running(
    daemon: Daemon, worker: Worker, address: str, directory: str, scale: Scale
) -> Iterator[OwnPm2]:
    """While it runs, with an application of each of NAMES; all is gone afterwards."""
    try:
        program = os.readlink(daemon.program)  # noqa: PTH115 (a link of /proc, to be read only)
        ports = dict(zip(NAMES, _free_ports(address, len(NAMES)), strict=True))
    except OSError as error:
        raise Unproven(f"rehearsal of PM2: {error}", Whose.OURS) from error
    # A Unix socket is in it, whose path has 107 bytes at most.
    with tempfile.TemporaryDirectory(
        prefix="pm2-", dir=directory, ignore_cleanup_errors=True
    ) as place:
        pm2 = OwnPm2(Path(place), program, daemon.pm2, address, ports)
        apps = [_application(pm2, name, worker, scale) for name in NAMES]
        (pm2.directory / "apps.json").write_text(json.dumps({"apps": apps}))
        with (pm2.directory / "log").open("w") as log:
            process = subprocess.Popen(
                [*GUARD, program, pm2.pm2, "start", "apps.json", "--no-daemon"],
                cwd=place,
                env=pm2.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield pm2
        finally:
            _end(pm2, process)


def _end(pm2: OwnPm2, process: "subprocess.Popen[bytes]") -> None:
    """Return when nothing of it is left: PM2 does not wait for its workers."""
    process.terminate()
    try:
        process.wait(_WITHIN_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    pm2.until("ended", lambda: not any(map(alive, pm2.workers())))


def _application(pm2: OwnPm2, name: str, worker: Worker, scale: Scale) -> dict[str, object]:
    settings: dict[str, Value] = {each: worker.setting(each) for each in _KEPT}
    if worker.setting("max_memory_restart") is not None:
        settings["max_memory_restart"] = f"{scale.memory_mb}M"
    return {
        **{each: value for each, value in settings.items() if value is not None},
        "name": name,
        "script": str(_WORKER),
        "cwd": str(pm2.directory),
        "restart_delay": scale.delay_ms(worker),
        "min_uptime": scale.min_uptime_ms(worker),
        "instances": 1,  # nobody else could answer for it
        "exec_mode": worker.mode.removesuffix("_mode"),
        "env": {
            "EVENTS": str(pm2.directory / f"{name}.events"),
            "ADDRESS": pm2.address,
            "PORT": pm2.ports[name],
            "READY_AFTER_MS": _READY_AFTER_MS,
            **({"CRASH": "at once"} if name == "crashing" else {}),
        },
    }


def _free_ports(address: str, count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((address, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def alive(pid: int) -> bool:
    """Whether a process has not ended yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _restart_delay_ms(worker: Worker) -> int:
    return int(worker.setting("restart_delay") or 0)


def for_a_start_ms(worker: Worker) -> int:
    """How long a start may take on average before PM2 stops counting crashes."""
    return int(worker.setting("min_uptime") or _MIN_UPTIME_MS) - _restart_delay_ms(worker)
