"""Start, find and stop compose replicas, from the outside.

Each has a directory and a lock below /tmp/golive-compose-UID, and a project of its name with the
engine. The lock is held as long as its owner lives; a replica that nobody owns any more and that
was not kept is what a killed run left, and whoever finds it clears it away.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import golive
from golive import toolchain
from golive.compose import images
from golive.compose.engine import Engine
from golive.compose.hosts import NODE_MODULES, USER, ContainerHosts
from golive.compose.networks import NUMBERS, Networks
from golive.compose.ready import await_ready
from golive.compose.state import ContainersState
from golive.replica.authority import Authority
from golive.replica.control import ReplicaError, Say, free_lock, private_directory
from golive.replica.state import digest
from golive.replica.substitution import Secrets

FILE = Path("docker-compose.test.yml")
VARIABLES = "compose.env"
"""The file, in a replica's directory, of what docker-compose.test.yml was given; mode 0600."""

# What a Locust in a container is told of the site: its addresses are its own.
_LOAD = """\
name: compose
kind: deployed
site: {{name: api.dashboard-velo.com, address: {address}, roots: root.pem}}
requests: {{}}
limits:
  general: {{path: /__replica/request}}
  authentication: {{path: /api/auth/login, method: POST, body: {{}}}}
permits: [load]
"""
_MIME_TYPES = Path("/etc/nginx/mime.types")  # of Debian's nginx package


def home() -> Path:
    """The directory of this user's compose replicas."""
    return private_directory(Path("/tmp") / f"golive-compose-{os.getuid()}")  # noqa: S108


def directory(number: int) -> Path:
    """The directory of compose replica `number`."""
    return home() / str(number)


def project(number: int) -> str:
    """What the engine calls compose replica `number`."""
    return f"{_prefix()}{number}"


def _prefix() -> str:
    return f"golive-{os.getuid()}-"


def running(engine: Engine) -> list[ContainersState]:
    """The compose replicas that run now, after the remains of killed ones are cleared away."""
    projects = engine.projects(_prefix())
    numbers = {int(each.removeprefix(_prefix())) for each in projects}
    numbers.update(int(each.name) for each in home().iterdir() if each.is_dir())
    found = []
    for number in sorted(numbers):
        with free_lock(_lock(number)) as free:
            state = _state(number)
            if free is not None and not (state and state.kept and project(number) in projects):
                remove(engine, number)
            elif state is not None:
                found.append(state)
    return found


def matching(engine: Engine, stack: Path) -> ContainersState | None:
    """A running compose replica of exactly this stack that was kept."""
    wanted = digest(stack.resolve())
    kept = (each for each in running(engine) if each.kept)
    return next((each for each in kept if each.digest == wanted), None)


def stop(engine: Engine, number: int) -> bool:
    """Remove compose replica `number`; False where there was none. Idempotent."""
    if number not in {each.number for each in running(engine)}:
        return False
    with free_lock(_lock(number)) as free:
        if free is None:
            raise ReplicaError(
                f"compose replica {number} belongs to a run that goes on: stop that one"
            )
        remove(engine, number)
    return True


def remove(engine: Engine, number: int) -> None:
    """Remove all of compose replica `number`: containers, networks, volumes, files."""
    engine.remove(project(number))
    if directory(number).exists():
        shutil.rmtree(directory(number))


@contextmanager
def started(engine: Engine, stack: Path, say: Say, number: int | None = None) -> Iterator["Owned"]:
    """A compose replica of `stack` that ends with the block, or with this process.

    `say` is told what becomes ready. Raises ReplicaError, everything already started removed.
    """
    stack = stack.resolve()
    if os.geteuid() != 0:
        raise ReplicaError(
            "A replica of containers needs root: clients of their own addresses, and files that"
            " belong to the containers' user. Without root: golive gate (processes)"
        )
    if not (stack / "nginx/nginx.conf").is_file():
        raise ReplicaError(f"{stack} is no stack: it has no nginx/nginx.conf")
    if not FILE.is_file():
        raise ReplicaError(f"{FILE} is not here: run golive in the directory that has it")
    try:
        tools = toolchain.ensure(say)
        node_modules = toolchain.ensure_application(stack / "app", say)
    except toolchain.ToolchainError as error:
        raise ReplicaError(str(error)) from error
    with _take(engine, number) as (taken, lock):
        owned = Owned(engine, taken, lock)
    try:
        owned.start(stack, tools, node_modules, say)
        yield owned
    finally:
        owned.release()


