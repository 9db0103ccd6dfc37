"""Removes a compose replica when its owner is gone, however it went.

The owner holds the other end of standard input. End of file before the word `keep` means that
the owner is gone, by SIGKILL too. Removing in order takes the same way.

    python -m golive.compose.guard NUMBER
"""

import shutil
import signal
import sys

from golive.compose.control import remove
from golive.compose.engine import Engine
from golive.replica.control import ReplicaError


def main(number: int) -> int:
    """Wait for the owner's word or end; then remove the replica, unless it is to be kept."""
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, signal.SIG_IGN)
    if sys.stdin.readline() == "keep\n":
        return 0
    try:
        remove(Engine(shutil.which("docker") or "docker", ()), number)
    except ReplicaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
