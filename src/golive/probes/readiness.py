"""What an application server says of its stores, and what it does when one of them is gone.

The second is seen of one more process of the deployed application, which no balancer knows: it
reaches its stores through relays of ours, and those are cut.
"""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from golive.endpoint import Endpoint
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import read
from golive.probes.http import request
from golive.probes.relay import Relay
from golive.probes.workers import OWN

_READY = "/ready"
_NO_REDIS = '"msg":"Redis"'  # in the application's log, when it cannot connect
_POLL_S = 0.05
_QUIET_S = 1.0  # its heartbeats to MongoDB are 2 s apart
_START_WITHIN_S = 60.0
_MONGO_TIMEOUT_MS = 5000
_HOSTS = re.compile(r"(?<=@)[^/?]+")
_SET = re.compile(r"&?replicaSet=[^&]*")


@dataclass(frozen=True)
class Readiness:
    """An answer of /ready: its status, and how it finds each store."""

    status: int
    checks: tuple[tuple[str, str], ...]

    def down(self) -> list[str]:
        """The stores that it does not reach."""
        return [name for name, state in self.checks if state != "up"]


@dataclass(frozen=True)
class Outage:
    """What /ready said while a store was gone, and once it was back, at the end of the wait."""

    store: str
    gone: Readiness
    back: Readiness


@dataclass(frozen=True)
class Dependence:
    """A process of the application that was started without Redis.

    `served_early`: it took connections then; `ready_early`: it said that it was ready (PM2's
    wait_ready). `ready` is what it answers with all stores there.
    """

    served_early: bool
    ready_early: bool
    ready: Readiness
    outages: tuple[Outage, ...]


def readiness(endpoint: Endpoint) -> Readiness:
    """How an application server finds its stores. Raises Unproven."""
    answer = request(endpoint, _READY, scheme="http")
    return _understood(answer.url, str(answer.status), answer.body)


def readiness_inside(machine: Machine, port: int) -> Readiness:
    """The same, asked on the server itself, for whoever cannot reach it. Raises Unproven."""
    url = f"http://{machine.host.address or machine.name}:{port}{_READY}"
    said = machine.run("curl -sS --max-time 10 -w '\\n%%{http_code}' %s", url)
    body, _, status = said.rpartition("\n")
    return _understood(url, status, body.encode())


