"""Roll back on a server of the drill's own: to a good backup, without one, and in vain."""

import hashlib
import io
import json
import re
import shutil
import tarfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from golive.drills import releases
from golive.drills.deploy import first, settled_s
from golive.drills.deploy_failures import UNSHARE, require_mounts
from golive.drills.deployed import BACKUP_DIR, DEPLOY_DIR, Files, files
from golive.drills.rehearsal import Rehearsal, Run
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import parse
from golive.probes.http import Response, request
from golive.probes.token import forge

_ACTIVITIES = "/api/v1/riders/me/activities"
_ACTIVITY = {
    "name": "Sortie d’essai",
    "startedAt": "2026-01-01T08:00:00Z",
    "distanceKm": 12,
    "durationS": 1800,
    "elevationM": 90,
}
_OLDER = "dashboard-velo-api-20000101000000-v0.9.0-0.tar.gz"
_DAMAGED = "dashboard-velo-api-29991231235959-v0-0.tar.gz"
_UNPREPARED = 125
# Enough for what is deployed; a file takes what is left.
_DISK = "16m"
_ON_A_FULL_DISK = """\
mount -t tmpfs -o size=%(size)s tmpfs /mnt && cp -a '%(place)s/.' /mnt/ &&
  mount --bind /mnt '%(place)s' && cd . || exit %(unprepared)d
cat /dev/zero >'%(place)s/full' 2>/dev/null
"$@"
status=$?
cp -a '%(deployed)s/.' '%(seen)s/'
exit $status
"""


@dataclass(frozen=True)
class RolledBack:
    """A rollback from the second release to the first.

    The newest archive by its name is a damaged one; the newest good one by the file's time is that
    of an older release, v0.9.0. `second` is another rollback after it: besides v0.9.0 only the
    release that was left has a good backup then. `recovered_s` is the time until the first release
    answered, and none but it; None: it did not. `expected` are the files as they were when the
    first release was deployed. `stored` is what the second release has answered of an activity,
    `found` what the first one did, `listed` how it stands in the first one's list of them.
    """

    run: Run
    second: Run
    recovered_s: float | None
    expected: Files
    stored: Response
    found: Response
    listed: Mapping[str, Any] | None


def rolled_back(rehearsal: Rehearsal) -> RolledBack:
    """To the newest good backup, under traffic that includes long requests."""
    expected = rehearsal.result(first).after.files
    rehearsal.ensure(releases.SECOND)
    for archive in rehearsal.backups()[:1]:
        _plant(archive, rehearsal.host.path(f"{BACKUP_DIR}/{_OLDER}"))
    # One that fails has archived what runs: so the newest backup is no way back (finding 42).
    rehearsal.run("deploy.sh", "production", "v9.9.9")
    rider = _Rider(rehearsal)
    stored = rider.write()
    damaged = rehearsal.host.path(f"{BACKUP_DIR}/{_DAMAGED}")
    damaged.write_bytes(rehearsal.backups()[-1].read_bytes()[:1000])
    # For requests, enough of them to be lost, and for a share of which a few slow ones are little.
    rehearsal.host.configure(OBSERVE=2)
    run = rehearsal.run("rollback.sh", long=True)
    rehearsal.host.configure()
    damaged.unlink()
    found, listed = rider.read(), rider.listed()
    return RolledBack(
        run=run,
        second=rehearsal.run("rollback.sh"),
        recovered_s=settled_s(run, releases.FIRST),
        expected=expected,
        stored=stored,
        found=found,
        listed=listed,
    )


def without_backup(rehearsal: Rehearsal) -> Run:
    """No backup was ever made."""
    rehearsal.ensure(releases.SECOND)
    backups = rehearsal.host.path(BACKUP_DIR)
    aside = backups.rename(backups.with_name("aside"))
    try:
        return rehearsal.run("rollback.sh")
    finally:
        shutil.rmtree(backups, ignore_errors=True)
        aside.rename(backups)


def damaged(rehearsal: Rehearsal) -> Run:
    """Every backup is cut off in the middle."""
    rehearsal.ensure(releases.SECOND)
    whole = {each: each.read_bytes() for each in rehearsal.backups()}
    try:
        for archive, content in whole.items():
            archive.write_bytes(content[: len(content) // 2])
        return rehearsal.run("rollback.sh")
    finally:
        for archive, content in whole.items():
            archive.write_bytes(content)


def full(rehearsal: Rehearsal) -> Run:
    """The disk with the releases is full; only the script sees that, in a mount namespace.

    The files after it are those on that disk. Raises Unproven where it cannot be filled.
    """
    require_mounts()
    rehearsal.ensure(releases.SECOND)
    host = rehearsal.host
    seen = host.directory / "seen"
    seen.mkdir()
    script = _ON_A_FULL_DISK % {
        "size": _DISK,
        "place": host.path("/var/www"),
        "deployed": host.path(DEPLOY_DIR),
        "seen": seen,
        "unprepared": _UNPREPARED,
    }
    run = rehearsal.run("rollback.sh", within=(*UNSHARE, "sh", "-c", script, "sh"))
    if run.status == _UNPREPARED:
        raise Unproven(f"no disk could be filled: {run.said}", Whose.OURS)
    return replace(run, after=replace(run.after, files=files(seen)))


def _plant(archive: Path, older: Path) -> None:
    """Make an archive of v0.9.0 out of another release's, with its sum."""
    with tarfile.open(archive) as given, tarfile.open(older, "w:gz") as made:
        for each in given:
            file = given.extractfile(each) if each.isfile() else None
            content = file.read() if file else None
            if content is not None and each.name == "./package.json":
                content = re.sub(rb'"version": "[^"]*"', b'"version": "0.9.0"', content, count=1)
            if content is not None and each.name == "./RELEASE":
                content = re.sub(rb"(?m)^name=.*$", b"name=v0.9.0-0", content)
            each.size = len(content or b"")
            made.addfile(each, None if content is None else io.BytesIO(content))
    digest = hashlib.sha256(older.read_bytes()).hexdigest()
    older.with_name(f"{older.name}.sha256").write_text(f"{digest}  {older.name}\n")


class _Rider:
    """Somebody who is signed in, and has stored nothing yet."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        host = rehearsal.host
        self._site = replace(host.https, source=host.addresses["client"])
        now = int(time.time())
        claims = {"sub": str(uuid.uuid4()), "session": str(uuid.uuid4()), "iat": now}
        secret = parse(host.environment_file())["JWT_SECRET"]
        token = forge(claims | {"exp": now + 600, "jti": str(uuid.uuid4())}, secret)
        self._headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
        self._id = ""

    def write(self) -> Response:
        """Store an activity, and have it listed, so that the list is in the cache."""
        body = json.dumps(_ACTIVITY).encode()
        headers = self._headers
        answer = request(self._site, _ACTIVITIES, method="POST", headers=headers, body=body)
        if answer.status == 201:
            self._id = json.loads(answer.body)["_id"]
            self.listed()
        return answer

    def read(self) -> Response:
        """Ask for it."""
        return request(self._site, f"{_ACTIVITIES}/{self._id}", headers=self._headers[:1])

    def listed(self) -> Mapping[str, Any] | None:
        """How it stands in the list of the activities, None where it does not."""
        answer = request(self._site, _ACTIVITIES, headers=self._headers[:1])
        items = json.loads(answer.body)["items"] if answer.status == 200 else ()
        return next((each for each in items if each["_id"] == self._id), None)
