"""Scripts that are run on a drill's server while it is asked all the time, and what they did.

A case is a function of a `Rehearsal`. Each runs once, with a good release running before it: what
a case has broken is put right before the next.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from golive.drills import by_hand, releases
from golive.drills.deployed import BACKUP_DIR, DEPLOY_DIR, Files, Running, files, processes
from golive.drills.host import Host, Origin, server
from golive.drills.releases import Repository
from golive.drills.steady_client import Recording, steady, version_of
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.replica.hosts import DEPLOY

T = TypeVar("T")

_WITHIN_S = 240.0  # PM2 itself may wait for minutes
_SAYS_WITHIN_S = 60.0
_POLL_S = 0.02
_AFTERWARDS = 10  # requests: what a script has ordered may take effect a little later
_LAST_WORDS = 1500  # characters


@dataclass(frozen=True)
class Run:
    """A script that ended with `status` after `duration_s`; `said` is the end of what it wrote."""

    command: str
    status: int
    said: str
    duration_s: float
    before: Running
    after: Running
    traffic: Recording

    def summary(self) -> dict[str, object]:
        """For evidence."""
        return {
            "command": self.command,
            "exit status": self.status,
            "seconds": round(self.duration_s, 2),
            "before": self.before.version,
            "after": self.after.version,
            "said": self.said.splitlines()[-8:],
            **self.traffic.summary(),
        }


@dataclass
class Rehearsal:
    """A server on which the cases run, one after the other, whoever asks for them."""

    host: Host
    repository: Repository
    _stack: ExitStack
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _whole: dict[str, Files] = field(default_factory=dict)
    _helped: set[str] = field(default_factory=set)
    _process: "subprocess.Popen[bytes] | None" = None
    _results: dict[Callable[..., Any], Callable[[], Any]] = field(default_factory=dict)

    def result(self, case: "Callable[[Rehearsal], T]") -> T:
        """What a case returned, or raise what it raised, to each that asks."""
        with self._lock:
            if case not in self._results:
                self._results[case] = _remembered(case, self)
            found: T = self._results[case]()
            return found

    def all(self, cases: "Sequence[Callable[[Rehearsal], object]]") -> None:
        """Run these cases, in this order, and end the server."""
        with self._lock:
            for case in cases:
                with contextlib.suppress(Exception):  # it belongs to whoever asks for the result
                    self.result(case)
            self.close()

    def close(self) -> None:
        """End the server and all that runs on it."""
        self._stack.close()

    def run(
        self,
        script: str,
        *arguments: str,
        within: Sequence[str] = (),
        long: bool = False,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Run:
        """Run a script of the stack from the checkout, asking all the time; look before and after.

        `within` is a command to run it with; `long`: requests that take a second are under way
        too; `meanwhile` is called while it runs. Raises Unproven where it does not end.
        """
        program = str(self.script(script))
        self.host.forget_requests()
        before = self.running()
        with steady(self.host.http, self.host.https if long else None) as recorder:
            status, said = self._ended([*within, program, *arguments], meanwhile)
            duration_s = time.monotonic() - recorder.began
            recorder.more(_AFTERWARDS)
        words = " ".join([script, *arguments])
        return Run(words, status, said, duration_s, before, self.running(), recorder.traffic())

    def script(self, name: str) -> Path:
        """Where a script is, if the stack has it."""
        return self.host.path(f"/{DEPLOY}/{name}")

    def _ended(self, command: Sequence[str], meanwhile: Callable[[], None]) -> tuple[int, str]:
        with self._log.open("w") as output:
            self._process = process = subprocess.Popen(
                # What others measure meanwhile, response times say, goes first.
                ["nice", *command],
                cwd=self.repository.workspace,
                env=self.host.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            meanwhile()
            status = process.wait(_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            raise Unproven(f"{command}: still runs after {_WITHIN_S:g} s", Whose.TARGET) from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return status, self._log.read_text(errors="replace")[-_LAST_WORDS:]

    @contextmanager
    def stopped(self) -> Iterator[bool]:
        """With the script that runs stopped, and what it runs; False: it has ended already."""
        process = self._process
        if process is None:
            yield False
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGSTOP)
        try:
            yield process.poll() is None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)

    def until_said(self, words: str) -> bool:
        """Whether the script that runs wrote this (any line, where it is empty), once it has."""
        until = time.monotonic() + _SAYS_WITHIN_S
        while time.monotonic() < until:
            said = self._log.read_text(errors="replace")
            if words in said and said:
                return True
            if self._process is None or self._process.poll() is not None:
                return False
            time.sleep(_POLL_S)
        raise Unproven(f"the script did not say {words!r} within {_SAYS_WITHIN_S:g} s", Whose.OURS)

    @property
    def _log(self) -> Path:
        return self.host.directory / "script.log"

    def running(self) -> Running:
        """What runs now."""
        directory = self.host.path(DEPLOY_DIR)
        return Running(self.version(), files(directory), processes(directory))

    def version(self) -> str | None:
        """The version that answers at the site, None where none does."""
        try:
            answer = request(self.host.http, "/health", scheme="http")
        except Unproven:
            return None
        return version_of(answer) if answer.status == 200 else None

    def backups(self) -> list[Path]:
        """The archives of deployed files, the newest last."""
        found = self.host.path(BACKUP_DIR).glob("dashboard-velo-api-*.tar.gz")
        return sorted(found, key=lambda each: each.stat().st_mtime_ns)

    def ensure(self, tag: str) -> None:
        """Have this release run, deployed by the stack's own script, or by hand where that fails.

        A server that nobody can deploy to could show nothing else of the scripts. One that has
        failed once is not asked again.
        """
        if self._runs(tag):
            return
        if tag == releases.FIRST or not self._runs(releases.FIRST):
            by_hand.empty(self.host, self.repository)
            self._deployed(releases.FIRST)
        if tag != releases.FIRST:
            self._deployed(tag)

    def _runs(self, tag: str) -> bool:
        """Whether it answers, with all the files that it had when it did so first."""
        if self.version() != tag.removeprefix("v"):
            return False
        found = files(self.host.path(DEPLOY_DIR))
        return self._whole.setdefault(tag, found) == found

    def _deployed(self, tag: str) -> None:
        if tag not in self._helped:
            self.run("deploy.sh", "production", tag)
        if not self._runs(tag):
            self._helped.add(tag)
            said = by_hand.deploy(self.host, self.repository, tag)
            self._whole.pop(tag, None)  # whole is now what these hands have made
            if not self._runs(tag):
                raise Unproven(f"{tag} cannot be deployed by hand either: {said}", Whose.OURS)


def begin(origin: Origin) -> Rehearsal:
    """A rehearsal on a server of its own. Raises Unproven."""
    with ExitStack() as stack:
        host = stack.enter_context(server(origin))
        return Rehearsal(host, releases.publish(host), stack.pop_all())


def _remembered(case: Callable[[Rehearsal], T], rehearsal: Rehearsal) -> Callable[[], T]:
    try:
        result = case(rehearsal)
    except Exception as raised:  # it belongs to whoever asks for the result
        error = raised

        def again() -> T:
            raise error

        return again
    return lambda: result
