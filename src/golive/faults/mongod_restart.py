"""Restart a MongoDB member with another configuration: it reads its file only when it starts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.faults.fault import FaultError, Target
from golive.faults.files import edited
from golive.replica.restart import RestartError, await_ready, kill, start_ended

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
    """Kill the member (its journal has what was acknowledged), and have it started again."""
    try:
        kill(replica.directory, host)
        start_ended(replica.directory)
        await_ready(replica.directory, host)
    except RestartError as error:
        raise FaultError(str(error)) from error
    log = replica.directory / "log" / f"{host}.log"  # of its new life
    until = time.monotonic() + _WITHIN_S
    while not _is_secondary(log):
        if time.monotonic() > until:
            raise FaultError(f"{host} is no secondary again: see {log}")
        time.sleep(_POLL_S)


def _is_secondary(log: Path) -> bool:
    """Whether the member says so (id 21358, "Replica set state transition")."""
    return b'"newState":"SECONDARY"' in log.read_bytes()
