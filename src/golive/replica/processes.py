"""Start a server, await its readiness, and say what went wrong with its own last words."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from golive.priority import before_others
from golive.replica.reap import MARK, remember_session
from golive.replica.subnet import listening

Command = tuple[str | Path, ...]

_LAST_WORDS = 15  # lines
_LONGEST_LINE = 400  # characters: mongod and the application log in JSON
_POLL_S = 0.02


class ServerError(Exception):
    """A server could not be started; the message has its status and its last log lines."""


@dataclass(frozen=True)
class Server:
    """One server of the replica, as it is started.

    `ready` answers whether it serves; an OSError of it means not yet. It is asked again until
    it does, or `within_s` seconds have passed. All start at the same time, but it is asked only
    once the servers named in `after` are ready. `elsewhere` are sockets on other addresses,
    `logs` the files that it writes beside its output, `dies_of` the signal that ends it and
    its children when the keeper is gone. `within_s` is for what hangs: a death is told at once,
    and a machine with much else to do needs a minute.
    """

    name: str
    address: str
    ports: tuple[int, ...]
    command: Command
    directory: Path
    ready: Callable[[], Awaitable[bool]]
    within_s: float = 180
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, int], ...] = ()
    logs: tuple[Path, ...] = ()
    dies_of: str = "KILL"

    @property
    def sockets(self) -> tuple[tuple[str, int], ...]:
        """Where it listens: address and port."""
        return (*((self.address, port) for port in self.ports), *self.elsewhere)


@dataclass(frozen=True)
class Started:
    """A server whose process runs; `log` has all that it wrote."""

    server: Server
    process: asyncio.subprocess.Process
    log: Path

    async def ended(self) -> ServerError:
        """Wait for its end, whatever the reason; the error that tells of it."""
        status = await self.process.wait()
        return ServerError(
            f"{self.server.name} ended with status {status}.{last_words(*self.logs)}"
        )

    @property
    def logs(self) -> tuple[Path, ...]:
        """All that it writes, its output first."""
        return (self.log, *self.server.logs)


def refuse_taken_ports(servers: list[Server]) -> None:
    """Raise ServerError where anything listens already where a server is to listen."""
    taken = [
        f"{address}:{port}, for {server.name}: {' and '.join(_holders(address, port))} has it"
        for server in servers
        for address, port in server.sockets
        if listening(address, port)
    ]
    if taken:
        raise ServerError(
            "\n".join(taken)
            + "\nStop that program, or (where it listens on this subnet only) take another:"
            " golive up --subnet N"
        )


def _holders(address: str, port: int) -> Iterator[str]:
    """Which programs listen there, also on all addresses; without root, ours only are known."""
    holders = {
        each.pid
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
        and each.laddr
        and each.laddr.port == port
        and each.laddr.ip in (address, "0.0.0.0", "::", f"::ffff:{address}")  # noqa: S104
    }
    for pid in sorted(pid for pid in holders if pid) or (None,):
        yield f"process {pid} ({_name(pid)})" if pid else "another program"


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "gone meanwhile"


async def start(server: Server, replica: Path) -> Started:
    """Start a server in a session of its own, recorded for `reap`, and return at once.

    The kernel ends it when we are gone (setpriv, of Debian's essential util-linux).
    """
    log = replica / "log" / f"{server.name}.log"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(server.directory),
        "LANG": "C.UTF-8",
        MARK: str(replica),
        **server.environment,
    }
    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", server.dies_of, "--"),
                *server.command,
                cwd=server.directory,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(f"{server.name}: cannot run {server.command[0]}: {error}") from error
    before_others(process.pid)
    remember_session(replica, process.pid)
    return Started(server, process, log)


async def until_ready(started: Started) -> None:
    """Return when the server is ready; raise ServerError when it takes too long."""
    server = started.server
    why = "it answers, but not as it should"
    try:
        async with asyncio.timeout(server.within_s):
            while True:
                try:
                    if await server.ready():
                        return
                except (OSError, EOFError) as error:
                    why = str(error)
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise ServerError(
            f"{server.name} was not ready at {server.address} within {server.within_s:g} s: "
            f"{why}.{last_words(*started.logs)}"
        ) from error


def last_words(*logs: Path) -> str:
    """The last lines of each log that has any, for an error message."""
    said = ""
    for log in logs:
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        if lines:
            said += f"\nThe end of {log.name}:"
            said += "".join(f"\n  {line[:_LONGEST_LINE]}" for line in lines[-_LAST_WORDS:])
    return said or "\nIt wrote nothing."
