"""Where a probe connects to, under which name, and as which client."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """One TCP port of a deployment, as one client sees it.

    `address` is what is connected to (IP address or DNS name); `name` is the virtual host,
    sent as SNI and as Host. `roots` is a PEM file of trusted roots, None for the system's.
    `source` is the local address to connect from, None to let the system choose.
    """

    address: str
    port: int
    name: str
    roots: Path | None = None
    source: str | None = None

    def __str__(self) -> str:
        where = f"{self.name} at {self.address}:{self.port}"
        return f"{where}, from {self.source}" if self.source else where