def _understood(url: str, status: str, body: bytes) -> Readiness:
    try:
        checks = json.loads(body)["checks"]
        return Readiness(int(status), tuple(sorted(checks.items())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unproven(
            f"{url}: status {status}, no checks in {body[:80]!r}", Whose.TARGET
        ) from error


def dependence(machine: Machine, directory: str, node: str, within_s: float) -> Dependence:
    """Take each store away from a process of the application in `directory`, and give it back.

    `node` is the program that runs it. /ready may take `within_s` to turn. Raises Unproven.
    """
    values = read(machine, f"{directory}/.env").values
    address = machine.host.address or "127.0.0.1"
    try:
        redis = (values["REDIS_HOST"], int(values["REDIS_PORT"]))
        uri = values["MONGO_URI"]
    except (KeyError, ValueError) as error:
        raise Unproven(f"{machine.name}: {error} in {directory}/.env", Whose.TARGET) from error
    with Relay(address, redis) as to_redis, Relay(address, _primary(uri)) as to_mongodb:
        to_redis.cut()
        variables = {
            "HOST": address,
            "REDIS_HOST": to_redis.address,
            "REDIS_PORT": str(to_redis.port),
            "MONGO_URI": _through(uri, to_mongodb),
        }
        tmp = machine.path("/tmp")  # noqa: S108 (the replica's own)
        with _application(machine.path(directory), tmp, node, variables) as application:
            served, ready = application.without_redis(to_mongodb)
            to_redis.restore()
            application.until_ready()
            first = readiness(application.endpoint)
            outages = tuple(
                _outage(application.endpoint, store, relay, within_s)
                for store, relay in (("redis", to_redis), ("mongodb", to_mongodb))
            )
    return Dependence(served, ready, first, outages)


def _outage(endpoint: Endpoint, store: str, relay: Relay, within_s: float) -> Outage:
    relay.cut()
    gone = _await(endpoint, lambda seen: store in seen.down(), within_s)
    relay.restore()
    return Outage(store, gone, _await(endpoint, lambda seen: not seen.down(), within_s))


def _await(endpoint: Endpoint, holds: Callable[[Readiness], bool], within_s: float) -> Readiness:
    """The first answer that holds, else the last one in time."""
    deadline = time.monotonic() + within_s
    while not holds(seen := readiness(endpoint)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return seen


def _primary(uri: str) -> tuple[str, int]:
    """Where the primary is, as the application would find it. Raises Unproven."""
    try:
        client: MongoClient[dict[str, object]] = MongoClient(
            uri, serverSelectionTimeoutMS=_MONGO_TIMEOUT_MS
        )
        try:
            client.admin.command("ping")
            primary = client.primary
        finally:
            client.close()
    except PyMongoError as error:  # its words have no password
        raise Unproven(f"MONGO_URI leads to no MongoDB: {error}", Whose.TARGET) from error
    if primary is None:
        raise Unproven("MONGO_URI leads to no primary", Whose.TARGET)
    return primary


def _through(uri: str, relay: Relay) -> str:
    """`uri`, but to a relay: alone, and with a certificate that names somebody else."""
    direct = _SET.sub("", _HOSTS.sub(f"{relay.address}:{relay.port}", uri, count=1))
    return f"{direct}&directConnection=true&tlsAllowInvalidHostnames=true"


@dataclass(frozen=True)
class _Application:
    """One more process of the application; `channel` is what it would tell PM2 on."""

    endpoint: Endpoint
    process: "subprocess.Popen[bytes]"
    channel: socket.socket
    log: Path

    def without_redis(self, mongodb: Relay) -> tuple[bool, bool]:
        """Whether it serves without Redis, and says that it is ready.

        That is seen when it knows that Redis is gone, and has done with MongoDB what it does at
        its start: it now waits for Redis, or for nothing.
        """
        self._until(lambda: _NO_REDIS in self.log.read_text(errors="replace"), "looked for Redis")
        self._until(lambda: (mongodb.quiet_s() or 0) > _QUIET_S, "done with MongoDB")
        return self._serves(), self._said_ready()

    def until_ready(self) -> None:
        """Return when it says so, and is. Raises Unproven."""
        self._until(lambda: self._said_ready() and self._serves(), "become ready")

    def _serves(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((self.endpoint.address, self.endpoint.port)) == 0

    def _said_ready(self) -> bool:
        try:
            return b'"ready"' in self.channel.recv(65536, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_WITHIN_S
        while not holds():
            if self.process.poll() is not None or time.monotonic() > deadline:
                last = self.log.read_text(errors="replace")[-500:]
                raise Unproven(f"one more application has not {what}: {last}", Whose.OURS)
            time.sleep(_POLL_S)


@contextmanager
def _application(
    directory: str, tmp: str, node: str, variables: dict[str, str]
) -> Iterator[_Application]:
    ours, its = socket.socketpair()
    address = variables["HOST"]
    with tempfile.TemporaryDirectory(prefix="app-", dir=tmp) as place, ours, its:
        with socket.socket() as free:
            free.bind((address, 0))
            port = free.getsockname()[1]
        log = Path(place) / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", node, "server.js"],
                cwd=directory,
                env={
                    "PATH": os.defpath,
                    "HOME": place,
                    "TMPDIR": place,
                    "PORT": str(port),
                    OWN: "readiness",
                    # As Node.js tells a child of the channel to its parent: one JSON a line.
                    "NODE_CHANNEL_FD": str(its.fileno()),
                    "NODE_CHANNEL_SERIALIZATION_MODE": "json",
                    **variables,
                },
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            its.close()
            yield _Application(Endpoint(address, port, address), process, ours, log)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
