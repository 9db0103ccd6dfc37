"""Run Locust as a process of its own, and gather what it sees while it goes on.

It patches its interpreter (gevent) when it is imported, so it is never imported here. It ends with
us, however we end: it holds the other end of a pipe.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from golive.load.plan import VARIABLE, Plan
from golive.load.samples import Samples
from golive.outcome import Unproven, Whose
from golive.priority import before_others

LOCUSTFILE = Path("loadtests/locustfile.py")
_START_S = 30  # imports, and workers that come
_DRAIN_S = 30  # what is under way at the end has its timeout
_STOP_S = 0.8
_ENDS_WITHIN_S = 5  # once it says nothing more
_LAST_WORDS = 2000  # characters
_LOCAL = "127.0.0.1"
_WORKERS_S = 120

INTERRUPTED = "interrupted"
Watch = Callable[[Samples], bool]


@dataclass(frozen=True)
class Fleet:
    """How many generators share a load: processes of this machine, or of any that come to
    `master`, an address and port to listen on.
    """

    size: int = 1
    master: tuple[str, int] | None = None

    def options(self) -> tuple[str, ...]:
        """For Locust."""
        if self.master is not None:
            host, port = self.master
            return (
                *("--master", "--master-bind-host", host, "--master-bind-port", str(port)),
                *("--expect-workers", str(self.size)),
                *("--expect-workers-max-wait", str(_WORKERS_S)),
            )
        if self.size == 1:
            return ()
        free = str(_free_port())
        return (
            *("--processes", str(self.size)),
            *("--master-bind-host", _LOCAL, "--master-bind-port", free),
            *("--master-host", _LOCAL, "--master-port", free),
        )

    @property
    def patience_s(self) -> float:
        """How long it may take until the load begins."""
        return _START_S + (_WORKERS_S if self.master else 0)


ALONE = Fleet()


@dataclass(frozen=True)
class Run:
    """A run that has ended. `ended` is `done`, `stopped` (by us, early) or `interrupted`.

    `began` is when the first stage did, `cpu_s` what all generators used.
    """

    samples: Samples
    began: datetime
    ended: str

    @property
    def plan(self) -> Plan:
        """What was asked for."""
        return self.samples.plan


def nothing(_: Samples) -> bool:
    """Watch nothing: the run goes to its end."""
    return False


def run(plan: Plan, watch: Watch = nothing, fleet: Fleet = ALONE) -> Run:
    """Generate the load of a plan. `watch` sees what has come each second, and may end it.

    A KeyboardInterrupt ends the load within a second, and what came until then is in the result.
    Raises Unproven where the generator does not start, or dies.
    """
    samples = Samples(plan)
    users = ("-u", str(fleet.size), "-r", "1000") if plan.open else ()
    with _generator(plan, ("--headless", *users, *fleet.options())) as generator:
        ended = generator.follow(samples, watch, fleet.patience_s)
    began = datetime.fromtimestamp(time.time() - samples.elapsed_s, UTC)
    return Run(samples, began, ended)


def serve(plan: Plan, host: str, port: int) -> int:
    """Be a generator of a master's; returns its status when the master has no more to do."""
    options = ("--worker", "--master-host", host, "--master-port", str(port))
    with _generator(plan, options) as generator:
        return generator.process.wait()


class _Generator:
    """Locust, and the pipes between it and us."""

    def __init__(self, plan: Plan, options: tuple[str, ...], log: Path) -> None:
        self._plan, self._log = plan, log
        self._output, output = os.pipe()
        life, self._life = os.pipe()
        told = replace(plan, output=output, life=life)
        command: tuple[str | Path, ...] = (
            *(sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--only-summary"),
            *("--loglevel", "WARNING", "--stop-timeout", "11", "--host", f"https://{plan.site}"),
            *options,
        )
        try:
            with log.open("wb") as errors:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    env={**os.environ, VARIABLE: told.to_json()},
                    pass_fds=(output, life),
                    start_new_session=True,
                )
            before_others(self.process.pid)
        finally:
            os.close(output)
            os.close(life)
        self._rest = b""

    def follow(self, samples: Samples, watch: Watch, patience_s: float) -> str:
        """Gather lines until the last one; how it ended. Raises Unproven."""
        deadline = time.monotonic() + patience_s + self._plan.seconds + _DRAIN_S
        try:
            while (line := self._line(deadline)) is not None:
                ended = self._take(line, samples)
                if ended is not None:
                    return ended
                if watch(samples):
                    return self._stop(samples, "stopped")
        except KeyboardInterrupt:
            return self._stop(samples, INTERRUPTED)
        try:
            status = self.process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            said = self._last_words()
            raise Unproven(f"the generator of load hangs: {said}", Whose.OURS) from None
        raise Unproven(
            f"the generator of load ended with status {status}: {self._last_words()}", Whose.OURS
        )

    def _take(self, line: bytes, samples: Samples) -> str | None:
        try:
            data = json.loads(line)
            samples.add(data)
            ended: str | None = data.get("end")
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            reason = f"the generator of load sends what is no sample: {error!r}: {line[:200]!r}"
            raise Unproven(reason, Whose.OURS) from error
        return ended

    def _stop(self, samples: Samples, why: str) -> str:
        """Tell it to end; what it still has comes within a second, or not at all."""
        self._hang_up()
        deadline = time.monotonic() + _STOP_S
        with contextlib.suppress(KeyboardInterrupt):
            while (line := self._line(deadline)) is not None:
                if self._take(line, samples) is not None:
                    break
        return why

    def _line(self, deadline: float) -> bytes | None:
        """The next line; None where the output has ended, or the deadline has come."""
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._output], [], [], max(0.0, left))
            part = os.read(self._output, 1 << 20) if ready else b""
            if not part:
                return None
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace").strip()[-_LAST_WORDS:]

    def _hang_up(self) -> None:
        if self._life is not None:
            os.close(self._life)
            self._life = None  # type: ignore[assignment]

    def close(self) -> None:
        """End it and its workers, and wait for that."""
        self._hang_up()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._output)


def _free_port() -> int:
    with socket.create_server((_LOCAL, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _generator(plan: Plan, options: tuple[str, ...]) -> Iterator[_Generator]:
    with tempfile.TemporaryDirectory(prefix="golive-load-") as directory:
        generator = _Generator(plan, options, Path(directory) / "locust.log")
        try:
            yield generator
        finally:
            generator.close()
