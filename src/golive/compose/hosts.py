"""The files of a compose replica's hosts: what containers mount.

In a container paths, ports and host names are production's own, so that less is substituted than
for processes on one machine: secrets, certificates, the CDN's network, and the two addresses that
an administrator writes for a host, where it listens and where MongoDB is.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from golive.compose.networks import Networks, name
from golive.replica.hosts import Hosts
from golive.replica.substitution import Substitutions

USER = 1000
"""As whom everything but the edge's nginx runs: `node` of the official image of Node.js."""

NODE_MODULES = Path("/opt/application/node_modules")
"""Where application containers have the application's dependencies."""


class ContainerSubstitutions(Substitutions):
    """How the files of one host are changed where the host is a container."""

    def address(self, host: str) -> str:
        """The engine's DNS knows every host by its name."""
        return name(host)

    def _rules(self) -> tuple[Callable[[str], str], ...]:
        return (
            self._mongodb,
            self._managed_redis,
            self._private_address,
            self._secrets,
            self._cdn,
        )


@dataclass(frozen=True)
class ContainerHosts(Hosts):
    """The root directories of a compose replica's hosts."""

    subnet: Networks

    def substitutions_of(self, host: str) -> Substitutions:
        """How the files of a host are changed: its `/` is a container's own."""
        return ContainerSubstitutions(host, self.subnet, Path("/"), self.secrets)

    def names_of(self, host: str) -> list[str]:
        """The names for which a host's certificate is valid."""
        return [name(host), host]

    def tell_prometheus(self) -> None:
        """Not yet: the scripts' paths are those of the containers, which are to run them."""

    def hand_over(self) -> None:
        """Make everything but the edge's the property of the user whom the containers have."""
        for host in self.subnet.hosts:
            if host != "edge":
                for path in (self.root(host), *self.root(host).rglob("*")):
                    os.chown(path, USER, USER, follow_symlinks=False)
