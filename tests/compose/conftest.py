"""An engine for the tests that need one, and one replica of containers for all of them."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from golive.compose import control, images
from golive.compose import engine as engines
from golive.compose.engine import Engine
from golive.compose.state import ContainersState

from ..replica.commands import copy_of_stack, golive


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine, with every image; without one, the test is not run."""
    if not engines.answers():
        pytest.skip("not run: no container engine answers here (docs/compose.md)")
    found = engines.ensure(print)
    images.ensure(found, print)
    return found


@pytest.fixture(scope="package")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the stack for the replicas that these tests keep, found by nobody else."""
    return copy_of_stack(tmp_path_factory.mktemp("stack") / "stack")


@dataclass(frozen=True)
class Up:
    """A compose replica, and what `golive up` said of it."""

    number: int
    said: subprocess.CompletedProcess[str]

    @property
    def project(self) -> str:
        return control.project(self.number)

    @property
    def state(self) -> ContainersState:
        return ContainersState.read(control.directory(self.number))


@pytest.fixture(scope="package")
def up(engine: Engine, own_stack: Path) -> Iterator[Up]:
    taken = {each.number for each in control.running(engine)}
    number = max(set(control.NUMBERS) - taken)
    arguments = ("--environment", "compose", "--subnet", number, "--stack", own_stack)
    said = golive("up", *arguments)
    try:
        assert said.returncode == 0, said.stderr
        yield Up(number, said)
    finally:
        golive("down", "--environment", "compose", number)
    assert remains(engine, number) == []


def remains(engine: Engine, number: int) -> list[str]:
    """What is left of a compose replica: containers, networks, volumes, files, devices."""
    left = sorted(engine.projects(control.project(number)))
    left += [str(each) for each in (control.directory(number), device(number)) if each.exists()]
    return left


def device(number: int) -> Path:
    """The public network's device, and with it the clients' routes."""
    return Path(f"/sys/class/net/golive{number}")
