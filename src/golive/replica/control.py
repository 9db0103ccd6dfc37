"""Start, find and stop replicas, from the outside.

Each replica has a directory and a lock below /tmp/golive-UID. The lock is held by the keeper
and by the sentinel, so that a free lock means that nothing of the replica is left, unless
both of them were killed: whoever finds such remains clears them away.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from golive import toolchain
from golive.replica.reap import kill_all
from golive.replica.state import State, digest
from golive.replica.subnet import in_use, may_bind_low_ports

Say = Callable[[str], None]

FIRST = 77
_LAST = 126
_STOP_WITHIN_S = 60
_POLL_S = 0.02


class ReplicaError(Exception):
    """A replica could not be started, found or stopped; the message says what to do."""


def home() -> Path:
    """The directory of this user's replicas. Short: a Unix socket's path has 107 bytes."""
    return private_directory(Path("/tmp") / f"golive-{os.getuid()}")  # noqa: S108


def private_directory(directory: Path) -> Path:
    """`directory`, made where it is missing, and ours. Raises ReplicaError where it is not."""
    # Others may pass (nginx's workers are www-data), but not list.
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o711)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ReplicaError(
            f"{directory} is no directory of ours (see ls -ld {directory}); remove it first"
        )
    return directory


def running() -> list[State]:
    """The replicas that run now, after the remains of killed ones are cleared away."""
    found = []
    # Not by the locks: to try the lock of none that runs could disturb one that starts.
    for directory in sorted(each for each in home().iterdir() if each.is_dir()):
        if state := _of_living(directory):
            found.append(state)
    return found


def _of_living(place: Path) -> State | None:
    """The state of a replica whose keeper runs; None where there is none, and nothing is left.

    Where it does not run, and somebody has the lock, its sentinel or another golive clears it
    away, or begins one of the same number: that is waited for. Raises ReplicaError.
    """
    until = time.monotonic() + _STOP_WITHIN_S
    while time.monotonic() < until:
        with free_lock(place.with_suffix(".lock")) as free:
            if free is not None:
                _clear(place)
                return None
        try:
            state = State.read(place)
        except FileNotFoundError:  # it starts or stops just now
            return None
        if _runs(state.keeper):
            return state
        time.sleep(_POLL_S)
    raise ReplicaError(f"what is left of {place} is not cleared away within {_STOP_WITHIN_S} s")


def _runs(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def directory(number: int) -> Path:
    """The directory of replica `number`."""
    return home() / str(number)


@contextmanager
def started(stack: Path, say: Say, number: int | None = None) -> Iterator["Owned"]:
    """A replica of `stack` that ends with the block, or with this process, however it ends.

    `say` is told what becomes ready. Raises ReplicaError with the reason, everything already
    started being stopped.
    """
    stack = stack.resolve()
    if not (stack / "nginx/nginx.conf").is_file():
        raise ReplicaError(f"{stack} is no stack: it has no nginx/nginx.conf")
    try:
        toolchain.ensure(say)
        toolchain.ensure_application(stack / "app", say)
    except toolchain.ToolchainError as error:
        raise ReplicaError(str(error)) from error
    with _take(number) as (taken, lock):
        owned = _spawn(taken, stack, lock)
    try:
        owned.await_ready(say)
        yield owned
    finally:
        owned.release()


class Owned:
    """A replica that this process has started, and ends unless it lets it go."""

    def __init__(self, number: int, sentinel: "subprocess.Popen[str]", log: TextIO) -> None:
        self.number = number
        self._sentinel = sentinel
        self._log = log
        self._kept = False

    @property
    def state(self) -> State:
        """What is known of it now."""
        return State.read(directory(self.number))

    def await_ready(self, say: Say) -> None:
        """Return when all servers are ready. Raises ReplicaError."""
        self._await("up", say)

    def keep(self) -> None:
        """Let the replica go on after this process; `stop` ends it. Raises ReplicaError."""
        try:
            self._say("keep\n")
        except BrokenPipeError as error:
            raise self._ended() from error
        self._await("kept")
        self._kept = True
        self._hear_no_more()

    def release(self) -> None:
        """End the replica, unless it is kept; return when nothing of it is left."""
        with self._log:
            if self._kept:
                return
            with contextlib.suppress(BrokenPipeError):
                self._say("")
            self._hear_no_more()
            _await_end(self.number)
            self._sentinel.wait()

    def _ended(self) -> ReplicaError:
        status = self._sentinel.wait()
        self._log.seek(0)
        return ReplicaError(
            f"the replica's keeper ended by itself, with status {status}.\n{self._log.read()}"
        )

    def _await(self, wanted: str, say: Say | None = None) -> None:
        """Return when the keeper has told of `wanted`. Raises ReplicaError."""
        for line in self._sentinel.stdout or ():
            event = json.loads(line)
            if wanted in event:
                return
            if "failed" in event:
                raise ReplicaError(event["failed"])
            if say:
                say(f"{event['ready']} ready after {event['seconds']:.1f} s")
        raise self._ended()

    def _say(self, word: str) -> None:
        """The last word to the keeper: the end of what it hears is the end of its owner."""
        if self._sentinel.stdin and not self._sentinel.stdin.closed:
            self._sentinel.stdin.write(word)
            self._sentinel.stdin.close()

    def _hear_no_more(self) -> None:
        if self._sentinel.stdout:
            self._sentinel.stdout.close()


def stop(number: int) -> bool:
    """Stop replica `number` and remove all of it; False where there was none. Idempotent."""
    state = next((each for each in running() if each.number == number), None)
    if state is None:
        return False
    # The sentinel does the rest; a keeper that hangs could do nothing. It may be gone already.
    with contextlib.suppress(ProcessLookupError):
        os.kill(state.keeper, signal.SIGKILL)
    _await_end(number)
    return True


def matching(stack: Path) -> State | None:
    """A running replica of exactly this stack that was kept.

    One that was not belongs to whoever started it, who may break it and will end it.
    """
    wanted = digest(stack.resolve())
    kept = (each for each in running() if each.kept)
    return next((each for each in kept if each.digest == wanted), None)


def _spawn(number: int, stack: Path, lock: int) -> Owned:
    place = directory(number)
    _clear(place)
    place.mkdir(mode=0o711)
    low_ports = "yes" if may_bind_low_ports() else "no"
    command = [sys.executable, "-m", "golive.replica.sentinel", str(place)]
    # Not our standard error: it outlives us, and whoever reads ours would wait for its end.
    (place / "keeper.log").touch(mode=0o600)
    log = (place / "keeper.log").open("w+")
    sentinel = subprocess.Popen(
        [*command, str(number), low_ports, str(stack)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        pass_fds=[lock],
        start_new_session=True,
        # Files are for their owner; others may pass directories, but not list them.
        umask=0o066,
    )
    return Owned(number, sentinel, log)


@contextmanager
def _take(number: int | None) -> Iterator[tuple[int, int]]:
    """The lock of a free replica number: this one, or (None) the first that is free."""
    free_ones = (each for each in range(FIRST, _LAST + 1) if not in_use(each))
    for each in free_ones if number is None else [number]:
        with free_lock(home() / f"{each}.lock") as free:
            if free is not None:
                yield each, free
                return
    raise ReplicaError(
        f"replica {number} runs already: golive status. Stop it: golive down {number}"
        if number
        else f"all subnets from 127.{FIRST}.0.0/16 to 127.{_LAST}.0.0/16 are in use"
    )


@contextmanager
def free_lock(file: Path) -> Iterator[int | None]:
    """The descriptor of the lock where it is free, else None; closed after the block."""
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def _await_end(number: int) -> None:
    until = time.monotonic() + _STOP_WITHIN_S
    while True:
        with free_lock(home() / f"{number}.lock") as free:
            if free is not None:
                _clear(directory(number))
                return
        if time.monotonic() > until:
            raise ReplicaError(f"replica {number} did not stop within {_STOP_WITHIN_S} s")
        time.sleep(_POLL_S)


def _clear(place: Path) -> None:
    """Remove what a replica left, its processes first."""
    if place.exists():
        kill_all(place)
        shutil.rmtree(place)
