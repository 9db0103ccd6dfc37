"""A compose replica that may be broken: what `golive.faults` need to know of it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from golive.compose.control import directory, project
from golive.compose.engine import Engine
from golive.compose.state import ContainersState
from golive.faults.fault import FaultError, Target
from golive.replica.control import ReplicaError


@dataclass(frozen=True)
class ContainersTarget(Target):
    """A running compose replica; `engine` is what its containers run in."""

    engine: Engine

    @property
    def directory(self) -> Path:
        """Everything of this replica that is a file is below it."""
        return directory(self.number)

    @property
    def state(self) -> ContainersState:
        """What is known of it now."""
        return ContainersState.read(self.directory)

    @cached_property
    def project(self) -> str:
        """What the engine calls it."""
        return project(self.number)

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return f"{self.project}-{service}-1"

    def docker(self, *arguments: str) -> str:
        """What a docker command prints. Raises FaultError."""
        try:
            return self.engine.run(*arguments)
        except ReplicaError as error:
            raise FaultError(str(error)) from error

    def pid(self, server: str) -> int:
        """The first process of a service's container, as this machine numbers it."""
        [found] = json.loads(self.docker("inspect", self.container(server)))
        return int(found["State"]["Pid"])

    def inside(self, _: str, path: str) -> str:
        """What a host's own programs call its file `path`: the same."""
        return path

    def command(self, host: str, *words: str) -> list[str]:
        """The command that runs `words` in the host's container, with all of our rights."""
        enter = ["nsenter", "--target", str(self.pid(host)), "--mount", "--net", "--pid"]
        return [*enter, "--", *words]
