"""A replica of containers lives, is judged, and leaves nothing. Needs an engine."""

import os
import signal
import subprocess

import psutil
import pytest

from golive.compose import control
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.report import json as reports

from ..replica.commands import awaited, golive, running
from .conftest import device, remains

COMPOSE = ("--environment", "compose")


@pytest.fixture
def number(engine, up):
    """A number beside the one that is up; nothing of it is left after the test."""
    free = next(n for n in control.NUMBERS if n != up.number and not remains(engine, n))
    yield free
    golive("down", *COMPOSE, free)
    assert remains(engine, free) == []


def test_every_container_runs_and_is_shown(up):
    said = golive("status", *COMPOSE)

    assert said.returncode == 0, said.stdout
    assert f"compose replica {up.number} of " in said.stdout
    assert "app-3 " in said.stdout
    assert "alertmanager" in said.stdout


def test_it_says_how_to_reach_it(up):
    curl = next(line for line in up.said.stdout.splitlines() if line.startswith("Try it:"))

    answer = subprocess.run(
        ["sh", "-c", curl.removeprefix("Try it:")], capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stderr
    assert '"status"' in answer.stdout


def test_only_loopback_addresses_are_published(engine, up):
    published = {
        binding["HostIp"]
        for each in engine.containers(up.project)
        for bindings in each["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    }

    assert published == {"127.0.0.1"}


def test_containers_cannot_write_to_their_own_system(engine, up):
    shell = ("exec", f"{up.project}-redis-1-1", "sh", "-c")

    said = engine.run(*shell, "touch /usr/here 2>&1 || true; id -u; grep CapEff /proc/self/status")

    assert "Read-only file system" in said
    assert "\n1000\n" in said
    assert said.split()[-1] == "0" * 16


def test_the_gate_measures_it(up, own_stack, tmp_path):
    words = "network or servers or redirect or headers"

    said = golive(
        *("gate", *COMPOSE, "--stack", own_stack, "-k", words, "--report-dir", tmp_path),
    )

    report = reports.read(tmp_path)
    assert f"using compose replica {up.number}" in said.stdout + said.stderr
    outcomes = {each.id: str(each.outcome) for each in report.scenarios}
    claims = {each.id: each.statements for each in report.scenarios}
    passed = {id_ for id_, outcome in outcomes.items() if outcome == "passed"}
    # What only hosts with networks of their own can show.
    assert "ARC-09" in {statement for id_ in passed for statement in claims[id_]}
    # Sizes and versions are those of the containers.
    assert passed >= {
        f"platform/servers.feature::{name}"
        for name in ("Processors", "Memory", "Node.js", "PM2", "Memory of the MongoDB nodes")
    }
    assert not {id_ for id_, outcome in outcomes.items() if outcome == "failed"}


@pytest.mark.usefixtures("engine")
def test_a_container_that_does_not_run_is_unproven():
    machine = Machine("none", Host(connection="docker://golive-none"))

    with pytest.raises(Unproven, match="golive-none is not seen to run") as unproven:
        machine.run("true")

    assert unproven.value.whose is Whose.TARGET


@pytest.mark.usefixtures("engine")
def test_one_that_does_not_run_is_not_used():
    said = golive("gate", *COMPOSE, "--replica", "99")

    assert said.returncode == 2
    assert "compose replica 99 does not run" in said.stdout + said.stderr


@pytest.mark.usefixtures("up")
def test_two_run_at_once_and_one_that_is_killed_leaves_nothing(engine, number, own_stack):
    with running("up", *COMPOSE, "--subnet", number, "--stack", own_stack) as owner:
        awaited("its network", lambda: device(number).exists())
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        awaited("nothing left", lambda: not remains(engine, number))
    assert golive("status", *COMPOSE).returncode == 0  # the other one


def test_what_a_killed_guard_leaves_is_removed_by_the_next(engine, number, own_stack):
    with running("up", *COMPOSE, "--subnet", number, "--stack", own_stack) as owner:
        awaited("its network", lambda: device(number).exists())
        [guard] = [
            each
            for each in psutil.Process(owner.pid).children()
            if "golive.compose.guard" in each.cmdline()
        ]
        guard.kill()
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    assert remains(engine, number)

    golive("status", *COMPOSE)

    assert remains(engine, number) == []


def test_a_number_that_is_taken_is_refused(up, own_stack):
    said = golive("up", *COMPOSE, "--subnet", up.number, "--stack", own_stack)

    assert said.returncode == 2
    assert f"compose replica {up.number} runs already" in said.stderr
