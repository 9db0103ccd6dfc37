"""The parent of a replica's servers: starts them all at once, and stays until it is stopped.

Its owner holds the other end of standard input. End of file before the word `keep` means that
the owner is gone, by SIGKILL too: then the replica ends.
Progress is told as JSON lines on standard output: {"ready": server, "seconds": s},
{"up": seconds}, {"kept": true}, {"failed": message}.

A server that has ended stays so: it is noted, for `golive status`. At SIGHUP all of those are
started again, which their states tell (golive.replica.restart asks for it, and waits).

    python -m golive.replica.keeper DIRECTORY NUMBER LOW-PORTS STACK SENTINEL
"""

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from golive import toolchain
from golive.replica.authority import Authority
from golive.replica.hosts import Hosts
from golive.replica.processes import (
    Server,
    ServerError,
    Started,
    last_words,
    refuse_taken_ports,
    start,
    until_ready,
)
from golive.replica.reap import kill_all
from golive.replica.servers import Servers
from golive.replica.state import ServerState, State, digest
from golive.replica.subnet import Subnet
from golive.replica.substitution import Secrets

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_REPLICA_SET_WITHIN_S = 180
_MIME_TYPES = Path("/etc/nginx/mime.types")  # of Debian's nginx package


class Keeper:
    """Starts and watches the servers of one replica."""

    def __init__(self, directory: Path, subnet: Subnet, stack: Path) -> None:
        self.directory = directory
        self.hosts = Hosts(directory, stack, subnet, Secrets())
        self.began = time.monotonic()
        self._servers: dict[str, Server] = {}
        self.state = State(
            subnet.number,
            subnet.low_ports,
            str(stack),
            digest(stack),
            os.getpid(),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )

    async def start(self) -> None:
        """Start every server at the same time; return once all of them are ready.

        Raises ServerError as soon as one of them ends, ready or not.
        """
        self.state.write(self.directory)
        tools = toolchain.ensure(_silent)
        node_modules = toolchain.ensure_application(self.hosts.stack / "app", _silent)
        self.hosts.install(Authority.create(), node_modules, _MIME_TYPES)
        for name in ("log", "received"):
            (self.directory / name).mkdir()
        servers = Servers(self.hosts, tools)
        self._servers = {server.name: server for server in servers.all()}
        refuse_taken_ports([*self._servers.values()])
        started = [await start(server, self.directory) for server in self._servers.values()]
        self.state = replace(
            self.state,
            servers=tuple(
                ServerState(
                    each.server.name, each.server.address, each.server.ports, each.process.pid
                )
                for each in started
            ),
        )
        self.state.write(self.directory)
        for each in started:
            self._background(self._watch(each))
        async with asyncio.TaskGroup() as group:
            deaths = [group.create_task(_no_end(each)) for each in started]
            ready: dict[str, asyncio.Task[None]] = {}
            for each in started:
                task = group.create_task(self._ready(each, ready))
                ready[each.server.name] = task
            replica_set = group.create_task(self._replica_set(servers, ready))
            await asyncio.gather(*ready.values(), replica_set)
            for death in deaths:
                death.cancel()
        self.state = replace(self.state, ready_s=self._elapsed())
        self.state.write(self.directory)
        tell(up=self._elapsed())

    def kept(self) -> None:
        """The replica goes on without its owner: from now on others may use it."""
        self.state = replace(self.state, kept=True)
        self.state.write(self.directory)
        tell(kept=True)

    def start_again(self) -> None:
        """Start every server that has ended; its state tells when it is ready."""
        for each in self.state.servers:
            if each.ended is not None:
                self._note(each.name, lambda server: replace(server, ended=None, ready_s=None))
                self._background(self._start_again(self._servers[each.name]))

    async def _start_again(self, server: Server) -> None:
        """One of them. Where it does not become ready, its state says so: no more can be done."""
        # Its readiness may be read from its log, which tells of its former life.
        log = self.directory / "log" / f"{server.name}.log"
        log.rename(log.with_suffix(".before.log"))
        with contextlib.suppress(ServerError):
            started = await start(server, self.directory)
            pid = started.process.pid
            self._note(server.name, lambda each: replace(each, pid=pid))
            self._background(self._watch(started))
            await until_ready(started)
            elapsed_s = self._elapsed()
            self._note(server.name, lambda each: replace(each, ready_s=elapsed_s))

    async def _ready(self, started: Started, ready: "dict[str, asyncio.Task[None]]") -> None:
        await asyncio.gather(*(ready[name] for name in started.server.after))
        await until_ready(started)
        elapsed_s = self._elapsed()
        self._note(started.server.name, lambda server: replace(server, ready_s=elapsed_s))
        tell(ready=started.server.name, seconds=elapsed_s)

    async def _replica_set(self, servers: Servers, ready: dict[str, "asyncio.Task[None]"]) -> None:
        """Make the MongoDB members one set once all of them answer."""
        # Not at the top: the servers start while this is imported.
        from golive.replica.mongodb import MemberError, form_replica_set

        names = list(self.hosts.subnet.named("mongo-"))
        await asyncio.gather(*(ready[name] for name in names))
        first = self.hosts.root(names[0]) / "etc/mongodb"
        try:
            await form_replica_set(
                servers.members(),
                first,
                self.hosts.secrets["mongo-cluster-key"],
                first / "root.pem",
                _REPLICA_SET_WITHIN_S,
            )
        except MemberError as error:
            log = self.directory / "log" / f"{names[0]}.log"
            raise ServerError(f"{error}{last_words(log)}") from error
        tell(ready="mongodb replica set", seconds=self._elapsed())

    async def _watch(self, started: Started) -> None:
        """Note a server's death."""
        status = await started.process.wait()
        self._note(started.server.name, lambda server: replace(server, ended=status))

    def _note(self, name: str, change: Callable[[ServerState], ServerState]) -> None:
        servers = (
            change(server) if server.name == name else server for server in self.state.servers
        )
        self.state = replace(self.state, servers=tuple(servers))
        self.state.write(self.directory)

    def _elapsed(self) -> float:
        return round(time.monotonic() - self.began, 3)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


