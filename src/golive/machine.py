"""Look inside a host of the environment, by its connection: local, ssh or docker (testinfra).

testinfra has answers that look like facts and are none: a service that is "not running" where
systemd is not, a port that is "not listening" where ss is not. So only commands and files are
used here, and whatever does not run is Unproven.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import testinfra
from testinfra.backend.base import CommandResult
from testinfra.backend.docker import DockerBackend
from testinfra.host import Host as Connection

from golive.environment import Environment, Host
from golive.outcome import NotRun, Unproven, Whose

_NOT_FOUND = {126, 127}  # the shell's status of a command that is not there, or cannot be run
_SSH_FAILED = 255
_DOCKER = "docker://"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_first_processes: dict[str, str] = {}  # of each container, as this machine numbers it


class _Container(DockerBackend):  # type: ignore[misc]
    """testinfra's docker backend, as the administrator of the machine that a container stands for.

    It enters the container's namespaces from this machine. `docker exec` has the capabilities
    that the container has dropped no more than the container, so that it could not look into
    another user's process; and it takes 20 times as long.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._pid = _first_processes.get(name, "")
        if not Path(f"/proc/{self._pid or 0}").exists():  # not asked yet, or started anew
            self._pid = _first_processes[name] = self._first_process()

    def _first_process(self) -> str:
        state = self.run_local("docker inspect --format '{{.State.Pid}}' %s", self.name)
        if state.rc or not state.stdout.strip().strip("0"):
            whose = Whose.TOOL if state.rc in _NOT_FOUND else Whose.TARGET
            raise Unproven(
                f"container {self.name} is not seen to run: {state.stderr.strip()}", whose
            )
        return str(state.stdout.strip())

    def run(self, command: str, *args: str, **_: object) -> CommandResult:
        enter = f"nsenter --target {self._pid} --mount --uts --ipc --net --pid"
        return self.run_local(
            f"{enter} env -i PATH={_PATH} /bin/sh -c %s", self.get_command(command, *args)
        )


@dataclass(frozen=True)
class Machine:
    """One host. `host.root` is what stands for / before each path, `name` its name."""

    name: str
    host: Host

    @cached_property
    def connection(self) -> Connection:
        """testinfra's connection. Raises NotRun where the environment gives none."""
        if self.host.connection is None:
            raise NotRun(f"{self.name}: the environment gives no connection to look inside")
        if self.host.connection.startswith(_DOCKER):
            return Connection(_Container(self.host.connection.removeprefix(_DOCKER)))
        return testinfra.get_host(self.host.connection)

    def path(self, path: str) -> str:
        """Where the host's file `path` (absolute) is."""
        return str(self.host.root / path.removeprefix("/"))

    def run(self, command: str, *arguments: str) -> str:
        """Standard output of a command; `%s` in it stands for each argument, quoted.

        Raises Unproven where it cannot be run, or ends with a status other than 0.
        """
        return str(self._done(command, *arguments).stdout)

    def run_bytes(self, command: str, *arguments: str) -> bytes:
        """The same as it is, where it need not be text. Raises Unproven."""
        return bytes(self._done(command, *arguments).stdout_bytes)

    def _done(self, command: str, *arguments: str) -> CommandResult:
        result = self.connection.run(command, *arguments)
        if result.rc == 0:
            return result
        said = (result.stderr or result.stdout).strip()[-500:]
        shown = command % arguments if arguments else command
        if result.rc in _NOT_FOUND:
            raise Unproven(f"{self.name}: no such command: {shown}: {said}", Whose.TOOL)
        network = result.rc == _SSH_FAILED and str(self.host.connection).startswith("ssh")
        raise Unproven(
            f"{self.name}: {shown} ended with status {result.rc}: {said}",
            Whose.NETWORK if network else Whose.TARGET,
        )

    def read(self, path: str) -> str:
        """The text of the host's file `path`. Raises Unproven where it cannot be read."""
        return self.run("cat -- %s", self.path(path))


def machines(environment: Environment, role: str) -> tuple[Machine, ...]:
    """The hosts of a role (`edge`, `app`, `redis`, `mongo`, `monitoring`). Raises Unproven."""
    found = tuple(Machine(name, host) for name, host in environment.role(role).items())
    if not found:
        raise Unproven(f"{environment.name} names no host of the role {role}", Whose.OURS)
    return found


def credential(environment: Environment, name: str) -> str:
    """A secret that golive itself signs in with. Raises NotRun where the environment has none."""
    file = environment.credentials
    if file is None:
        raise NotRun(f"{environment.name} gives no credentials: {name} is needed")
    try:
        value = json.loads(Path(file).read_text()).get(name)
    except (OSError, ValueError, AttributeError) as error:
        raise Unproven(f"{file}: not a JSON file of credentials: {error}", Whose.OURS) from error
    if value is None:
        raise NotRun(f"{file} has no {name}")
    return str(value)
