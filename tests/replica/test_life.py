"""The life of a replica that is kept, beside another: up, looked at, ended in every way."""

import shutil
import signal
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from golive.replica import control
from golive.replica.state import State

from .commands import Replica, awaited, free_number, golive, signalled
from .conftest import Up


@pytest.fixture(scope="module")
def second(up: Up, own_stack: Path) -> Replica:
    """A second replica of the same stack."""
    number = free_number()
    assert number != up.replica.number
    said = golive("up", "--subnet", number, "--stack", own_stack)
    assert said.returncode == 0, said.stderr
    return Replica(number)


def test_two_replicas_run_side_by_side(replica: Replica, second: Replica) -> None:
    for each in (replica, second):
        for host in ("app-1", "app-2", "app-3"):
            url = f"http://{each.subnet.hosts[host]}:3000/ready"
            assert urllib.request.urlopen(url, timeout=10).status == 200


def test_each_replica_has_secrets_of_its_own(replica: Replica, second: Replica) -> None:
    ours, theirs = replica.secrets, second.secrets
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] == theirs[name]] == ["username"]


def test_a_number_that_runs_is_refused(second: Replica, own_stack: Path) -> None:
    said = golive("up", "--subnet", second.number, "--stack", own_stack)
    assert said.returncode == 2
    assert f"replica {second.number} runs already" in said.stderr
    assert f"golive down {second.number}" in said.stderr
    assert "Traceback" not in said.stderr
    assert second.process("edge").is_running()


def test_status_shows_a_server_that_ended(second: Replica) -> None:
    edge = second.process("edge")
    signalled(edge, signal.SIGKILL)
    awaited("the keeper's note", lambda: _ended(second, "edge") is not None)
    said = golive("status")
    assert said.returncode == 1
    [line] = [each for each in said.stdout.splitlines() if f" process {edge.pid} " in each]
    assert line.split()[0] == "edge"
    assert line.endswith("ended, status -9")


def test_nothing_outlives_its_keeper_and_sentinel_both_killed(second: Replica) -> None:
    """Nobody is left to tidy up but the kernel; nginx's workers have lost their master too."""
    keeper, sentinel = second.keeper, second.sentinel
    for each in (keeper, sentinel):
        signalled(each, signal.SIGKILL)
    awaited("no server", lambda: not _servers(second))
    # The next golive finds what is left, be it only the directory.
    said = golive("status")
    assert f"replica {second.number} of" not in said.stdout
    second.await_nothing()
    assert not second.directory.exists()


def test_stopping_what_does_not_run_is_no_error(second: Replica) -> None:
    said = golive("down", second.number)
    assert said.returncode == 0
    assert said.stdout == f"Replica {second.number} does not run.\n"


def test_a_replica_that_somebody_else_clears_away_does_not_run() -> None:
    """Whoever asks waits for its end, and takes its lock for no sign of life."""
    number = free_number()
    place = control.directory(number)
    place.mkdir()
    with subprocess.Popen(["true"]) as dead:
        pass
    State(number, True, "/stack", "digest", dead.pid, "2026-01-01T00:00:00+00:00").write(place)
    with ThreadPoolExecutor() as pool:
        with control.free_lock(place.with_suffix(".lock")) as lock:
            assert lock is not None
            asked = pool.submit(control.running)
            with pytest.raises(TimeoutError):
                asked.result(timeout=0.5)
            shutil.rmtree(place)
        assert number not in {each.number for each in asked.result()}


def test_the_directory_of_somebody_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stranger = 4_000_000_000
    monkeypatch.setattr("os.getuid", lambda: stranger)
    theirs = Path(f"/tmp/golive-{stranger}")
    theirs.mkdir()
    try:
        with pytest.raises(control.ReplicaError, match=f"{theirs} is no directory of ours"):
            control.home()
    finally:
        theirs.rmdir()
    theirs.symlink_to(tmp_path)
    try:
        with pytest.raises(control.ReplicaError, match=f"{theirs} is no directory of ours"):
            control.home()
    finally:
        theirs.unlink()


def _ended(replica: Replica, server: str) -> int | None:
    return next(each.ended for each in replica.state.servers if each.name == server)


def _servers(replica: Replica) -> list[str]:
    """Its processes, without the workers of nginx: their master was killed before."""
    return [each for each in replica.processes() if "nginx: worker" not in each]
