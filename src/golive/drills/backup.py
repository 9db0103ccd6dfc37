"""Run the backup job as cron would, while data are written; see what it made and removed.

MDB-04. Days that a replica has not lived are stood for by backups of earlier days, with nothing
in them: what the job removes, it knows by their names.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bson
from bson.errors import BSONError
from bson.timestamp import Timestamp

from golive.drills.hashes import Account, Held, accounts, held
from golive.drills.manifest import Manifest, manifest
from golive.drills.script import Ran, run
from golive.drills.writer import FIRST, LAST, Acknowledged, writing
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.backup import Backup, name_of, named
from golive.probes.cron import Job
from golive.probes.mongodb import Login, Member, connected

_BEFORE, _AFTER = 20, 5  # writes that are acknowledged before the job begins, and after its end
_EARLIER_DAYS = 9
_TIMEOUT_S = 30.0  # collections are made and dropped, and a majority waited for


@dataclass(frozen=True)
class Consistency:
    """What of the writes is in a backup that was made meanwhile.

    `acknowledged` of them had their answer while the job ran. `due` took effect before the
    backup's moment, of which `missing` are not in it; `later` took effect after it and are in
    it; of `torn` there is one half.
    """

    acknowledged: int
    due: int
    missing: int
    later: int
    torn: int


@dataclass(frozen=True)
class BackupDrill:
    """One run of the job. `made` is None where it left no new backup (and nothing is known of
    its content); `days` are the days before it of which there is a backup now, where there
    were `earlier_days` before.

    `live` are the application's collections that nobody changed meanwhile, `accounts` its
    users and roles.
    """

    ran: Ran
    made: Backup | None
    directory: str
    earlier_days: int
    days: tuple[int, ...]
    content: Manifest | None
    consistency: Consistency | None
    live: frozenset[Held]
    accounts: frozenset[Account]


def back_up(
    machine: Machine,
    job: Job,
    directory: str,
    node: str,
    primary: Member,
    admin: Login,
    database: str,
) -> BackupDrill:
    """Run `job` on the backup host while `database` is written, backups being in `directory`.

    `node` is the directory of the program that runs it. Raises Unproven.
    """
    place = Path(machine.path(directory))
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = datetime.now(UTC)
    for days in range(1, _EARLIER_DAYS + 1):
        (place / name_of(before - timedelta(days=days))).mkdir(mode=0o700, exist_ok=True)
    known = set(_backups(place))
    with connected(primary, admin, _TIMEOUT_S) as client:
        before_it = held(client[database])
        with writing(client, database) as writer:
            writer.more(_BEFORE)
            begun = len(writer.acknowledged)
            ran = run(
                ["/bin/sh", "-c", job.command], str(machine.host.root), node, dict(job.variables)
            )
            meanwhile = len(writer.acknowledged) - begun
            writer.more(_AFTER)
            acknowledged = tuple(writer.acknowledged)
        unchanged = before_it & held(client[database])
        permitted = accounts(client)
    made = max(set(_backups(place)) - known, key=lambda each: each.made, default=None)
    content = consistency = None
    if made is not None:
        content = manifest(place / made.name)
        consistency = _judged(place / made.name / database, content, acknowledged, meanwhile)
    left = sorted({(before.date() - each.made.date()).days for each in _backups(place)})
    return BackupDrill(
        ran=ran,
        made=made,
        directory=str(place),
        earlier_days=_EARLIER_DAYS,
        days=tuple(left),
        content=content,
        consistency=consistency,
        live=unchanged,
        accounts=permitted,
    )


def _backups(place: Path) -> Iterator[Backup]:
    return (each for each in map(named, (entry.name for entry in place.iterdir())) if each)


def _judged(
    place: Path, content: Manifest, acknowledged: tuple[Acknowledged, ...], meanwhile: int
) -> Consistency:
    first, last = (_numbers(place / f"{name}.bson.gz") for name in (FIRST, LAST))
    moment = Timestamp(content.seconds, content.increment)
    due = [each.number for each in acknowledged if each.at <= moment]
    later = [each for each in acknowledged if each.after is not None and each.after >= moment]
    return Consistency(
        acknowledged=meanwhile,
        due=len(due),
        missing=sum(number not in first or number not in last for number in due),
        later=sum(each.number in first or each.number in last for each in later),
        torn=len(first ^ last),
    )


def _numbers(file: Path) -> set[int]:
    try:
        return {each["_id"] for each in bson.decode_all(gzip.decompress(file.read_bytes()))}
    except FileNotFoundError:
        return set()  # not backed up: so everything is missing
    except (OSError, EOFError, BSONError) as error:
        raise Unproven(f"{file}: cannot be read: {error}", Whose.TARGET) from error
