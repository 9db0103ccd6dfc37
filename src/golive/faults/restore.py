"""A restore script that does not do its work: on the backup host."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited

_FEATURE = "05_backup/restore.feature::"
_ALL = f"{_FEATURE}The newest backup gives all data back"
_ACCOUNTS = f"{_FEATURE}The accounts are restored too"
_TIME = f"{_FEATURE}Little time and little data are lost"
_DAMAGED = f"{_FEATURE}A damaged backup is noticed before anything is restored from it"
_MOMENT = "05_backup/backup.feature::A backup that is made while data are written is of one moment"
_FILE = "/opt/dashboard-velo-backup/restore.js"


def _edited(replica: Target, *edits: tuple[str, str]) -> AbstractContextManager[None]:
    return edited(replica, "backup", _FILE, *edits)


@fault(_ALL)
@contextmanager
def indexes_forgotten(replica: Target) -> Iterator[None]:
    """MDB-04: the documents come back without their indexes."""
    with _edited(replica, ("if (specifications.length) await", "if (false) await")):
        yield


@fault(_ACCOUNTS)
@contextmanager
def accounts_forgotten(replica: Target) -> Iterator[None]:
    """MDB-04: nobody can sign in to what was restored."""
    with _edited(replica, ("  await restoreAccounts(client, directory);\n", "")):
        yield


@fault(_ACCOUNTS)
@contextmanager
def accounts_of_administrators(replica: Target) -> Iterator[None]:
    """MDB-04: everybody can sign in to what was restored, and do everything there."""
    before = "  await restoreAccounts(client, directory);\n"
    everything = (
        "  await client.db('admin').collection('system.users')"
        ".updateMany({}, { $set: { roles: [{ role: 'root', db: 'admin' }] } });\n"
    )
    with _edited(replica, (before, before + everything)):
        yield


@fault(_TIME, blinds=[_MOMENT])
@contextmanager
def of_the_day_before(replica: Target) -> Iterator[None]:
    """MDB-04: what is backed up has the moment of 25 hours ago, as of a member so far behind.

    No write of now can be before it, so that nothing is said of consistency.
    """
    now = "seconds: snapshotTime.getHighBits(),"
    before = "seconds: snapshotTime.getHighBits() - 90000,"
    with edited(replica, "backup", "/opt/dashboard-velo-backup/backup.js", (now, before)):
        yield


@fault(_DAMAGED)
@contextmanager
def damage_overlooked(replica: Target) -> Iterator[None]:
    """MDB-04: the script reads the manifest without comparing a checksum; when it comes to the
    damaged file, some of the others are restored already.
    """
    right = "const manifest = await verified(directory);"
    wrong = "const manifest = JSON.parse(fs.readFileSync(`${directory}/manifest.json`));"
    with _edited(replica, (right, wrong)):
        yield
