"""On which addresses the processes of this machine listen, and from which directory they run."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil

from golive.outcome import Unproven, Whose


@dataclass(frozen=True)
class Listener:
    """A TCP socket that takes connections. `address` is 0.0.0.0 or :: for all addresses."""

    address: str
    port: int
    program: str
    directory: Path


def listeners() -> tuple[Listener, ...]:
    """Every listener of a process that we may look into, by address and port.

    Raises Unproven where there is none at all, which is no answer that a machine gives.
    """
    found = set()
    for socket in psutil.net_connections("tcp"):
        if socket.status != psutil.CONN_LISTEN or socket.pid is None:
            continue
        # Who has ended listens no more; who is another user's is nobody's of ours.
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(socket.pid)
            address, port = map(str, socket.laddr)
            found.add(Listener(address, int(port), process.name(), Path(process.cwd())))
    if not found:
        raise Unproven("no process of this machine is seen to listen", Whose.OURS)
    return tuple(sorted(found, key=lambda each: (each.address, each.port, each.program)))
