"""Run golive as its users do, and look for what a replica leaves behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import psutil

from golive.replica import control
from golive.replica.state import CREDENTIALS, State
from golive.replica.subnet import Subnet, in_use

ROOT = Path(__file__).parents[2]
STACK = ROOT / "environments/stack"
GOLIVE = (sys.executable, "-m", "golive.cli")

WITHIN_S = 300  # never the reason of a failure on a machine that is merely slow
_POLL_S = 0.05

T = TypeVar("T")


def free_number() -> int:
    """A subnet that nobody uses nor will: beyond those that `golive up` takes by itself.

    Of tests that run beside one another in N processes each has every Nth one.
    """
    first = 201 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    step = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    taken = {each.number for each in control.running()}
    return next(n for n in range(first, 255, step) if n not in taken and not in_use(n))


def copy_of_stack(target: Path) -> Path:
    """A copy that is like no other: nobody's gate takes its replica for one of the original."""
    shutil.copytree(STACK, target, ignore=shutil.ignore_patterns("node_modules"))
    with (target / "nginx/nginx.conf").open("a") as file:
        file.write(f"# {target}\n")
    return target


def golive(
    *arguments: object, prefix: tuple[str, ...] = (), **options: object
) -> subprocess.CompletedProcess[str]:
    """Run golive to its end."""
    return subprocess.run(  # type: ignore[call-overload]
        [*prefix, *GOLIVE, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
        **options,
    )


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Golive at work; it is gone after the block."""
    with subprocess.Popen(
        [*GOLIVE, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def awaited(what: str, find: Callable[[], T | None], run: subprocess.Popen[str] | None = None) -> T:
    """What `find` returns as soon as it is true.

    AssertionError after five minutes, or when the `run` that should bring it about has ended.
    """
    until = time.monotonic() + WITHIN_S
    while not (found := find()):
        assert time.monotonic() < until, f"{what}: not within {WITHIN_S} s"
        assert run is None or run.poll() is None, f"{what}: the run ended:\n{run.stdout.read()}"
        time.sleep(_POLL_S)
    return found


@dataclass(frozen=True)
class Replica:
    """A replica of a user, seen from outside."""

    number: int
    user: int = os.getuid()

    @property
    def directory(self) -> Path:
        return Path(f"/tmp/golive-{self.user}/{self.number}")

    @cached_property
    def subnet(self) -> Subnet:
        return self.state.subnet

    @property
    def state(self) -> State:
        return State.read(self.directory)

    @cached_property
    def secrets(self) -> dict[str, str]:
        return dict(json.loads((self.directory / CREDENTIALS).read_text()))

    def process(self, server: str) -> psutil.Process:
        return next(psutil.Process(each.pid) for each in self.state.servers if each.name == server)

    @property
    def keeper(self) -> psutil.Process:
        return psutil.Process(self.state.keeper)

    @property
    def sentinel(self) -> psutil.Process:
        parent = self.keeper.parent()
        assert parent is not None
        return parent

    def started(self) -> "Replica":
        """Wait until its servers' processes run; they are hardly ready."""
        awaited("servers", lambda: (self.directory / "replica.json").exists() and self._servers())
        return self

    def _servers(self) -> bool:
        try:
            return bool(self.state.servers)
        except FileNotFoundError:
            return False

    def await_nothing(self) -> None:
        """Wait until no process and no listening socket of it is left."""
        try:
            awaited("no process left", lambda: not self.remains())
        except AssertionError as error:
            raise AssertionError("\n".join(self.remains())) from error

    def remains(self) -> list[str]:
        """Its processes and its listening sockets."""
        return [*self.processes(), *self.sockets()]

    def processes(self) -> list[str]:
        """Every process that has its directory in its own, its command or its environment."""
        left = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE and process.ppid() != os.getpid():
                    continue  # of a machine whose init waits for nobody
                seen = [process.cwd(), *process.cmdline(), *process.environ().values()]
            except (psutil.Error, ProcessLookupError):
                continue
            if any(self._names(text) for text in seen):
                left.append(f"{process.pid} {' '.join(process.cmdline())}")
        return left

    def sockets(self) -> list[str]:
        """Every socket that listens on its subnet."""
        return [
            f"{each.laddr.ip}:{each.laddr.port} of process {each.pid}"
            for each in psutil.net_connections("tcp4")
            if each.status == psutil.CONN_LISTEN
            and each.laddr
            and each.laddr.ip.startswith(f"127.{self.number}.")
        ]

    def _names(self, text: str) -> bool:
        return re.search(rf"(^|[ =]){re.escape(str(self.directory))}([/ ]|$)", text) is not None


def signalled(process: psutil.Process | subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal, where there is still somebody to get it."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
