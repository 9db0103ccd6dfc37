import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven
from golive.probes.workers import OWN, _worker, workers

DIRECTORY = "/var/www/application"
WAIT = "import sys; print(flush=True); sys.stdin.read()"


@contextlib.contextmanager
def process(root: Path, script: str, environment: dict[str, str]) -> Iterator[int]:
    """A process in the application's directory; it ends with its standard input."""
    directory = root / DIRECTORY.removeprefix("/")
    directory.mkdir(parents=True, exist_ok=True)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", WAIT, script],
        cwd=directory,
        env=environment,
        stdin=pipe,
        stdout=pipe,
    ) as running:
        try:
            assert running.stdout is not None
            running.stdout.readline()
            yield running.pid
        finally:
            running.kill()


def machine(root: Path) -> Machine:
    return Machine("app-1", Host(connection="local://", root=root))


def test_a_worker_is_told_from_pm2_and_from_other_directories(tmp_path: Path):
    settings = json.dumps({"NODE_ENV": "production", "PORT": 3000, "env": {"PORT": 1}})
    given = {"HOME": "/home", "PORT": "2", "pm2_env": settings}
    before = time.time()
    with (
        process(tmp_path, "server.js", given) as worker,
        process(tmp_path, "pm2", {}),
        process(tmp_path / "other", "server.js", {}),
    ):
        after = time.time()
        (seen,) = workers(machine(tmp_path), DIRECTORY)
    assert (seen.pid, seen.user) == (worker, psutil.Process().username())
    assert before - 2 <= seen.started_s <= after + 1
    assert dict(seen.given) == {"HOME": "/home", "NODE_ENV": "production", "PORT": "3000"}


def test_a_process_of_a_probe_is_no_worker(tmp_path: Path):
    with (
        process(tmp_path, "server.js", {"HOME": "/home"}) as worker,
        process(tmp_path, "server.js", {OWN: "readiness"}),
    ):
        assert [each.pid for each in workers(machine(tmp_path), DIRECTORY)] == [worker]


def test_what_a_worker_was_given_is_not_shown(tmp_path: Path):
    with process(tmp_path, "server.js", {"JWT_SECRET": "hush"}):
        seen = workers(machine(tmp_path), DIRECTORY)
    assert "hush" not in repr(seen)


def test_without_a_worker_nothing_is_proven(tmp_path: Path):
    with (
        process(tmp_path, "pm2", {}),
        pytest.raises(Unproven, match=r"app-1: no process runs .*server\.js"),
    ):
        workers(machine(tmp_path), DIRECTORY)


def test_in_an_empty_directory_nothing_is_proven(tmp_path: Path):
    with pytest.raises(Unproven, match="no process runs"):
        workers(machine(tmp_path), DIRECTORY)


def test_a_worker_that_has_ended_since_it_was_listed_is_none():
    with subprocess.Popen(["/bin/true"]) as gone:
        gone.wait()
    assert (
        _worker(machine(Path("/")), f"{gone.pid} root Sun Nov 22 12:00:00 2026 node server.js")
        is None
    )
