"""End, stop and start again the servers of a running replica, from outside of its keeper."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil

from golive.replica.reap import members
from golive.replica.state import ServerState, State

_WITHIN_S = 60.0
_POLL_S = 0.01


class RestartError(Exception):
    """A server did not end, or did not become ready again; the message says which, and where."""


def server(directory: Path, name: str) -> ServerState:
    """What is known of a server of the replica in `directory` now."""
    return next(each for each in State.read(directory).servers if each.name == name)


def kill(directory: Path, name: str) -> None:
    """End every process of a server at once (SIGKILL), as a power cut does.

    Returns when its keeper has noted it. Raises RestartError.
    """
    _signal(server(directory, name).pid, signal.SIGKILL)
    _await(lambda: server(directory, name).ended is not None, f"{name} has not ended", directory)


def freeze(directory: Path, name: str) -> None:
    """Stop every process of a server (SIGSTOP): it is there, and does nothing."""
    _signal(server(directory, name).pid, signal.SIGSTOP)


def thaw(directory: Path) -> None:
    """Let every process of the replica that was stopped go on."""
    for process in members(directory):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() == psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGCONT)


def start_ended(directory: Path) -> None:
    """Have the keeper start each server that has ended; `await_ready` waits for them."""
    os.kill(State.read(directory).keeper, signal.SIGHUP)


def await_ready(directory: Path, *names: str) -> None:
    """Return when these servers are ready. Raises RestartError."""
    for name in names:
        _await(partial(_is_ready, directory, name), f"{name} is not ready", directory)


def _is_ready(directory: Path, name: str) -> bool:
    seen = server(directory, name)
    return seen.ended is None and seen.ready_s is not None


def _signal(session: int, number: signal.Signals) -> None:
    """Each server leads a session of its own: all its processes are in it."""
    for process in _of_session(session):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _of_session(session: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == session:
                yield process


def _await(holds: Callable[[], bool], otherwise: str, directory: Path) -> None:
    until = time.monotonic() + _WITHIN_S
    while not holds():
        if time.monotonic() > until:
            raise RestartError(f"{otherwise} after {_WITHIN_S:g} s: see {directory / 'log'}")
        time.sleep(_POLL_S)
