"""Drills with the stack's scripts, with the document's own, and broken off in the middle."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from golive.drills import by_hand, deploy, rollback
from golive.drills.deploy_failures import FAILURES
from golive.drills.deployed import BACKUP_DIR, DEPLOY_DIR
from golive.drills.host import Origin
from golive.drills.rehearsal import Rehearsal, Run, begin
from golive.drills.releases import FIRST, INCOMPLETE, SECOND, UNHEALTHY, Repository
from golive.gate.evidence import EvidenceLog
from golive.replica.reap import members
from golive.steps import deploy as deploy_steps
from golive.steps import drill as drill_steps
from golive.steps import rollback as rollback_steps

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


UPSTREAM = "/etc/nginx/upstream.conf"


def test_what_the_stacks_scripts_make_of_a_server_that_is_not_in_order(origin):
    with rehearsing(origin) as rehearsal:
        host, repository = rehearsal.host, rehearsal.repository
        rehearsal.ensure(FIRST)
        repository.move_tag("release/1.1.0", repository.commit(SECOND))
        slash = rehearsal.run("deploy.sh", "production", "release/1.1.0")
        assert (slash.status, slash.after.version) == (0, "1.1.0")

        # What is archived then has no slash, and of what is too old the way back stays.
        host.configure(KEEP=2)
        for number in range(3):
            damaged = f"dashboard-velo-api-2999010100000{number}-v0-0.tar.gz"
            host.path(f"{BACKUP_DIR}/{damaged}").write_bytes(b"")
        archived = rehearsal.run("deploy.sh", "production", "v9.9.9")
        host.configure()
        assert "étape: Récupération du code" in archived.said
        names = sorted(each.name.split("-", 3)[3] for each in rehearsal.backups())
        first = f"v1.0.0-{repository.commit(FIRST)[:12]}.tar.gz"
        second = f"release-1.1.0-{repository.commit(SECOND)[:12]}.tar.gz"
        kept = [first, second, "v0-0.tar.gz", "v0-0.tar.gz"]
        assert [each.partition("-")[2] for each in names] == kept
        assert len(list(host.path(BACKUP_DIR).glob("*.sha256"))) == 2

        # Of two workers one crashes; the other says that it is well.
        half = half_a_release(repository)
        crashing = rehearsal.run("deploy.sh", "production", half)
        assert "un processus de la nouvelle version n’est pas prêt" in crashing.said
        assert crashing.status != 0
        drill_steps.unchanged(crashing)

        # A switch that was killed: nginx's file names the other, the link does not.
        upstream = host.path(UPSTREAM)
        live, at = upstream.read_text(), host.addresses
        upstream.write_text(live.replace(at["green"], at["blue"]))
        unfinished = rehearsal.run("rollback.sh", "and its arguments do not count")
        assert (unfinished.status, unfinished.after.version) == (0, "1.0.0")
        assert not unfinished.traffic.lost

        before = upstream.read_text()
        upstream.write_text(f"{before}server {at['green']}:3000;\n")
        both = rehearsal.run("deploy.sh", "production", SECOND)
        assert "nomme 2 adresses" in both.said
        red(drill_steps.answers, both, "1.1.0")
        assert both.status != 0
        drill_steps.unchanged(both)
        upstream.write_text(before)

        by_hand.empty(host, repository)
        alone = rehearsal.run("deploy.sh", "production", INCOMPLETE)
        assert alone.status != 0
        assert "sans autre, elle reste en service" in alone.said
        link = host.path(DEPLOY_DIR)
        aside = link.rename(link.with_name("aside"))
        lost = rehearsal.run("deploy.sh", "production", FIRST)
        aside.rename(link)
        assert lost.status != 0
        assert "refaites le lien" in lost.said
        assert lost.after.version == INCOMPLETE.removeprefix("v")


def half_a_release(repository: Repository) -> str:
    """Publish the first release with two workers, of which the second crashes; its tag."""
    tag, place = "v1.3.0-half", repository.clone("half")
    server, settings = place / "server.js", place / "ecosystem.config.js"

    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=golive", "-c", "user.email=golive@localhost"]
        environment = repository.host.environment
        subprocess.run([*command, *arguments], cwd=place, env=environment, check=True)

    git("checkout", "--quiet", FIRST)
    crash = "if (process.env.NODE_APP_INSTANCE === '1') throw new Error('the second');\n"
    server.write_text(crash + server.read_text())
    settings.write_text(settings.read_text().replace("instances: 1", "instances: 2"))
    git("commit", "--quiet", "--all", "--message", tag)
    git("tag", tag)
    git("push", "--quiet", "origin", tag)
    return tag


@pytest.fixture
def documented(stack: Path) -> None:
    shutil.rmtree(stack / "deploy")
    shutil.copytree(DOCUMENTED, stack / "deploy")


def red(step: Callable[..., None], *arguments: object) -> None:
    with pytest.raises(AssertionError, match="expected:"):
        step(*arguments)


@pytest.mark.usefixtures("documented")
def test_the_documents_own_scripts(request):
    """Findings 36 to 44, by the steps that judge the stack's: they say that all went well."""
    with rehearsing(request.getfixturevalue("origin")) as rehearsal:  # of the changed stack
        impatient = rehearsal.host.path("/bin/sleep")  # they sleep where they could look
        impatient.write_text("#!/bin/sh\nexec /bin/sleep 1\n")
        impatient.chmod(0o755)
        first = rehearsal.result(deploy.first)
        assert first.status == 0
        assert "succès" in first.said
        red(drill_steps.answers, first, "1.0.0")  # 37: node_modules is never shipped
        unknown = FAILURES["checkout"](rehearsal)
        assert unknown.before.version == "1.1.0"  # by hand
        red(drill_steps.failed, unknown)  # 36: it goes on
        red(drill_steps.unchanged, unknown)  # 38: v1.0.0 is deployed, whatever is asked for

        over = rehearsal.result(deploy.upgrade)
        assert over.run.status == 0
        red(deploy_steps.commit_of_tag, over)  # 38
        red(deploy_steps.upload_kept, over)  # 39: rsync --delete
        assert over.archives
        red(deploy_steps.owner_only, over)  # 40: with the secrets in it
        red(deploy_steps.saved_before, over, EvidenceLog())  # 41: no snapshot
        assert [each.status for each in over.seconds] == [0]
        red(deploy_steps.others_refused, over)  # 41: no lock
        switched = rehearsal.result(deploy.switched)
        assert switched.back.status == 127
        red(deploy_steps.switched_within, switched, 10)  # 41: no blue and green
        unhealthy = deployed_unhealthy(rehearsal)
        assert (unhealthy.status, unhealthy.after.version) == (0, UNHEALTHY.removeprefix("v"))
        red(drill_steps.failed, unhealthy)  # 41: no look at its health
        red(drill_steps.unchanged, unhealthy)

        back = rollback.rolled_back(rehearsal)
        assert back.run.status == 0
        assert "succès" in back.run.said
        red(rollback_steps.exactly, back)
        # 43: everything is removed, and then the archive is not whole.
        assert dict(back.expected).keys() - dict(back.run.after.files).keys()
        red(drill_steps.answers, back.second, "0.9.0")
        assert back.second.after.named("docs/new")  # 42: of what was rolled back from

        older, gone = rolled_back_to_a_marker(rehearsal)
        assert older.status == 0
        assert older.after.named("marker")  # 44: the newest by the file's time
        assert older.after.named(".new-in-the-second")  # 44: dotfiles stay
        assert "succès" in gone.said
        red(drill_steps.failed, gone)  # 44: nothing was there


def deployed_unhealthy(rehearsal: Rehearsal) -> Run:
    """A release that is not ready. Their deploy.sh knows v1.0.0 only: that is moved to it."""
    rehearsal.ensure(SECOND)
    repository = rehearsal.repository
    local = replace(repository, origin=repository.workspace)
    local.move_tag(FIRST, repository.commit(UNHEALTHY))
    try:
        return rehearsal.run("deploy.sh", "production", FIRST)
    finally:
        local.move_tag(FIRST, repository.commit(FIRST))


def rolled_back_to_a_marker(rehearsal: Rehearsal) -> tuple[Run, Run]:
    """The oldest archive by its name is the newest by its time; then with nothing deployed."""
    rehearsal.ensure(SECOND)
    host = rehearsal.host
    archive = host.path(f"{BACKUP_DIR}/dashboard-velo-api-20000101000000.tar.gz")
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz") as made:
        made.addfile(tarfile.TarInfo("marker"))
    older = rehearsal.run("rollback.sh")
    aside = host.path(DEPLOY_DIR).rename(host.path(f"{DEPLOY_DIR}.aside"))
    gone = rehearsal.run("rollback.sh")
    assert not gone.after.files
    aside.rename(host.path(DEPLOY_DIR))
    return older, gone


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