class Owned:
    """A compose replica that this process has started, and removes unless it lets it go.

    A guard removes it when we are killed.
    """

    def __init__(self, engine: Engine, number: int, lock: int) -> None:
        self.engine = engine
        self.number = number
        self._kept = False
        if directory(number).exists():
            shutil.rmtree(directory(number))
        directory(number).mkdir(mode=0o711)
        command = [sys.executable, "-m", "golive.compose.guard", str(number)]
        # It holds the lock as long as it lives: as long as we do, and until all is removed.
        self._guard = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[lock],
            start_new_session=True,
        )

    @property
    def state(self) -> ContainersState:
        """What is known of it now."""
        return ContainersState.read(directory(self.number))

    def start(self, stack: Path, tools: toolchain.Toolchain, modules: Path, say: Say) -> None:
        """Create and start all containers; return when all serve. Raises ReplicaError."""
        began = monotonic()
        place, networks = directory(self.number), Networks(self.number)
        state = ContainersState(
            number=self.number,
            low_ports=True,
            stack=str(stack),
            digest=digest(stack),
            keeper=self._guard.pid,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        state.write(place)
        hosts = ContainerHosts(place, stack, networks, Secrets())
        hosts.install(Authority.create(), NODE_MODULES, _MIME_TYPES)
        hosts.hand_over()
        (place / "received").mkdir()
        os.chown(place / "received", USER, USER)
        variables = _variables(self.engine, hosts, modules, tools.pm2)
        _write_private(place / VARIABLES, variables)
        (place / "load.yaml").write_text(_LOAD.format(address=networks.site))
        self.engine.up(FILE, project(self.number), variables)
        say(f"containers started after {monotonic() - began:.1f} s")
        _route_clients(networks, _bridge(self.number))
        for host, script in hosts.telling():
            self.engine.run("exec", f"{project(self.number)}-{host}-1", "sh", f"/{script}")
        await_ready(self.engine, project(self.number), hosts, say, began)
        state = replace(state, ready_s=round(monotonic() - began, 3))
        state.write(place)

    def keep(self) -> None:
        """Let the replica go on after this process; `stop` removes it."""
        replace(self.state, kept=True).write(directory(self.number))
        self._kept = True

    def release(self) -> None:
        """Remove the replica, unless it is kept; return when nothing of it is left."""
        _, said = self._guard.communicate(b"keep\n" if self._kept else b"")
        if self._guard.returncode:
            raise ReplicaError(
                f"compose replica {self.number} was not removed whole:\n{said.decode()}"
            )


def _variables(engine: Engine, hosts: ContainerHosts, modules: Path, pm2: Path) -> dict[str, str]:
    """What docker-compose.test.yml takes from its environment."""
    return {
        **images.names(engine),
        **{f"GOLIVE_{network.upper()}": each for network, each in hosts.subnet.prefixes.items()},
        "GOLIVE_BRIDGE": _bridge(hosts.subnet.number),
        "GOLIVE_USER": f"{USER}:{USER}",
        "GOLIVE_CPUS": str(min(2, os.cpu_count() or 1)),
        "GOLIVE_HOSTS": str(hosts.directory / "hosts"),
        "GOLIVE_RECEIVED": str(hosts.directory / "received"),
        "GOLIVE_NODE_MODULES": str(modules),
        "GOLIVE_PM2": str(pm2.parents[2]),
        "GOLIVE_PACKAGE": str(Path(golive.__file__).parent),
        "GOLIVE_PACKAGES": sysconfig.get_path("purelib"),
        "GOLIVE_REDIS_EXPORTER_PASSWORD": hosts.secrets["redis-exporter-password"],
        "GOLIVE_MONGO_EXPORTER_PASSWORD": hosts.secrets["mongo-exporter-password"],
    }


def _route_clients(networks: Networks, bridge: str) -> None:
    """Make the addresses of clients, of a load test and of the CDN this machine's own.

    On the public network; the routes go with its bridge.
    """
    for network in (networks.clients, networks.load, networks.cdn):
        command = ["ip", "route", "add", "local", network, "dev", bridge]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ReplicaError(f"`{' '.join(command)}`: {done.stderr.strip()}")


def _bridge(number: int) -> str:
    """The name of the public network's device."""
    return f"golive{number}"


@contextmanager
def _take(engine: Engine, number: int | None) -> Iterator[tuple[int, int]]:
    """The lock of a free number: this one, or (None) the first that is free."""
    taken = {each.number for each in running(engine)}
    bridges = set(os.listdir("/sys/class/net"))  # noqa: PTH208 (names are wanted)
    for each in NUMBERS if number is None else [number]:
        if each in taken or _bridge(each) in bridges:  # ours, or another user's
            continue
        with free_lock(_lock(each)) as free:
            if free is not None:
                yield each, free
                return
    raise ReplicaError(
        f"compose replica {number} runs already: golive status --environment compose"
        if number
        else f"all {len(NUMBERS)} compose replicas are up: golive status --environment compose"
    )


def _lock(number: int) -> Path:
    return home() / f"{number}.lock"


def _state(number: int) -> ContainersState | None:
    with contextlib.suppress(FileNotFoundError):
        return ContainersState.read(directory(number))
    return None


def _write_private(file: Path, variables: dict[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
