"""Start a server, await its readiness, and say what went wrong with its own last words."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from golive.replica.reap import MARK, remember_session
from golive.replica.subnet import listening

Command = tuple[str | Path, ...]

_LAST_WORDS = 15  # lines
_POLL_S = 0.02


class ServerError(Exception):
    """A server could not be started; the message has its status and its last log lines."""


@dataclass(frozen=True)
class Server:
    """One server of the replica, as it is started.

    `ready` answers whether it serves; an OSError of it means not yet. It is asked again until
    it does, the server dies, or `within_s` seconds have passed. All start at the same time, but
    it is asked only once the servers named in `after` are ready.
    """

    name: str
    address: str
    ports: tuple[int, ...]
    command: Command
    directory: Path
    ready: Callable[[], Awaitable[bool]]
    within_s: float = 30
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Started:
    """A server whose process runs; `log` has all that it wrote."""

    server: Server
    process: asyncio.subprocess.Process
    log: Path


def refuse_taken_ports(servers: list[Server]) -> None:
    """Raise ServerError where anything listens already where a server is to listen."""
    taken = [
        f"{server.address}:{port} ({server.name})"
        for server in servers
        for port in server.ports
        if listening(server.address, port)
    ]
    if taken:
        raise ServerError(
            f"{', '.join(taken)}: another program has this address already.\n"
            "See which: ss -ltnp. Take another subnet: golive up --subnet N"
        )


async def start(server: Server, replica: Path) -> Started:
    """Start a server in a session of its own, recorded for `reap`, and return at once."""
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
    remember_session(replica, process.pid)
    return Started(server, process, log)


async def until_ready(started: Started) -> None:
    """Return when the server is ready; raise ServerError when it dies or takes too long."""
    server = started.server
    death = asyncio.create_task(started.process.wait())
    try:
        async with asyncio.timeout(server.within_s):
            while not await _answers(server):
                # Its end is awaited between two questions, so that a dead server is told at once.
                await asyncio.wait([death], timeout=_POLL_S)
                if death.done():
                    raise ServerError(
                        f"{server.name} ended with status {death.result()}."
                        f"{last_words(started.log)}"
                    )
    except TimeoutError as error:
        raise ServerError(
            f"{server.name} was not ready at {server.address} within {server.within_s:g} s."
            f"{last_words(started.log)}"
        ) from error
    finally:
        death.cancel()


async def _answers(server: Server) -> bool:
    with contextlib.suppress(OSError):
        return await server.ready()
    return False


def last_words(log: Path) -> str:
    """The last lines that a server wrote, for an error message."""
    lines = log.read_text(errors="replace").splitlines()[-_LAST_WORDS:]
    if not lines:
        return f"\nIts log is empty: {log}"
    return "\nThe end of its log:\n" + "\n".join(f"  {line}" for line in lines)
