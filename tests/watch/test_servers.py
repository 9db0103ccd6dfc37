"""Restarts, as a real PM2 counts them, and what cannot be seen of a server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.watch.record import Worker
from golive.watch.servers import Seen, restarts, see

from .server import HOME, Server, running

NOW = datetime(2025, 4, 5, 12, tzinfo=UTC)


def worker(server: str = "app-1", number: str = "0", pid: int = 10, count: int = 3) -> Worker:
    return Worker(server=server, id=number, pid=pid, restarts=count)


WORKERS = (worker(), worker(number="1", pid=11, count=0), worker("app-2", pid=10, count=9))


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (WORKERS, 0),
        ((worker(pid=20, count=4), *WORKERS[1:]), 1),
        ((worker(pid=20, count=9), *WORKERS[1:]), 6),
        # Of one that was made anew PM2 counts from 0: under its own number, or another.
        ((worker(pid=20, count=0), *WORKERS[1:]), 1),
        ((worker(pid=20, count=2), *WORKERS[1:]), 3),
        ((worker(number="7", pid=20, count=6), *WORKERS[1:]), 7),
        ((worker(number="7", pid=20, count=0), *WORKERS[1:]), 1),
        (WORKERS[1:], 1),
        ((worker(pid=0), *WORKERS[1:]), 0),  # it is about to be started, and is counted then
        ((worker(count=0), *WORKERS[1:]), 0),  # pm2 reset
    ],
)
def test_restarts_are_counted_for_each_worker(now: tuple[Worker, ...], found: int):
    assert restarts(WORKERS, now) == found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


def seen(server: Server) -> Seen:
    return see([server.machine], HOME, (), NOW, NOW)


def between(first: Seen, second: Seen) -> int:
    assert first.workers is not None
    assert second.workers is not None
    return restarts(first.workers, second.workers)


def test_a_crash_and_processes_made_anew(server: Server):
    start = seen(server)
    assert start.why is None
    server.crash()
    crashed = seen(server)
    assert between(start, crashed) == 1
    assert between(crashed, seen(server)) == 0
    server.ask("delete", "all")
    server.ask("start", "apps.json")
    anew = seen(server)
    assert between(crashed, anew) == 2
    server.crash()
    assert between(anew, seen(server)) == 1


def test_what_is_not_seen_says_why(server: Server, tmp_path: Path):
    nothing = Machine("app-9", Host(connection="local://", root=tmp_path))
    found = see([server.machine, nothing], HOME, (), NOW, NOW)
    assert (found.workers, found.news) == (None, None)
    assert "app-9" in str(found.why)
    assert "pm2.pid" in str(found.why)
    assert "error.log" in str(found.why)
    assert see([], HOME, (), NOW, NOW).why == "no server can be looked into"
    without = see([server.machine], None, (), NOW, NOW)
    assert without.workers is None
    assert without.news is not None
    assert "pm2_home" in str(without.why)
    no_login = replace(nothing, host=Host())
    assert "no connection" in str(see([no_login], HOME, (), NOW, NOW).why)
