"""Deploy good releases on a server of the drill's own, and one that is well but incomplete."""

import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from golive.drills import by_hand, releases
from golive.drills.deployed import DEPLOY_DIR, Files, files, packed
from golive.drills.rehearsal import Rehearsal, Run
from golive.drills.steady_client import Recording, steady

_SHARED = 100  # requests
_UPLOAD = "uploads/ride.gpx"
_TICK_S = 0.01
_WITHIN_S = 120.0


@dataclass(frozen=True)
class Archive:
    """An archive of deployed files: its own mode and its directory's, and what is in it."""

    name: str
    mode: int
    directory_mode: int
    files: Files


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of the database: how many documents it has, of those that there were.

    `early`: it was complete before the new release was started.
    """

    documents: int
    of: int
    early: bool


@dataclass(frozen=True)
class Second:
    """A script that was begun from another checkout while a deployment ran, and how it ended."""

    command: str
    status: int
    said: str


@dataclass(frozen=True)
class Upgrade:
    """A good release deployed over another. `snapshot` is None where none was made.

    `seconds` were begun while it was live and not yet verified; none after one that succeeded.
    `upload_kept`: what a user had uploaded is still there. `environment`: the deployed .env is the
    environment's own. `commit` is what the tag means, `checked_out` what was in the checkout.
    """

    run: Run
    seconds: tuple[Second, ...]
    archives: tuple[Archive, ...]
    snapshot: Snapshot | None
    upload_kept: bool
    environment: bool
    commit: str
    checked_out: str


@dataclass(frozen=True)
class Switched:
    """Changed over to the release before, and back, each with `switch.sh` alone.

    `immediate_s` is the time from the order to the first answer after which no other release
    answered, None where that never came.
    """

    back: Run
    back_s: float | None
    forth: Run
    forth_s: float | None


def first(rehearsal: Rehearsal) -> Run:
    """The first release, where nothing was deployed before."""
    by_hand.empty(rehearsal.host, rehearsal.repository)
    return rehearsal.run("deploy.sh", "production", releases.FIRST)


def upgrade(rehearsal: Rehearsal) -> Upgrade:
    """The second release over the first, under traffic that includes long requests."""
    rehearsal.ensure(releases.FIRST)
    host = rehearsal.host
    upload = host.path(f"{DEPLOY_DIR}/{_UPLOAD}")
    upload.parent.mkdir(exist_ok=True)
    upload.write_text("<gpx/>\n")
    known, saved = set(rehearsal.backups()), set(_snapshots(rehearsal))
    seconds: list[Second] = []
    host.configure(OBSERVE=1)  # for the others to come in time
    run = rehearsal.run(
        "deploy.sh",
        "production",
        releases.SECOND,
        long=True,
        meanwhile=lambda: seconds.extend(_seconds(rehearsal)),
    )
    host.configure()
    environment = rehearsal.repository.workspace / ".env.production"
    return Upgrade(
        run=run,
        seconds=tuple(seconds),
        archives=tuple(_archive(each) for each in rehearsal.backups() if each not in known),
        snapshot=_snapshot(rehearsal, run, [s for s in _snapshots(rehearsal) if s not in saved]),
        upload_kept=upload.is_file(),
        environment=dict(files(environment.parent)).get(environment.name)
        == run.after.named(".env"),
        commit=rehearsal.repository.commit(releases.SECOND),
        checked_out=rehearsal.repository.checked_out(),
    )


def switched(rehearsal: Rehearsal) -> Switched:
    """Back to the first release, which still runs, and forth again."""
    rehearsal.ensure(releases.SECOND)
    back = rehearsal.run("switch.sh", long=True)
    forth = rehearsal.run("switch.sh", long=True)
    return Switched(back, settled_s(back, releases.FIRST), forth, settled_s(forth, releases.SECOND))


def grown(rehearsal: Rehearsal) -> Recording:
    """What answers once the release before is one server more, in nginx's list of them.

    Recording begins when nginx's workers have read the list.
    """
    rehearsal.result(switched)
    upstream = rehearsal.host.path("/etc/nginx/upstream.conf")
    alone = upstream.read_text()
    at = rehearsal.host.addresses
    both = {at[colour]: f"server {at[colour]}:3000;\n" for colour in ("blue", "green")}
    try:
        upstream.write_text(alone + "".join(line for a, line in both.items() if a not in alone))
        rehearsal.host.reload_nginx()
        with steady(rehearsal.host.http) as recorder:
            recorder.more(_SHARED)
        return recorder.traffic()
    finally:
        upstream.write_text(alone)
        rehearsal.host.reload_nginx()


def settled_s(run: Run, tag: str) -> float | None:
    """Seconds until a release answered, and none but it from then on; None: it did not."""
    reigns = run.traffic.reigns
    if not reigns or reigns[-1].version != tag.removeprefix("v"):
        return None
    return reigns[-1].first_s


def incomplete(rehearsal: Rehearsal) -> Run:
    """A release that says it is well, and lacks what users ask for.

    What is asked for at the site another server answers, on which a good release runs.
    """
    rehearsal.ensure(releases.SECOND)
    host = rehearsal.host
    host.configure(SITE=f"http://{host.live_address()}:3000")
    try:
        return rehearsal.run("deploy.sh", "production", releases.INCOMPLETE)
    finally:
        host.configure()


def forth_to_incomplete(rehearsal: Rehearsal) -> Run:
    """`switch.sh`, once that release was switched back from: it still runs, and says it is well."""
    rehearsal.result(incomplete)
    return rehearsal.run("switch.sh")


def _seconds(rehearsal: Rehearsal) -> Iterator[Second]:
    """A deployment and a rollback while a deployment, which says so, verifies its release.

    It is stopped meanwhile, so that it ends after them however busy the machine is.
    """
    host, checkout = rehearsal.host, rehearsal.repository.clone("other")
    if not rehearsal.until_said("Vérification"):
        return
    with rehearsal.stopped() as alive:
        for words in (["deploy.sh", "production", releases.FIRST], ["rollback.sh"]):
            if not alive:
                return
            done = subprocess.run(
                [rehearsal.script(words[0]), *words[1:]],
                cwd=checkout,
                env=host.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_WITHIN_S,
                check=False,
            )
            said = (done.stdout + done.stderr)[-500:]
            yield Second(" ".join(words), done.returncode, said)
            if done.returncode == 0:
                return  # it has changed everything


def _archive(file: Path) -> Archive:
    directory = file.parent.stat().st_mode & 0o777
    return Archive(file.name, file.stat().st_mode & 0o777, directory, packed(file))


def _snapshots(rehearsal: Rehearsal) -> list[Path]:
    return sorted(rehearsal.host.path("/var/backups").glob("snapshot-*.json"))


def _snapshot(rehearsal: Rehearsal, run: Run, made: Iterable[Path]) -> Snapshot | None:
    file = next(iter(made), None)
    if file is None:
        return None
    documents = sum(map(len, json.loads(file.read_text()).values()))
    with rehearsal.host.database() as database:
        there = sum(
            database[name].estimated_document_count() for name in database.list_collection_names()
        )
    started = []
    for pid in run.after.processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            started.append(_started(pid))
    return Snapshot(
        documents, there, bool(started) and file.stat().st_mtime < min(started) + _TICK_S
    )


def _started(pid: int) -> float:
    """When a process was started, in Unix time, early by a tick (10 ms) at most: proc(5).

    psutil goes by when the machine was booted, which the kernel tells in whole seconds.
    """
    since_boot = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return boot + int(since_boot) / os.sysconf("SC_CLK_TCK")
