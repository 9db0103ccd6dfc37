"""Drills with the stack's scripts, with the document's own, and broken off in the middle."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from golive.drills import deploy, rollback
from golive.drills.deploy_failures import FAILURES
from golive.drills.host import Origin
from golive.drills.rehearsal import Rehearsal, begin
from golive.replica.reap import members

ROOT = Path(__file__).parents[2]
DOCUMENTED = ROOT / "environments/documented/deploy"

# Begins to deploy, and is killed.
DEPLOYING = """
import sys
from pathlib import Path
from golive.drills import deploy
from golive.drills.host import Origin
from golive.drills.rehearsal import begin
replica, *numbers = sys.argv[1:]
begin(Origin(Path(replica), *map(int, numbers))).result(deploy.first)
"""


@contextmanager
def rehearsing(origin: Origin) -> Iterator[Rehearsal]:
    rehearsal = begin(origin)
    try:
        yield rehearsal
    finally:
        rehearsal.close()
    assert drills(origin) == []
    assert list(members(origin.replica)) == []


def drills(origin: Origin) -> list[Path]:
    return list(origin.replica.glob("drill-*"))


def test_the_stacks_own_script(origin):
    with rehearsing(origin) as rehearsal:
        first = rehearsal.result(deploy.first)
        assert (first.status, first.before.version, first.after.version) == (0, None, "1.0.0")
        assert first.after.processes
        assert first.after.named("node_modules/release-note/index.js")
        assert first.traffic.lost  # nobody answered at first

        failed = FAILURES["build"](rehearsal)
        assert failed.status != 0
        assert failed.after == failed.before
        assert failed.before.version == "1.1.0"
        assert not failed.traffic.lost
        assert rehearsal.result(deploy.first) is first  # asked again, it is not run again


@pytest.fixture
def documented(stack: Path) -> None:
    shutil.rmtree(stack / "deploy")
    shutil.copytree(DOCUMENTED, stack / "deploy")


@pytest.mark.usefixtures("documented")
def test_the_documents_own_scripts(request):
    """Findings 36 to 43, by the drills that judge the stack's: they say that all went well."""
    with rehearsing(request.getfixturevalue("origin")) as rehearsal:  # of the changed stack
        first = rehearsal.result(deploy.first)
        assert first.status == 0
        assert "succès" in first.said
        assert first.after.version is None  # 37: node_modules is never shipped
        unknown = FAILURES["checkout"](rehearsal)
        assert unknown.before.version == "1.1.0"  # by hand
        assert unknown.status == 0  # 36: it goes on
        assert unknown.after != unknown.before  # 38: v1.0.0 is deployed, whatever is asked for

        over = rehearsal.result(deploy.upgrade)
        assert over.run.status == 0
        assert not over.upload_kept  # 39: rsync --delete
        assert over.archives
        assert all(each.mode & 0o044 for each in over.archives)  # 40: with the secrets in it
        assert over.snapshot is None  # 41

        back = rollback.rolled_back(rehearsal)
        assert back.run.status == 0
        assert "succès" in back.run.said
        # 42: it takes the newest archive, here a damaged one; 43: and removes everything before.
        assert dict(back.expected).keys() - dict(back.run.after.files).keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_drill_that_is_broken_off_leaves_nothing(origin, number):
    command = [sys.executable, "-c", DEPLOYING, str(origin.replica)]
    numbers = map(str, (origin.number, origin.http, origin.https))
    with subprocess.Popen([*command, *numbers], env=os.environ, stderr=subprocess.DEVNULL) as drill:
        deadline = time.monotonic() + 120
        while not list(origin.replica.glob("drill-*/host/var/lib/pm2.blue/pm2.pid")):
            assert time.monotonic() < deadline
            assert drill.poll() is None
            time.sleep(0.02)
        assert list(members(origin.replica))
        drill.send_signal(number)
        drill.wait(60)
    deadline = time.monotonic() + 60
    while drills(origin) or list(members(origin.replica)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with rehearsing(origin) as rehearsal:  # the next one works
        assert rehearsal.version() is None
