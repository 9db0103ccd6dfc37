"""A signal that asks to end stops everything that was begun, and one message says so."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from golive.replica import control

from .commands import ROOT, WITHIN_S, Replica, awaited, copy_of_stack, running

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("asked", ASKING)
def test_golive_up_while_it_starts(number: int, own_stack: Path, asked: signal.Signals) -> None:
    replica = Replica(number)
    with running("up", "--subnet", number, "--stack", own_stack) as owner:
        replica.started()
        owner.send_signal(asked)
        said, _ = owner.communicate(timeout=WITHIN_S)
    assert owner.returncode == 128 + asked
    assert said.splitlines()[-1] == f"golive: {asked.name}: what this command began is stopped"
    assert "Traceback" not in said
    assert replica.remains() == []
    assert not replica.directory.exists()


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_golive_gate_while_its_replica_starts(asked: signal.Signals, tmp_path: Path) -> None:
    with gate(tmp_path, "--fresh", f"--stack={copy_of_stack(tmp_path / 'stack')}") as run:
        replica = awaited("the gate's replica", lambda: of_stack(tmp_path / "stack")).started()
        run.send_signal(asked)
        said, _ = run.communicate(timeout=WITHIN_S)
    assert run.returncode == 3, said
    assert "the run was interrupted" in said
    assert "INCOMPLETE" in said
    assert "Traceback" not in said
    assert replica.remains() == []


def test_golive_gate_killed_while_its_replica_starts(tmp_path: Path) -> None:
    with gate(tmp_path, "--fresh", f"--stack={copy_of_stack(tmp_path / 'stack')}") as run:
        replica = awaited("the gate's replica", lambda: of_stack(tmp_path / "stack")).started()
        run.kill()
        run.communicate(timeout=WITHIN_S)
    replica.await_nothing()
    assert not replica.directory.exists()


def test_golive_gate_while_it_measures(replica: Replica, tmp_path: Path) -> None:
    """It ends the run; the replica is another's, and stays."""
    with gate(tmp_path, f"--replica={replica.number}") as run:
        assert run.stdout is not None
        log = replica.directory / "hosts/edge/var/log/nginx/access.log"
        before = log.stat().st_size
        awaited("the first requests", lambda: log.stat().st_size > before)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=WITHIN_S)
    assert run.returncode in (1, 3), said
    assert "the run was interrupted" in said
    assert "Traceback" not in said
    assert all(each.ended is None for each in replica.state.servers)


def gate(tmp_path: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "golive.cli", "gate", f"--report-dir={tmp_path}", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def of_stack(stack: Path) -> Replica | None:
    found = (each.number for each in control.running() if each.stack == str(stack))
    return next(map(Replica, found), None)
