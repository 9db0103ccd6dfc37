"""The addresses of one replica: a loopback subnet of its own, 127.N.0.0/16.

Each host has an address in it, so that every service keeps its production port and several
replicas run side by side. Client addresses come from it too: thousands cost nothing.
"""

import os
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil

DOMAIN = "dashboard-velo.internal"

_HOSTS = {
    "edge": "0.10",
    "app-1": "1.1",
    "app-2": "1.2",
    "app-3": "1.3",
    "redis-1": "2.1",
    "redis-2": "2.2",
    "redis-3": "2.3",
    "mongo-1": "3.1",
    "mongo-2": "3.2",
    "mongo-3": "3.3",
    "monitoring": "4.1",
    "backup": "4.2",
    "authority": "5.1",
    "mail": "5.2",
    "slack": "5.3",
    "sms": "5.4",
    "heartbeat": "5.5",
}

# Without root, what stands for a port below 1024.
_UNPRIVILEGED = {25: 8025, 80: 8080, 443: 8443}


def may_bind_low_ports() -> bool:
    """Whether this process may listen on ports 25, 80 and 443."""
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return os.geteuid() == 0 or (start.exists() and int(start.read_text()) <= min(_UNPRIVILEGED))


@dataclass(frozen=True)
class Subnet:
    """127.`number`.0.0/16; `low_ports`: services keep their ports below 1024."""

    number: int
    low_ports: bool

    @cached_property
    def hosts(self) -> dict[str, str]:
        """The address of each host, by its name."""
        return {host: f"127.{self.number}.{tail}" for host, tail in _HOSTS.items()}

    def named(self, prefix: str) -> dict[str, str]:
        """The hosts whose name begins with `prefix`, such as the three of `app-`."""
        return {host: address for host, address in self.hosts.items() if host.startswith(prefix)}

    def port(self, production: int) -> int:
        """The port that stands for a production port here; the same, with low ports."""
        return production if self.low_ports else _UNPRIVILEGED.get(production, production)

    @property
    def clients(self) -> str:
        """The network (CIDR) from which clients come."""
        return f"127.{self.number}.128.0/17"

    @property
    def load(self) -> str:
        """The network (CIDR) from which the people of a load test come."""
        return f"127.{self.number}.96.0/19"

    @property
    def cdn(self) -> str:
        """The network (CIDR) that stands for the CDN's."""
        return f"127.{self.number}.64.0/20"


def in_use(number: int) -> bool:
    """Whether any program, whoever's, listens on an address of 127.`number`.0.0/16."""
    return any(
        each.status == psutil.CONN_LISTEN
        and each.laddr
        and each.laddr.ip.startswith(f"127.{number}.")
        for each in psutil.net_connections("tcp4")
    )


def listening(address: str, port: int) -> bool:
    """Whether anything has `address`:`port`, so that we could not listen there."""
    with socket.socket() as probe:
        # Connections of an earlier run in TIME_WAIT are nobody's.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False
