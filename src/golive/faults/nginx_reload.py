"""Make the edge's nginx read its files anew, and wait until nothing serves the old ones."""

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from signal import SIGHUP

import psutil

from golive.faults.fault import FaultError, Target
from golive.faults.files import edited

NGINX_CONF = "/etc/nginx/nginx.conf"
_ERROR_LOG = "/var/log/nginx/error.log"
_WITHIN_S = 10


@contextmanager
def nginx_edited(
    replica: Target, *edits: tuple[str, str], file: str = NGINX_CONF
) -> Iterator[None]:
    """With (before, after) edits in a file of the edge served; afterwards the file as it was.

    The key of a limit_req_zone cannot be changed so: nginx refuses another key for a zone that
    it has. Change the map that makes the key.
    """
    with nginx_serving(replica, edited(replica, "edge", file, *edits)):
        yield


@contextmanager
def nginx_serving(replica: Target, *changes: AbstractContextManager[None]) -> Iterator[None]:
    """With `changes` made and served; afterwards they are undone, and that is served."""
    try:
        with ExitStack() as made:
            for change in changes:
                made.enter_context(change)
            reload_nginx(replica)
            yield
    finally:
        reload_nginx(replica)


def reload_nginx(replica: Target) -> None:
    """Return when all requests are answered by workers that have read the files as they are.

    Raises FaultError with nginx's own words where it refuses them.
    """
    master = psutil.Process(replica.pid("edge"))
    _require_valid(replica, master.exe())
    with ExitStack() as opened:
        old = [opened.enter_context(_watched(worker.pid)) for worker in master.children()]
        master.send_signal(SIGHUP)
        # New workers have begun when the master tells the old ones to finish, so that their
        # end is the moment from which only the new configuration is served.
        if not _ended(old):
            log = replica.path("edge", _ERROR_LOG).read_text(errors="replace")
            raise FaultError(
                f"nginx's old workers still serve {_WITHIN_S} s after the reload; the end of "
                f"its error.log:\n{log[-1000:]}"
            )


def _require_valid(replica: Target, nginx: str) -> None:
    root, conf, log = (replica.inside("edge", each) for each in ("/", NGINX_CONF, _ERROR_LOG))
    command = [nginx, "-t", "-q", "-p", root, "-c", conf, "-e", log, "-g", "daemon off;"]
    test = subprocess.run(replica.command("edge", *command), capture_output=True, text=True)
    if test.returncode:
        raise FaultError(f"nginx refuses its configuration: {test.stderr.strip()}")


@contextmanager
def _watched(pid: int) -> Iterator[int]:
    """A descriptor that becomes readable when the process ends (pidfd_open(2))."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ended(processes: list[int]) -> bool:
    """Whether all of these (pidfd) end in time."""
    until = time.monotonic() + _WITHIN_S
    running = set(processes)
    while running:
        ended, _, _ = select.select(running, (), (), max(0.0, until - time.monotonic()))
        if not ended:
            return False
        running.difference_update(ended)
    return True
