"""Roll back on a server of the drill's own: to a good backup, without one, and in vain."""

import json
import shutil
import time
import uuid
from dataclasses import dataclass, replace

from golive.drills import releases
from golive.drills.deploy import first, settled_s
from golive.drills.deploy_failures import UNSHARE, require_mounts
from golive.drills.deployed import BACKUP_DIR, DEPLOY_DIR, Files, files
from golive.drills.rehearsal import Rehearsal, Run
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
# Enough for what is deployed; a file takes what is left.
_DISK = "16m"
_ON_A_FULL_DISK = """\
mount -t tmpfs -o size=%(size)s tmpfs /mnt && cp -a '%(place)s/.' /mnt/ &&
  mount --bind /mnt '%(place)s' && cd . || exit 125
cat /dev/zero >'%(place)s/full' 2>/dev/null
"$@"
status=$?
cp -a '%(deployed)s/.' '%(seen)s/'
exit $status
"""


@dataclass(frozen=True)
class RolledBack:
    """A rollback from the second release to the first; a damaged archive was the newest backup.

    `recovered_s` is the time until the first release answered, and none but it; None: it did not.
    `second` is another rollback after it: only the release that was left has a good backup then.
    `expected` are the files as they were when the first release was deployed. `written` and
    `read` are the status of what the second release stored, and of what the first found of it.
    """

    run: Run
    second: Run
    recovered_s: float | None
    expected: Files
    written: int
    read: int


@dataclass(frozen=True)
class Full:
    """A rollback with no space left on the disk; `files` are those deployed there afterwards."""

    run: Run
    files: Files


def rolled_back(rehearsal: Rehearsal) -> RolledBack:
    """To the newest good backup, under traffic that includes long requests."""
    expected = rehearsal.result(first).after.files
    rehearsal.ensure(releases.SECOND)
    # One that fails has archived what runs: so the newest backup is no way back (finding 42).
    rehearsal.run("deploy.sh", "production", "v9.9.9")
    rider = _Rider(rehearsal)
    written = rider.write()
    damaged = rehearsal.host.path(f"{BACKUP_DIR}/dashboard-velo-api-29991231235959-v0-0.tar.gz")
    damaged.write_bytes(rehearsal.backups()[-1].read_bytes()[:1000])
    run = rehearsal.run("rollback.sh", long=True)
    damaged.unlink()
    read = rider.read()
    return RolledBack(
        run=run,
        second=rehearsal.run("rollback.sh"),
        recovered_s=settled_s(run, releases.FIRST),
        expected=expected,
        written=written.status,
        read=read.status,
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


def full(rehearsal: Rehearsal) -> Full:
    """The disk with the releases is full; only the script sees that, in a mount namespace."""
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
    }
    run = rehearsal.run("rollback.sh", within=(*UNSHARE, "sh", "-c", script, "sh"))
    return Full(run, files(seen))


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
        """Store an activity."""
        body = json.dumps(_ACTIVITY).encode()
        headers = self._headers
        answer = request(self._site, _ACTIVITIES, method="POST", headers=headers, body=body)
        if answer.status == 201:
            self._id = json.loads(answer.body)["_id"]
        return answer

    def read(self) -> Response:
        """Ask for it."""
        return request(self._site, f"{_ACTIVITIES}/{self._id}", headers=self._headers[:1])
