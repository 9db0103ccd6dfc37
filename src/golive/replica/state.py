"""What is known of a replica, kept in its directory by its keeper for whoever asks."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from golive.replica.subnet import Subnet

_FILE = "replica.json"
CREDENTIALS = "credentials.json"
"""The replica's secrets, by placeholder, in its directory; mode 0600."""


@dataclass(frozen=True)
class ServerState:
    """One server. `ready_s` is None until it is ready, `ended` None until it has died.

    `ready_s` counts seconds from the start of the replica; `ended` is the exit status,
    negative for a signal.
    """

    name: str
    address: str
    ports: tuple[int, ...]
    pid: int
    ready_s: float | None = None
    ended: int | None = None


@dataclass(frozen=True)
class State:
    """One replica. `started` is a time in ISO 8601; `ready_s` is None until all is ready.

    `kept`: it goes on after whoever started it, so that others may look at it.
    """

    number: int
    low_ports: bool
    stack: str
    digest: str
    keeper: int
    started: str
    servers: tuple[ServerState, ...] = ()
    ready_s: float | None = None
    kept: bool = False

    @property
    def subnet(self) -> Subnet:
        """The addresses of the replica."""
        return Subnet(self.number, self.low_ports)

    def write(self, directory: Path) -> None:
        """Put the state into `directory`, at once and whole."""
        making = directory / f"{_FILE}.making"
        making.write_text(json.dumps(asdict(self), indent=1))
        making.rename(directory / _FILE)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The state of the replica in `directory`. Raises FileNotFoundError where none is."""
        content = json.loads((directory / _FILE).read_text())
        servers = (
            ServerState(**{**server, "ports": tuple(server["ports"])})
            for server in content.pop("servers")
        )
        return cls(**content, servers=tuple(servers))


def files(stack: Path) -> Iterator[Path]:
    """The files of a stack, in a fixed order, without what npm installed for development."""
    for file in sorted(stack.rglob("*")):
        if file.is_file() and "node_modules" not in file.relative_to(stack).parts:
            yield file


def digest(stack: Path) -> str:
    """A SHA-256 of names and contents, which tells one stack from another."""
    sha = hashlib.sha256()
    for file in files(stack):
        sha.update(f"{file.relative_to(stack)}\0{file.stat().st_size}\0".encode())
        sha.update(file.read_bytes())
    return sha.hexdigest()
