"""Start, find and stop replicas, from the outside.

Each replica has a directory and a lock below /tmp/golive-UID. The lock is held by the keeper
and by the sentinel, so that a free lock means that nothing of the replica is left, unless
both of them were killed: whoever finds such remains clears them away.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from golive import toolchain
from golive.replica.reap import kill_all
from golive.replica.state import State, digest
from golive.replica.subnet import may_bind_low_ports

Say = Callable[[str], None]

FIRST = 77
_LAST = 126
_STOP_WITHIN_S = 15
_POLL_S = 0.02


class ReplicaError(Exception):
    """A replica could not be started, found or stopped; the message says what to do."""


def home() -> Path:
    """The directory of this user's replicas. Short: a Unix socket's path has 107 bytes."""
    directory = Path("/tmp") / f"golive-{os.getuid()}"  # noqa: S108 (its owner is verified)
    # Others may pass (nginx's workers are www-data), but not list.
    directory.mkdir(mode=0o711, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.getuid():
        raise ReplicaError(f"{directory} belongs to somebody else; remove it first")
    return directory


def running() -> list[State]:
    """The replicas that run now, after the remains of killed ones are cleared away."""
    found = []
    for lock in sorted(home().glob("*.lock")):
        directory = lock.with_suffix("")
        with _lock(lock) as free:
            if free is not None:
                _clear(directory)
                continue
        try:
            found.append(State.read(directory))
        except FileNotFoundError:
            continue  # it is starting or stopping just now
    return found


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
        owned = Owned(taken, _spawn(taken, stack, lock))
    try:
        owned.await_ready(say)
        yield owned
    finally:
        owned.release()


class Owned:
    """A replica that this process has started, and ends unless it lets it go."""

    def __init__(self, number: int, sentinel: "subprocess.Popen[str]") -> None:
        self.number = number
        self._sentinel = sentinel
        self._kept = False

    @property
    def state(self) -> State:
        """What is known of it now."""
        return State.read(directory(self.number))

    def await_ready(self, say: Say) -> None:
        """Return when all servers are ready. Raises ReplicaError."""
        for line in self._sentinel.stdout or ():
            event = json.loads(line)
            if "up" in event:
                return
            if "failed" in event:
                raise ReplicaError(event["failed"])
            say(f"{event['ready']} ready after {event['seconds']:.1f} s")
        raise ReplicaError(
            f"the replica's keeper ended with status {self._sentinel.wait()} before it was ready"
        )

    def keep(self) -> None:
        """Let the replica go on after this process; `stop` ends it."""
        self._tell("keep\n")
        self._kept = True

    def release(self) -> None:
        """End the replica, unless it is kept; return when nothing of it is left."""
        if self._kept:
            return
        self._tell("")
        _await_end(self.number)
        self._sentinel.wait()

    def _tell(self, word: str) -> None:
        for pipe in (self._sentinel.stdin, self._sentinel.stdout):
            if pipe and not pipe.closed:
                if pipe is self._sentinel.stdin:
                    pipe.write(word)
                pipe.close()


def stop(number: int) -> bool:
    """Stop replica `number` and remove all of it; False where there was none. Idempotent."""
    state = next((each for each in running() if each.number == number), None)
    if state is None:
        return False
    os.kill(state.keeper, 15)
    _await_end(number)
    return True


def matching(stack: Path) -> State | None:
    """A running replica, ready, of exactly this stack."""
    wanted = digest(stack.resolve())
    ready = (each for each in running() if each.ready_s is not None)
    return next((each for each in ready if each.digest == wanted), None)


def _spawn(number: int, stack: Path, lock: int) -> "subprocess.Popen[str]":
    place = directory(number)
    _clear(place)
    place.mkdir(mode=0o711)
    low_ports = "yes" if may_bind_low_ports() else "no"
    command = [sys.executable, "-m", "golive.replica.sentinel", str(place)]
    # Not our standard error: it outlives us, and whoever reads ours would wait for its end.
    with (place / "keeper.log").open("w") as log:
        return subprocess.Popen(
            [*command, str(number), low_ports, str(stack)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            pass_fds=[lock],
            start_new_session=True,
        )


@contextmanager
def _take(number: int | None) -> Iterator[tuple[int, int]]:
    """The lock of a free replica number: this one, or (None) the first that is free."""
    numbers = range(FIRST, _LAST + 1) if number is None else [number]
    for each in numbers:
        with _lock(home() / f"{each}.lock") as free:
            if free is not None:
                yield each, free
                return
    raise ReplicaError(
        f"replica {number} runs already: golive status" if number else "all replicas are taken"
    )


@contextmanager
def _lock(file: Path) -> Iterator[int | None]:
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
        with _lock(home() / f"{number}.lock") as free:
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
