"""The addresses of a compose replica: of RFC 2544's test network, 198.18.0.0/15.

Nobody's hosts have addresses of it, so that what a test sends can only reach a test. A replica
has a quarter of it: a public network, in which its clients are too, and three internal ones.
"""

from dataclasses import dataclass
from functools import cached_property

from golive.replica.subnet import DOMAIN, Subnet

NUMBERS = range(1, 5)

_PUBLIC = {"edge": 10, "authority": 20, "visitor": 30}
_APPLICATION = {"edge": 10, "app-1": 11, "app-2": 12, "app-3": 13, "monitoring": 20}
_DATA = {
    **{"redis-1": 21, "redis-2": 22, "redis-3": 23},
    **{"mongo-1": 31, "mongo-2": 32, "mongo-3": 33},
    "backup": 41,
}
_NOTIFICATION = {"mail": 10, "slack": 10, "sms": 11, "heartbeat": 12}


@dataclass(frozen=True)
class Networks(Subnet):
    """The networks of replica `number`, 1 to 4."""

    number: int
    low_ports: bool = True

    @cached_property
    def prefixes(self) -> dict[str, str]:
        """The first three bytes of the addresses in each network, by its name."""
        inner = 8 * (self.number - 1)
        return {
            "public": f"198.18.{64 * (self.number - 1)}",
            "application": f"198.19.{inner + 1}",
            "data": f"198.19.{inner + 2}",
            "notification": f"198.19.{inner + 3}",
        }

    @cached_property
    def hosts(self) -> dict[str, str]:
        """The address of each host on the network where it serves; the edge's is not public."""
        return {
            host: f"{self.prefixes[network]}.{last}"
            for network, hosts in (
                ("public", _PUBLIC),
                ("application", _APPLICATION),
                ("data", _DATA),
                ("notification", _NOTIFICATION),
            )
            for host, last in hosts.items()
        }

    @property
    def site(self) -> str:
        """The address of the edge on the public network."""
        return f"{self.prefixes['public']}.{_PUBLIC['edge']}"

    @property
    def clients(self) -> str:
        """The network (CIDR) from which clients come: a part of the public one."""
        return f"198.18.{64 * (self.number - 1) + 32}.0/19"

    @property
    def load(self) -> str:
        """The network (CIDR) from which a load test's people come: a part of the public one."""
        return f"198.18.{64 * (self.number - 1) + 16}.0/20"

    @property
    def cdn(self) -> str:
        """The network (CIDR) that stands for the CDN's: a part of the public one."""
        return f"198.18.{64 * (self.number - 1) + 4}.0/22"


def name(host: str) -> str:
    """The name of a host in the stack's files, which the engine's DNS resolves."""
    return f"{host}.{DOMAIN}"
