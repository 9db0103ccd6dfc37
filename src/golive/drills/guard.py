"""Ends a drill when whoever holds it is gone, however it went: its processes and its files.

The holder keeps the other end of our standard input; to close it is also how a drill is ended in
order, so that the way is tried every time. We hold the lock of the place: one drill at a time.

    python -m golive.drills.guard DIRECTORY
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.replica.reap import kill_all

_PREFIX = "drill-"
_WITHIN_S = 120.0  # for the drill before us to end
_POLL_S = 0.05


@contextmanager
def guarded(place: Path) -> Iterator[Path]:
    """A new directory below `place`; after the block nothing of it is left, nor any process.

    A process belongs to it by its environment or its session (golive.replica.reap). What a drill
    left whose guard was killed with it is cleared away first. Raises Unproven.
    """
    lock = _locked(place / "guard.lock")
    try:
        for left in place.glob(f"{_PREFIX}*/"):
            end(left)
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        directory.chmod(0o711)  # nginx's workers are another user
        command = [sys.executable, "-m", __name__, str(directory)]
        guard = subprocess.Popen(
            command, stdin=subprocess.PIPE, pass_fds=[lock], start_new_session=True, cwd="/"
        )
    finally:
        os.close(lock)  # the guard has it
    try:
        yield directory
    finally:
        if guard.stdin:
            guard.stdin.close()
        guard.wait()


def _locked(file: Path) -> int:
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _WITHIN_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                os.close(descriptor)
                raise Unproven(f"another drill holds {file}", Whose.OURS) from error
            time.sleep(_POLL_S)
        else:
            return descriptor


def end(directory: Path) -> None:
    """Kill the processes of the drill, and remove its directory. Idempotent."""
    kill_all(directory)
    # Whoever ends the whole replica may remove it at the same time.
    shutil.rmtree(directory, ignore_errors=True)


def main(directory: Path) -> None:
    """Wait for the end of standard input; see the module."""
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, signal.SIG_IGN)
    sys.stdin.read()
    end(directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
