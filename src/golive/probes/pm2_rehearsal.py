"""Rehearse what PM2 does with its settings, in a PM2 of our own beside the one that runs.

The same node and pm2, and the settings that the running daemon has for the application; but a
small script instead of the application (pm2_worker.js), less delay between restarts, and a
smaller limit of memory. So nothing that serves anybody is disturbed.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.probes.pm2 import Daemon, Value, Worker

_WORKER = Path(__file__).with_name("pm2_worker.js")
_RELOAD = Path(__file__).with_name("pm2_reload.js")
# The kernel ends a process with us, however we end (setpriv is of util-linux).
_GUARD = ("setpriv", "--pdeathsig", "TERM", "--")
_WITHIN_S = 60.0  # for each thing awaited: only a machine that is too busy needs so long
_POLL_S = 0.02
_ANSWERS_WITHIN_S = 10.0
_READY_AFTER_MS = 1000
_WATCH_MS = 1000  # how often PM2 looks at the memory; every 30 s by default
# PM2's own, where none is set.
_MIN_UPTIME_MS = 1000
_MAX_RESTARTS = 16
_LEAST_UPTIME_MS = 100  # PM2 refuses a min_uptime under it
# In PM2's log. Its status says `errored` too, but `online` again once listen_timeout has passed.
_GIVEN_UP = re.compile(r"had too many unstable restarts \((\d+)\)")
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
        return max(_LEAST_UPTIME_MS, self.delay_ms(worker) + _for_a_start_ms(worker))


@dataclass(frozen=True)
class Crashes:
    """A process that crashes at once, each time.

    It was started so often; PM2 gave it up when it had counted `given_up` crashes, each soon
    after a start (None: it did not). `pauses_ms` lie between an end and the next start;
    `delay_ms` is the pause that was to be kept.
    """

    starts: int
    given_up: int | None
    pauses_ms: tuple[int, ...]
    delay_ms: int


@dataclass(frozen=True)
class Replacement:
    """A worker that was replaced while it was asked all the time, or was not (`new` is None).

    `lost` are the reasons why requests were not answered, of `asked` in all. The times, in ms
    of one clock, are those at which the new worker said that it was ready, and the old one was
    told to stop.
    """

    old: int
    new: int | None
    asked: int
    lost: tuple[str, ...]
    ready_ms: int | None
    told_to_stop_ms: int | None


@dataclass(frozen=True)
class Held:
    """A request in flight when its worker was told to stop, and that then needed so long."""

    needs_ms: int
    answered: bool


@dataclass(frozen=True)
class Rehearsed:
    """What was seen."""

    crashes: Crashes
    reload: Replacement
    held: tuple[Held, ...]
    growth: Replacement


@dataclass(frozen=True)
class _Pm2:
    """A PM2 of our own that runs; `ports` by the name of its applications."""

    directory: Path
    program: str
    pm2: str
    address: str
    ports: dict[str, int]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(self.program).parent}:{os.defpath}",
            "HOME": str(self.directory),
            "PM2_HOME": str(self.directory / "pm2"),
            "PM2_WORKER_INTERVAL": str(_WATCH_MS),
        }

    @property
    def socket(self) -> str:
        return str(self.directory / "pm2/rpc.sock")

    @property
    def said(self) -> str:
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


def rehearse(
    daemon: Daemon,
    worker: Worker,
    address: str,
    directory: str,
    scale: Scale,
    held_ms: tuple[int, ...],
) -> Rehearsed:
    """See what becomes of a crash, a reload and a worker that grows, with `worker`'s settings.

    At the reload requests are in flight that need `held_ms` from the order to stop. The
    applications listen on `address`, on free ports; what is written is removed from `directory`.
    Raises Unproven.
    """
    with _running(daemon, worker, address, directory, scale) as pm2:
        pm2.until(
            "ready", lambda: all(pm2.events(name, "ready") for name in ("reloaded", "growing"))
        )
        reload, held = _reload(pm2, held_ms)
        limited = worker.setting("max_memory_restart") is not None
        growth = _grow(pm2, scale.memory_mb, limited=limited)
        crashes = _crashes(pm2, worker, scale)
    return Rehearsed(crashes, reload, held, growth)


@contextmanager
def _running(
    daemon: Daemon, worker: Worker, address: str, directory: str, scale: Scale
) -> Iterator[_Pm2]:
    names = ("crashing", "reloaded", "growing")
    try:
        program = os.readlink(daemon.program)  # noqa: PTH115 (a link of /proc, to be read only)
        ports = dict(zip(names, _free_ports(address, len(names)), strict=True))
    except OSError as error:
        raise Unproven(f"rehearsal of PM2: {error}", Whose.OURS) from error
    # A Unix socket is in it, whose path has 107 bytes at most.
    with tempfile.TemporaryDirectory(
        prefix="pm2-", dir=directory, ignore_cleanup_errors=True
    ) as place:
        pm2 = _Pm2(Path(place), program, daemon.pm2, address, ports)
        apps = [_application(pm2, name, worker, scale) for name in names]
        (pm2.directory / "apps.json").write_text(json.dumps({"apps": apps}))
        with (pm2.directory / "log").open("w") as log:
            process = subprocess.Popen(
                [*_GUARD, program, pm2.pm2, "start", "apps.json", "--no-daemon"],
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


def _end(pm2: _Pm2, process: "subprocess.Popen[bytes]") -> None:
    """Return when nothing of it is left: PM2 does not wait for its workers."""
    process.terminate()
    try:
        process.wait(_WITHIN_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    pm2.until("ended", lambda: not any(map(_alive, pm2.workers())))


def _application(pm2: _Pm2, name: str, worker: Worker, scale: Scale) -> dict[str, object]:
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


def _reload(pm2: _Pm2, held_ms: tuple[int, ...]) -> tuple[Replacement, tuple[Held, ...]]:
    """Reload with requests in flight."""
    name = "reloaded"
    with ExitStack() as opened:
        sent = {ms: opened.enter_context(_send(pm2, name, f"/hold?n={ms}")) for ms in held_ms}
        log = opened.enter_context((pm2.directory / "reload.log").open("w"))
        reload = subprocess.Popen(
            [*_GUARD, pm2.program, "-e", _RELOAD.read_text(), pm2.pm2, pm2.socket, name],
            env=pm2.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            seen = _replaced(pm2, name, lambda: reload.poll() is not None)
        finally:
            reload.kill()
            reload.wait()
        held = tuple(Held(ms, b"200 OK" in _received(each)) for ms, each in sent.items())
    return seen, held


def _grow(pm2: _Pm2, limit_mb: int, *, limited: bool) -> Replacement:
    """Make a worker grow over its limit. Without one, do not wait for what will not come."""
    pm2.ask("growing", f"/grow?n={limit_mb}")
    return _replaced(pm2, "growing", lambda: not limited)


def _replaced(pm2: _Pm2, name: str, over: Callable[[], bool]) -> Replacement:
    """Ask all the time until the worker has been replaced and is gone, or it is `over`."""
    (old,) = pm2.events(name, "started")
    asked = 0
    lost: list[str] = []

    def done() -> bool:
        nonlocal asked
        finished = over() or (_new(pm2, name, old) is not None and not _alive(old))
        asked += 1
        try:
            pm2.ask(name, "/pid")
        except (OSError, http.client.HTTPException) as error:
            lost.append(f"{type(error).__name__}: {error}")
        return finished

    pm2.until(f"{name} replaced", done)
    new = _new(pm2, name, old)
    return Replacement(
        old=old,
        new=new,
        asked=asked,
        lost=tuple(lost),
        ready_ms=None if new is None else pm2.events(name, "ready").get(new),
        told_to_stop_ms=pm2.events(name, "told to stop").get(old),
    )


def _new(pm2: _Pm2, name: str, old: int) -> int | None:
    return next((pid for pid in pm2.events(name, "started") if pid != old), None)


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _crashes(pm2: _Pm2, worker: Worker, scale: Scale) -> Crashes:
    """Wait until PM2 has given up, or has started it oftener than it was told to."""
    restarts = int(worker.setting("max_restarts") or _MAX_RESTARTS)

    def decided() -> bool:
        too_often = len(pm2.events("crashing", "started")) > restarts + 2
        return too_often or _GIVEN_UP.search(pm2.said) is not None

    pm2.until("given up, nor started too often", decided)
    given_up = _GIVEN_UP.search(pm2.said)
    started = list(pm2.events("crashing", "started").values())
    ended = list(pm2.events("crashing", "ended").values())
    pauses = tuple(start - end for end, start in zip(ended, started[1:], strict=False))
    delay_ms = scale.delay_ms(worker)
    if not given_up and _for_a_start_ms(worker) > 0:
        raise Unproven(
            f"rehearsal of PM2: a start took {max(pauses) - delay_ms} ms: this machine is too "
            "busy to tell whether PM2 gives up",
            Whose.OURS,
        )
    return Crashes(len(started), int(given_up[1]) if given_up else None, pauses, delay_ms)


def _restart_delay_ms(worker: Worker) -> int:
    return int(worker.setting("restart_delay") or 0)


def _for_a_start_ms(worker: Worker) -> int:
    """How long a start may take on average before PM2 stops counting crashes."""
    return int(worker.setting("min_uptime") or _MIN_UPTIME_MS) - _restart_delay_ms(worker)


def _send(pm2: _Pm2, name: str, path: str) -> socket.socket:
    connection = socket.create_connection((pm2.address, pm2.ports[name]), _ANSWERS_WITHIN_S)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    return connection


def _received(connection: socket.socket) -> bytes:
    """What came before the end of the connection, however it ended."""
    received = b""
    try:
        while part := connection.recv(4096):
            received += part
    except OSError:
        pass
    return received
