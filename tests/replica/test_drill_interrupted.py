"""A failover drill that is interrupted in the middle, and what the next run makes of it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from golive.probes.mongodb import Login, Member, connected
from golive.replica.journal import Journal, held
from golive.replica.order import DATABASE, RIDER, WRITTEN, disorder, inventory, restore
from golive.replica.restart import await_ready, freeze, kill, start_ended
from golive.replica.state import CREDENTIALS

from .commands import Replica, awaited, copy_of_stack, free_number, golive, running

SERVERS = "hosts/edge/etc/nginx/upstream.conf"
NGINX_CONF = "hosts/edge/etc/nginx/nginx.conf"
DRILL = "platform/failover.feature::Everything is as it was before"
HARMLESS = "platform/mongodb.feature::One primary and two secondaries, all healthy"


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """A replica that is kept, of a stack that nobody else has; each test leaves it in order."""
    number = free_number()
    stack = copy_of_stack(tmp_path_factory.mktemp("drill") / "stack")
    up = golive("up", "--subnet", number, "--stack", stack)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield Replica(number)
    finally:
        golive("down", number)


def test_a_server_that_was_killed_is_started_again(replica: Replica) -> None:
    before = inventory(replica.directory)
    old = replica.process("app-3").pid

    kill(replica.directory, "app-3")
    assert disorder(replica.directory) == ("app-3 has ended",)
    assert golive("status").returncode == 1
    start_ended(replica.directory)
    await_ready(replica.directory, "app-3")

    assert replica.process("app-3").pid != old
    assert disorder(replica.directory) == ()
    assert inventory(replica.directory) == before


def test_a_server_that_was_stopped_goes_on(replica: Replica) -> None:
    freeze(replica.directory, "redis-2")
    assert disorder(replica.directory) == ("redis-2 is stopped",)
    restore(replica.directory)
    assert disorder(replica.directory) == ()


def test_while_somebody_drills_nobody_heals(replica: Replica, tmp_path: Path) -> None:
    with held(replica.directory) as journal:
        journal.begin()
        refused = golive(*gate(replica, tmp_path, HARMLESS))
        journal.end()
    assert refused.returncode == 2
    assert f"replica {replica.number}: somebody is drilling" in refused.stdout + refused.stderr


def gate(replica: Replica, report: Path, scenario: str) -> tuple[str, ...]:
    """The arguments of a gate that runs one scenario against the replica."""
    to = ("--replica", str(replica.number), "--report-dir", str(report))
    return ("gate", *to, "--slow", f"--scenario={scenario}")


def ended(replica: Replica, server: str) -> bool:
    return any(each.name == server and each.ended is not None for each in replica.state.servers)


def written(replica: Replica, host: str) -> int:
    """How many documents there are that drills have written."""
    secrets = json.loads((replica.directory / CREDENTIALS).read_text())
    roots = replica.directory / "hosts/authority/root.pem"
    member = Member(host, replica.state.subnet.hosts[host], roots=roots)
    with connected(member, Login("admin", secrets["mongo-admin-password"])) as client:
        riders = {"riderId": {"$regex": f"^{RIDER}"}}
        return sum(client[DATABASE][name].count_documents(riders) for name in WRITTEN)


def test_a_drill_that_is_interrupted_heals_what_it_broke(replica: Replica, tmp_path: Path) -> None:
    before = inventory(replica.directory)
    configuration = (replica.directory / SERVERS).read_text()
    with running(*gate(replica, tmp_path, DRILL)) as run:
        awaited("app-2 is lost", lambda: ended(replica, "app-2"), run)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate()
    assert "the run was interrupted" in said
    assert disorder(replica.directory) == ()
    assert not Journal(replica.directory).exists
    assert inventory(replica.directory) == before
    assert (replica.directory / SERVERS).read_text() == configuration


def test_the_next_run_heals_what_a_killed_drill_has_left(replica: Replica, tmp_path: Path) -> None:
    before = inventory(replica.directory)
    with running(*gate(replica, tmp_path, DRILL)) as run:
        awaited("mongo-1 is lost", lambda: ended(replica, "mongo-1"), run)
        for process in psutil.Process(run.pid).children(recursive=True):
            process.kill()
        run.wait()
    assert Journal(replica.directory).exists
    assert "mongo-1 has ended" in disorder(replica.directory)
    assert written(replica, "mongo-2")

    healed = golive(*gate(replica, tmp_path, HARMLESS))

    said = healed.stdout + healed.stderr
    assert "a drill was interrupted; bringing it back to order" in said
    assert "is in order again after" in said
    assert "1 passed" in said
    assert disorder(replica.directory) == ()
    assert not Journal(replica.directory).exists
    assert inventory(replica.directory) == before
    assert not written(replica, "mongo-1")


def test_files_that_a_killed_drill_changed_are_put_back_and_loaded(
    replica: Replica, tmp_path: Path
) -> None:
    file = replica.directory / SERVERS
    text = file.read_text()
    fourth = f"127.{replica.number}.1.4:3000"
    with running(*gate(replica, tmp_path, DRILL)) as run:
        awaited("a fourth server", lambda: fourth in file.read_text(), run)
        for process in psutil.Process(run.pid).children(recursive=True):
            process.kill()
        run.wait()
    assert fourth in file.read_text()

    healed = golive(*gate(replica, tmp_path, HARMLESS))

    assert "is in order again after" in healed.stdout + healed.stderr
    assert file.read_text() == text
    root = replica.directory / "hosts/edge"
    workers = psutil.Process(replica.process("edge").pid).children()
    assert workers
    loaded = subprocess.run(
        [
            replica.process("edge").exe(),
            "-T",
            "-q",
            "-p",
            root,
            "-c",
            replica.directory / NGINX_CONF,
        ],
        capture_output=True,
        text=True,
    )
    assert fourth not in loaded.stdout
