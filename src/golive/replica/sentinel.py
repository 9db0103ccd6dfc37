"""Ends a replica when its keeper is gone, however it went.

It is the keeper's parent, and adopts whatever the keeper leaves (PR_SET_CHILD_SUBREAPER), so
that nothing stays, not even a zombie where the machine has no init that would wait for it.
Stopping in order takes the same way, so that the way is tried every day.

    python -m golive.replica.sentinel DIRECTORY KEEPER-ARGUMENTS…
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from golive.replica.reap import kill_all

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(directory: Path, arguments: list[str]) -> int:
    """Run the keeper; then end what it started, and remove `directory`."""
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    command = [sys.executable, "-m", "golive.replica.keeper", str(directory), *arguments]
    # Inherited: the pipes to the owner, and the lock, which is free only when all is gone.
    keeper = subprocess.Popen([*command, str(os.getpid())], close_fds=False)
    status = keeper.wait()
    kill_all(directory, descendants=True)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    shutil.rmtree(directory)
    return status if status >= 0 else 128 - status  # as a shell says of a signal


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
