"""Whoever is killed, no process of the replica is left, and the next `up` works.

The replica is starting, which is when most can go wrong. Its owner is stopped (SIGSTOP) where
another is killed, so that it cannot be the one who tidies up.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import ROOT, WITHIN_S, Replica, golive, running, signalled


@pytest.mark.parametrize("victims", [("keeper",), ("sentinel",)], ids="+".join)
def test_keeper_or_sentinel_killed(number: int, own_stack: Path, victims: tuple[str, ...]) -> None:
    replica = Replica(number)
    with running("up", "--subnet", number, "--stack", own_stack) as owner:
        replica.started()
        owner.send_signal(signal.SIGSTOP)
        for process in [getattr(replica, name) for name in victims]:
            signalled(process, signal.SIGKILL)
        replica.await_nothing()
        assert owner.poll() is None
        assert not replica.directory.exists()


def test_keeper_and_sentinel_killed_at_once_while_the_owner_waits(
    number: int, own_stack: Path
) -> None:
    replica = Replica(number)
    with running("up", "--subnet", number, "--stack", own_stack) as owner:
        replica.started()
        for process in (replica.keeper, replica.sentinel):
            signalled(process, signal.SIGKILL)
        said, _ = owner.communicate(timeout=WITHIN_S)
    assert owner.returncode == 2
    assert "golive: the replica's keeper ended by itself" in said
    assert "Traceback" not in said
    assert replica.remains() == []
    assert not replica.directory.exists()


def test_the_owner_of_a_replica_that_loses_its_keeper_says_so(number: int, own_stack: Path) -> None:
    replica = Replica(number)
    with running("up", "--subnet", number, "--stack", own_stack) as owner:
        replica.started()
        signalled(replica.keeper, signal.SIGKILL)
        said, _ = owner.communicate(timeout=WITHIN_S)
    assert owner.returncode == 2
    assert "golive: the replica's keeper ended by itself, with status 137" in said
    assert replica.remains() == []


def test_golive_up_killed(number: int, own_stack: Path) -> None:
    replica = Replica(number)
    with running("up", "--subnet", number, "--stack", own_stack) as owner:
        replica.started()
        owner.kill()
        owner.wait()
    replica.await_nothing()
    assert not replica.directory.exists()


def test_everybody_killed_at_once(number: int, own_stack: Path) -> None:
    """Then nobody can end nginx's workers but the kernel, or the next golive."""
    replica = Replica(number)
    with running("up", "--subnet", number, "--stack", own_stack) as owner:
        replica.started()
        for process in (replica.keeper, replica.sentinel):
            signalled(process, signal.SIGKILL)
        owner.kill()
        owner.wait()
    replica.await_nothing()
    assert golive("down", number).returncode == 0
    assert not replica.directory.exists()


def test_pytest_that_owns_a_replica_killed(number: int, own_stack: Path, tmp_path: Path) -> None:
    (tmp_path / "test_owner.py").write_text(
        f"""
from pathlib import Path
from golive.replica.control import started

def test_something():
    with started(Path({str(own_stack)!r}), print, {number}):
        pass
"""
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    replica = Replica(number)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as owner:
        try:
            replica.started()
        finally:
            owner.kill()
    replica.await_nothing()
    assert not replica.directory.exists()
