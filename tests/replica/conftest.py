"""One replica for all tests of a module that only look."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .commands import Replica, copy_of_stack, free_number, golive


@dataclass(frozen=True)
class Up:
    """A replica, and what `golive up --verbose` said of it."""

    replica: Replica
    said: subprocess.CompletedProcess[str]


@pytest.fixture(scope="package")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the stack for the replicas that these tests keep, found by nobody else."""
    return copy_of_stack(tmp_path_factory.mktemp("stack") / "stack")


@pytest.fixture(scope="package")
def up(own_stack: Path) -> Iterator[Up]:
    number = free_number()
    said = golive("up", "--subnet", number, "--stack", own_stack, "--verbose")
    try:
        assert said.returncode == 0, said.stderr
        yield Up(Replica(number), said)
    finally:
        golive("down", number)


@pytest.fixture(scope="package")
def replica(up: Any) -> Replica:
    """A replica that is ready, for all who leave it as it is."""
    found = up.replica
    assert isinstance(found, Replica)
    return found


@pytest.fixture
def number() -> Iterator[int]:
    """The number of a replica that is gone after the test, with its processes."""
    free = free_number()
    try:
        yield free
    finally:
        if Replica(free).directory.exists():
            golive("down", free)
    assert Replica(free).remains() == []
