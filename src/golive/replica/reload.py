"""Have a replica's nginx read its files anew, and wait until nothing serves the old ones."""

import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGHUP

import psutil

CONFIGURATION = "etc/nginx/nginx.conf"
_ERROR_LOG = "var/log/nginx/error.log"
_WITHIN_S = 10


class ReloadError(Exception):
    """nginx refuses its files, or still serves the old ones; the message has its own words."""


def reload(
    root: Path, master_pid: int, inside: Path | None = None, enter: Sequence[str] = ()
) -> None:
    """Return when all requests are answered by workers that have read the files as they are.

    `root` is the edge's directory; `inside` is what its own programs call that (None: the same),
    and `enter` the command that runs another where they run. Raises ReloadError.
    """
    master = psutil.Process(master_pid)
    _require_valid(inside or root, [*enter, master.exe()])
    with ExitStack() as opened:
        old = [opened.enter_context(_watched(worker.pid)) for worker in master.children()]
        master.send_signal(SIGHUP)
        # New workers have begun when the master tells the old ones to finish, so that their
        # end is the moment from which only the new configuration is served.
        if not _ended(old):
            log = (root / _ERROR_LOG).read_text(errors="replace")
            raise ReloadError(
                f"nginx's old workers still serve {_WITHIN_S} s after the reload; the end of "
                f"its error.log:\n{log[-1000:]}"
            )


def _require_valid(root: Path, nginx: Sequence[str]) -> None:
    files = ["-p", str(root), "-c", str(root / CONFIGURATION), "-e", str(root / _ERROR_LOG)]
    command = [*nginx, "-t", "-q", *files, "-g", "daemon off;"]
    test = subprocess.run(command, capture_output=True, text=True)
    if test.returncode:
        raise ReloadError(f"nginx refuses its configuration: {test.stderr.strip()}")


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
