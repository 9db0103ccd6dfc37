"""Restart a MongoDB member with another configuration: it reads its file only when it starts."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from golive.faults.fault import FaultError, Target
from golive.faults.files import edited
from golive.replica.reap import members, remember_session

_CONFIGURATION = "/etc/mongodb/mongod.conf"
_WITHIN_S = 30
_POLL_S = 0.05


@contextmanager
def mongod_restarted(replica: Target, host: str, *edits: tuple[str, str]) -> Iterator[None]:
    """With (before, after) edits in the member's file, in effect; afterwards as it was.

    Returns, both times, once the member has caught up as a secondary. It is not the primary's to
    be restarted so: another would be elected.
    """
    try:
        with edited(replica, host, _CONFIGURATION, *edits):
            _restart(replica, host)
            yield
    finally:
        _restart(replica, host)


def _restart(replica: Target, host: str) -> None:
    """Kill the member (its journal has what was acknowledged), and start it as it was started."""
    old = next(
        each
        for each in members(replica.directory)
        if each.name() == "mongod" and Path(each.cwd()) == replica.root(host)
    )
    command, environment = old.cmdline(), old.environ()
    old.kill()
    psutil.wait_procs([old], timeout=_WITHIN_S)
    log = replica.directory / "log" / f"{host}.log"
    with log.open("ab") as output:
        began = output.tell()
        process = subprocess.Popen(
            command,
            cwd=replica.root(host),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    remember_session(replica.directory, process.pid)
    until = time.monotonic() + _WITHIN_S
    while not _is_secondary(log, began):
        if process.poll() is not None or time.monotonic() > until:
            raise FaultError(f"{host} is no secondary again: see {log}")
        time.sleep(_POLL_S)


def _is_secondary(log: Path, began: int) -> bool:
    """Whether the member says so in what it has logged since (id 21358, "Replica set state
    transition")."""
    with log.open("rb") as file:
        file.seek(began)
        return b'"newState":"SECONDARY"' in file.read()
