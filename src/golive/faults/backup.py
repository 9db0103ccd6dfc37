"""Backups that nobody makes, keeps or hides as they should be: on the backup host."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited

_FEATURE = "05_backup/backup.feature::"
_RESTORE = "05_backup/restore.feature::"
_DAILY = f"{_FEATURE}A backup is made every day"
_RECENT = f"{_FEATURE}The newest backup is less than a day old"
_WHOLE = f"{_FEATURE}The newest backup is as it was written"
_DAYS = f"{_FEATURE}No backup is older than 7 days, and no day is missing since the oldest"
_PRIVATE = f"{_FEATURE}Nobody but their owner can read the backups"
_SEVEN = f"{_FEATURE}Seven days are kept, and older backups removed"
_MOMENT = f"{_FEATURE}A backup that is made while data are written is of one moment"
_RESTORED = tuple(
    f"{_RESTORE}{name}"
    for name in (
        "The newest backup gives all data back",
        "The accounts are restored too",
        "Little time and little data are lost",
        "A damaged backup is noticed before anything is restored from it",
    )
)
_DIRECTORY = "/opt/dashboard-velo-backup"
_CRON = "/etc/cron.d/dashboard-velo-backup"


def _edited(replica: Target, file: str, *edits: tuple[str, str]) -> AbstractContextManager[None]:
    return edited(replica, "backup", f"{_DIRECTORY}/{file}", *edits)


@fault(_DAILY)
@contextmanager
def backed_up_weekly(replica: Target) -> Iterator[None]:
    """MDB-04: cron runs the job on Sundays only."""
    with edited(replica, "backup", _CRON, ("30 2 * * * ", "30 2 * * 0 ")):
        yield


@fault(_RECENT, _DAYS, _SEVEN, blinds=(_WHOLE, _MOMENT, *_RESTORED))
@contextmanager
def backup_fails(replica: Target) -> Iterator[None]:
    """MDB-04: the job ends at once, so that the newest backup is an old one, and none is removed.

    Those of the days before have nothing in them, and what is not there cannot be judged.
    """
    first = "  process.umask(0o077);\n"
    with _emptied(replica), _edited(replica, "backup.js", (first, f"{first}  return;\n")):
        yield


@fault(_WHOLE, *_RESTORED[:3])
@contextmanager
def checksum_of_something_else(replica: Target) -> Iterator[None]:
    """MDB-04: a checksum is not that of its file; restore.js restores no such backup."""
    right = "await sumOf(path.join(directory, file))}  ${file}"
    wrong = f"file === MANIFEST ? '0'.repeat(64) : {right}"
    with _edited(replica, "archive.js", (f"lines.push(`${{{right}", f"lines.push(`${{{wrong}")):
        yield


@fault(_DAYS, _SEVEN)
@contextmanager
def kept_for_thirty_days(replica: Target) -> Iterator[None]:
    """MDB-04: KEEP_DAYS is 30; what is kept shows in the run and in the directory."""
    with _emptied(replica), _edited(replica, "backup.env", ('KEEP_DAYS="7"', 'KEEP_DAYS="30"')):
        yield


@fault(_PRIVATE)
@contextmanager
def readable_by_all(replica: Target) -> Iterator[None]:
    """MDB-04: files are made 0644 in directories of 0755."""
    edits = ("process.umask(0o077)", "process.umask(0o022)")
    file = ("mode: 0o600", "mode: 0o644")
    with (
        _emptied(replica),
        _edited(replica, "backup.js", edits),
        _edited(replica, "archive.js", file),
    ):
        yield


@fault(_MOMENT)
@contextmanager
def each_collection_of_its_own_moment(replica: Target) -> Iterator[None]:
    """MDB-04: the job reads each collection as it is when its turn comes."""
    one = "for (const each of listed) contents.push("
    anew = "for (const each of listed) { delete session.snapshotTime; contents.push("
    end = ("session, directory, each));", "session, directory, each)); }")
    with _edited(replica, "backup.js", (one, anew), end):
        yield


@contextmanager
def _emptied(replica: Target) -> Iterator[None]:
    """With no backup there, and none afterwards: those of other runs would stand beside."""
    _empty(replica)
    try:
        yield
    finally:
        _empty(replica)


def _empty(replica: Target) -> None:
    shutil.rmtree(replica.path("backup", "/var/backups/mongodb"), ignore_errors=True)
