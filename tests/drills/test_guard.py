"""Nothing of a drill stays, however whoever holds it goes: in order, killed, or with its guard."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from golive.drills.guard import guarded
from golive.replica.reap import MARK, members

# Begins a drill with a daemon in it, as PM2 is one, tells of it, and waits.
HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from golive.drills.guard import guarded
from golive.replica.reap import MARK
with guarded(Path(sys.argv[1])) as directory:
    daemon = "import os, time\\nif os.fork() == 0:\\n    os.setsid()\\n    time.sleep(600)"
    subprocess.run([sys.executable, "-c", daemon], env={**os.environ, MARK: str(directory)})
    print(directory, flush=True)
    sys.stdin.read()
"""


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def holder(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def begun(holder: "subprocess.Popen[str]") -> Path:
    directory = Path(holder.stdout.readline().strip())
    assert len(list(members(directory))) == 1
    return directory


def guard_of(holder: "subprocess.Popen[str]") -> psutil.Process:
    return next(
        each
        for each in psutil.Process(holder.pid).children()
        if "golive.drills.guard" in each.cmdline()
    )


def gone(directory: Path) -> bool:
    return not directory.exists() and not list(members(directory))


def test_a_drill_that_ends_in_order(holder):
    directory = begun(holder)
    holder.stdin.close()
    assert holder.wait(60) == 0
    assert gone(directory)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_drill_whose_holder_is_stopped(holder, number):
    directory = begun(holder)
    holder.send_signal(number)
    holder.wait(60)
    until(lambda: gone(directory))


def test_a_drill_whose_guard_is_killed_too_is_cleared_by_the_next(holder, tmp_path):
    directory = begun(holder)
    guard = guard_of(holder)
    guard.kill()
    holder.kill()
    holder.wait(60)
    assert not gone(directory)
    with guarded(tmp_path) as another:
        assert gone(directory)
        assert another.is_dir()
    assert gone(another)


def test_one_drill_at_a_time(holder, tmp_path):
    directory = begun(holder)
    waiting = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with waiting:
        holder.stdin.close()
        other = Path(waiting.stdout.readline().strip())
        assert gone(directory)
        assert other.is_dir()
        waiting.stdin.close()
    assert gone(other)


def test_somebody_elses_process_is_left_alone(tmp_path):
    marked = {**os.environ, MARK: str(tmp_path / "drill-other")}
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=marked)
    with other:
        with guarded(tmp_path):
            pass
        assert other.poll() is None
        other.stdin.close()
