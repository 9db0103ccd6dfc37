"""Run Locust as a process of its own, and gather what it sees while it goes on.

It patches its interpreter (gevent) when it is imported, so it is never imported here. It ends with
us, however we end: it holds the other end of a pipe.
"""

import contextlib
import json
import os
import select
import signal
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

LOCUSTFILE = Path("loadtests/locustfile.py")
_START_S = 30  # imports, and workers that come
_DRAIN_S = 30  # what is under way at the end has its timeout
_STOP_S = 0.8
_LAST_WORDS = 2000  # characters

Watch = Callable[[Samples], bool]


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


def run(plan: Plan, watch: Watch = nothing, options: tuple[str, ...] = ()) -> Run:
    """Generate the load of a plan. `watch` sees what has come each second, and may end it.

    `options` go to Locust. A KeyboardInterrupt ends the load within a second, and what came until
    then is in the result. Raises Unproven where the generator does not start, or dies.
    """
    samples = Samples(plan)
    with _generator(plan, options) as generator:
        ended = generator.follow(samples, watch)
    began = datetime.fromtimestamp(time.time() - samples.elapsed_s, UTC)
    return Run(samples, began, ended)


class _Generator:
    """Locust, and the pipes between it and us."""

    def __init__(self, plan: Plan, options: tuple[str, ...], log: Path) -> None:
        self._plan, self._log = plan, log
        self._output, output = os.pipe()
        life, self._life = os.pipe()
        told = replace(plan, output=output, life=life)
        processes = ("--processes", str(plan.workers)) if plan.workers > 1 else ()
        users = ("-u", str(plan.workers), "-r", "1000") if plan.open else ()
        command = (
            *(sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary"),
            *("--loglevel", "WARNING", "--stop-timeout", "11", "--host", f"https://{plan.site}"),
            *(*users, *(options or processes)),
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
        finally:
            os.close(output)
            os.close(life)
        self._rest = b""

    def follow(self, samples: Samples, watch: Watch) -> str:
        """Gather lines until the last one; how it ended. Raises Unproven."""
        deadline = time.monotonic() + _START_S + self._plan.seconds + _DRAIN_S
        try:
            while (line := self._line(deadline)) is not None:
                ended = self._take(line, samples)
                if ended is not None:
                    return ended
                if watch(samples):
                    return self._stop(samples, "stopped")
        except KeyboardInterrupt:
            return self._stop(samples, "interrupted")
        if self.process.poll() is None:
            raise Unproven(f"the generator of load hangs: {self._last_words()}", Whose.OURS)
        status = self.process.wait()
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


@contextlib.contextmanager
def _generator(plan: Plan, options: tuple[str, ...]) -> Iterator[_Generator]:
    with tempfile.TemporaryDirectory(prefix="golive-load-") as directory:
        generator = _Generator(plan, options, Path(directory) / "locust.log")
        try:
            yield generator
        finally:
            generator.close()