_tasks: set["asyncio.Task[None]"] = set()  # the event loop itself holds tasks weakly


async def _no_end(started: Started) -> None:
    raise await started.ended()


def tell(**event: object) -> None:
    """Tell the owner, as one JSON line."""
    print(json.dumps(event), flush=True)  # noqa: T201


async def owner_gone(keeper: Keeper) -> None:
    """Return when the owner is gone without having said `keep`; if it says so, never."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    if await reader.readline() == b"keep\n":
        keeper.kept()
        await asyncio.Event().wait()


async def keep(keeper: Keeper) -> int:
    """Start the replica and stay until told to stop; the exit status."""
    stopped = asyncio.Event()
    for interrupt in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(interrupt, stopped.set)
    ends = {asyncio.create_task(owner_gone(keeper)), asyncio.create_task(stopped.wait())}
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, keeper.start_again)
    starting = asyncio.create_task(keeper.start())
    await asyncio.wait({starting, *ends}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and (error := starting.exception()):
        # A server quotes the line of its file that it cannot read: it may hold a secret.
        tell(failed=keeper.hosts.secrets.mask(_message(error)))
        return 1
    if starting.done():
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    return 0


def _message(error: BaseException) -> str:
    """The first thing that went wrong: what follows is mostly its consequence."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    expected = isinstance(error, ServerError | toolchain.ToolchainError)
    return str(error) if expected else f"{type(error).__name__}: {error}"


def _silent(_: str) -> None:
    """The owner has said it all already."""


def main(directory: str, number: str, low_ports: str, stack: str, sentinel: str) -> int:
    """Keep a replica; see the module."""
    # Nothing may run unguarded: should the sentinel be killed, we end the replica ourselves.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(sentinel):
        return 1  # it was killed before we could ask to be told
    keeper = Keeper(Path(directory), Subnet(int(number), low_ports == "yes"), Path(stack))
    try:
        return asyncio.run(keep(keeper))
    finally:
        if os.getppid() != int(sentinel):
            kill_all(Path(directory), descendants=True)
            shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
