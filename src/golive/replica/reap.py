"""Find every process of a replica, and kill them all.

A process belongs to a replica when its environment carries the mark (of the replica, or of a
drill, whose directory is below the replica's), or when it is in a session that the replica
began and works inside the replica's directory. Both are needed: nginx overwrites its environment
with its title, and a daemon may begin a session of its own. Neither can be true of somebody's
shell, nor of a later process with a recycled number.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

MARK = "GOLIVE_REPLICA"
_SESSIONS = "sessions"


def remember_session(directory: Path, session: int) -> None:
    """Record that the replica in `directory` began this session (see setsid(2))."""
    with (directory / _SESSIONS).open("a") as file:
        file.write(f"{session}\n")


def members(directory: Path) -> Iterator[psutil.Process]:
    """Every living process of the replica in `directory`."""
    file = directory / _SESSIONS
    sessions = set(map(int, file.read_text().split())) if file.exists() else set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if _belongs(process, directory, sessions):
                yield process


def _descendants() -> Iterator[psutil.Process]:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _belongs(process: psutil.Process, directory: Path, sessions: set[int]) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
        return False
    if os.getsid(process.pid) in sessions and Path(process.cwd()).is_relative_to(directory):
        return True
    mark = process.environ().get(MARK)
    return mark is not None and Path(mark).is_relative_to(directory)


def kill_all(directory: Path, *, descendants: bool = False, within_s: float = 30) -> None:
    """Kill every process of the replica, those too that start meanwhile.

    With `descendants`, every one of ours too. A replica's data is thrown away with it, so that
    there is nothing to finish in peace.
    Raises TimeoutError with the processes that would not die.
    """
    until = time.monotonic() + within_s
    while alive := [*(_descendants() if descendants else ()), *members(directory)]:
        if time.monotonic() > until:
            left = ", ".join(f"{process.pid} {process.name()}" for process in alive)
            raise TimeoutError(f"still running after {within_s:g} s: {left}")
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=1)
