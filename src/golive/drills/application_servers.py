"""Add an application server, lose one, have one answer nobody: under traffic (ARC-03, ARC-04)."""

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from golive.drills.stage import Replica, Stage
from golive.drills.traffic import Kind, Share
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.readiness import readiness
from golive.replica.reap import MARK, members
from golive.replica.reload import reload
from golive.replica.restart import await_ready, freeze, kill, server, start_ended, thaw
from golive.replica.state import State

_PORT = 3000
_CONFIGURATION = "etc/nginx"
_REQUESTS = 32  # with four servers: eight for each
_NO_MORE = 8  # after a server was removed
_LOST, STALLED = "app-2", "app-3"
_BACK_WITHIN_S = 25.0
_START_WITHIN_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True)
class Growth:
    """A fourth server, in and out of the balancer. `answered` are the requests that each address
    answered while there were four, `afterwards` those of the `added` one when it was removed.

    `untouched`: the processes of the other servers are the same. It began and ended at these
    times of the traffic.
    """

    added: str
    answered: tuple[tuple[str, int], ...]
    afterwards: int
    untouched: bool
    began_s: float
    ended_s: float


@dataclass(frozen=True)
class ServerLoss:
    """A server all of whose processes were killed at once, and that was started again then.

    `ready_s` is how long after its loss it was ready, `back_s` how long after that it answered
    a request: None where it did not in time. `retriable` and `writes` are requests from its loss
    until it was ready; writes may not be retried once they were sent.
    """

    server: str
    ready_s: float
    back_s: float | None
    retriable: Share
    writes: Share


@contextmanager
def one_more(replica: Replica) -> Iterator[str]:
    """The address of one more application server, which is ready, and no balancer knows."""
    subnet = replica.subnet
    address = f"127.{subnet.number}.1.{len(subnet.named('app-')) + 1}"
    host = replica.directory / "hosts/app-1"
    log = host / "tmp/one-more.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", str(replica.node), "server.js"],
            cwd=host / "var/www/dashboard-velo-api",
            env={
                "PATH": os.defpath,
                "HOME": str(host / "tmp"),
                "TMPDIR": str(host / "tmp"),
                "HOST": address,
                MARK: str(replica.directory),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until = time.monotonic() + _START_WITHIN_S
        while not _ready(address):
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text(errors="replace")[-500:]
                raise Unproven(f"one more server does not start: {said}", Whose.OURS)
            time.sleep(_POLL_S)
        yield address
    finally:
        process.kill()
        process.wait()
        log.unlink(missing_ok=True)


def _ready(address: str) -> bool:
    try:
        return readiness(Endpoint(address, _PORT, address)).status == 200
    except Unproven:
        return False


def grow(stage: Stage, address: str) -> Growth:
    """Add the server at `address` to the balancer, and remove it again."""
    directory, traffic = stage.replica.directory, stage.traffic
    edge = directory / "hosts/edge"
    file, line = _last_server(edge / _CONFIGURATION, stage.replica)
    last = [*stage.replica.subnet.named("app-").values()][-1]
    before, begin = processes(directory), traffic.now()
    text = stage.journal.keep(file)
    try:
        file.write_text(text.replace(line, line + line.replace(last, address), 1))
        reload(edge, server(directory, "edge").pid)
        added_s = stage.log.now()
        traffic.more(_REQUESTS)
        answered = stage.log.answered(added_s, stage.log.now())
    finally:
        file.write_text(text)
        reload(edge, server(directory, "edge").pid)
    # What the old workers answered last is read from the log a little later.
    removed_s = stage.log.now()
    traffic.more(_NO_MORE)
    afterwards = stage.log.answered(removed_s, stage.log.now())[address]
    return Growth(
        address,
        tuple(sorted(answered.items())),
        afterwards,
        before == processes(directory),
        begin,
        traffic.now(),
    )


def _last_server(configuration: Path, replica: Replica) -> tuple[Path, str]:
    """The file of nginx's configuration that names the servers, and the line of the last one.

    Raises Unproven.
    """
    last = [*replica.subnet.named("app-").values()][-1]
    pattern = re.compile(rf"(?m)^[ \t]*server {re.escape(last)}:{_PORT}\b[^;]*;.*\n")
    for file in sorted(configuration.rglob("*.conf")):
        if line := pattern.search(file.read_text()):
            return file, line[0]
    raise Unproven(f"no file of {configuration} has a line for the server {last}", Whose.TARGET)


def processes(directory: Path) -> dict[str, tuple[int, ...]]:
    """The processes of each application server that runs."""
    sessions: dict[int, list[int]] = {}
    for process in members(directory):
        with contextlib.suppress(ProcessLookupError):
            sessions.setdefault(os.getsid(process.pid), []).append(process.pid)
    return {
        each.name: tuple(sorted(sessions.get(each.pid, ())))
        for each in State.read(directory).servers
        if each.name.startswith("app-")
    }


class Losing:
    """The loss of a server, step by step."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._directory = stage.replica.directory

    def lose(self) -> None:
        """Kill it, and have it started again."""
        self._began_s = self._stage.traffic.now()
        kill(self._directory, _LOST)
        self._stage.traffic.more(_NO_MORE)
        self._restarted_s = self._stage.traffic.now()
        start_ended(self._directory)

    def await_ready(self) -> None:
        """Return when it could serve again."""
        await_ready(self._directory, _LOST)
        self._ready_s = self._stage.traffic.now()

    def await_back(self) -> None:
        """Return when it has answered a request, or should have long ago."""
        address, traffic = self._stage.replica.subnet.hosts[_LOST], self._stage.traffic
        while True:
            first_s = self._stage.log.first(address, self._restarted_s)
            if first_s is not None or traffic.now() > self._ready_s + _BACK_WITHIN_S:
                break
            time.sleep(_POLL_S)
        # One that answers before all its workers are ready is back at once.
        self._back_s = None if first_s is None else max(0.0, round(first_s - self._ready_s, 3))

    def seen(self) -> ServerLoss:
        """What was seen: the traffic has ended."""
        traffic = self._stage.traffic
        return ServerLoss(
            _LOST,
            round(self._ready_s - self._began_s, 3),
            self._back_s,
            traffic.share((Kind.STATUS, Kind.READ), self._began_s, self._ready_s),
            traffic.share((Kind.WRITE,), self._began_s, self._ready_s),
        )


def stall(stage: Stage, seconds: float) -> tuple[float, float]:
    """Have a server answer nobody for a while; when that began and ended in the traffic."""
    begin = stage.traffic.now()
    freeze(stage.replica.directory, STALLED)
    try:
        while stage.traffic.now() < begin + seconds:
            time.sleep(_POLL_S)
    finally:
        thaw(stage.replica.directory)
    return begin, stage.traffic.now()
