"""Judge what a restore of MongoDB gives back."""

from collections.abc import Set as AbstractSet

from pytest_bdd import parsers, then, when

from golive import toolchain
from golive.drills.restore import RestoreDrill, restore
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential
from golive.outcome import Unproven, Whose
from golive.probes.mongodb import Login, Member
from golive.steps.backup import DATABASE, arguments, backed_up
from golive.steps.expectation import column, listed, require

_SCRIPT = "/opt/dashboard-velo-backup/restore.js"
_WHERE = "a mongod of golive's own"
_PASSWORDS = {
    "exporter": "mongo-exporter-password",
    "backup": "mongo-backup-password",
    "admin": "mongo-admin-password",
}


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """A server starts, and is restored twice, in some seconds."""
    if environment.kind is Kind.REPLICA and "MDB-04" in tags:
        measurements.queue(_restored, measurements, *arguments(environment), _users(environment))


def _users(environment: Environment) -> tuple[Login, ...]:
    """Everybody who can sign in to the deployment."""
    named = {credential(environment, "username"): "mongo-password", **_PASSWORDS}
    return tuple(Login(user, credential(environment, key)) for user, key in named.items())


def _restored(
    measurements: Measurements,
    host: Machine,
    members: tuple[Member, ...],
    admin: Login,
    users: tuple[Login, ...],
) -> RestoreDrill:
    backup = measurements.result(backed_up, measurements, host, members, admin)
    if backup.made is None or backup.content is None:
        raise Unproven(f"the job has made no backup: {backup.ran.said}", Whose.TARGET)
    return measurements.result(
        restore,
        host,
        f"{backup.directory}/{backup.made.name}",
        _SCRIPT,
        str(toolchain.ensure(lambda _: None).node.parent),
        backup.content,
        backup.live,
        backup.accounts,
        DATABASE,
        users,
    )


@when("the newest backup is restored into an empty server", target_fixture="restored")
@when("a backup with one wrong bit is restored into an empty server", target_fixture="restored")
def restored(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> RestoreDrill:
    seen = measurements.result(
        _restored, measurements, *arguments(environment), _users(environment)
    )
    evidence.add("restore", seen)
    return seen


@then("the server has the documents and indexes that the backup says it holds")
def as_backed_up(restored: RestoreDrill) -> None:
    seen = restored.restored
    require(
        seen.ran.status == 0 and seen.arrived > 0 and not seen.unlike_backup,
        expected="every collection with its documents (dbHash), their number, its indexes",
        actual=f"status {seen.ran.status} ({seen.ran.said}), {seen.arrived} documents; "
        f"differing: {listed(seen.unlike_backup)}",
        where=_WHERE,
        look=f"MONGO_URI=... node {_SCRIPT} BACKUP",
    )


@then("it has what the deployment has, wherever nobody has changed that since")
def as_deployed(restored: RestoreDrill) -> None:
    seen = restored.restored
    if not seen.compared:
        raise Unproven("every collection has been changed meanwhile", Whose.OURS)
    require(
        not seen.unlike_live,
        expected=f"the same documents and indexes in: {listed(seen.compared)}",
        actual=f"differing: {listed(seen.unlike_live)}",
        where=_WHERE,
        look="db.runCommand({dbHash: 1}) and getIndexes() of both",
    )


@then("these users can sign in with their passwords")
def sign_in(restored: RestoreDrill, datatable: list[list[str]]) -> None:
    wanted = sorted(column(datatable))
    require(
        sorted(restored.restored.signed_in) == wanted,
        expected=listed(wanted),
        actual=listed(sorted(restored.restored.signed_in)),
        where=_WHERE,
        look="db.getSiblingDB('admin').getUsers()",
    )


@then("every user and every role may do what it may in the deployment, and no more")
def same_permissions(restored: RestoreDrill) -> None:
    require(
        not restored.restored.unlike_accounts,
        expected="the same roles and privileges",
        actual=f"differing: {listed(restored.restored.unlike_accounts)}",
        where=_WHERE,
        look="usersInfo and rolesInfo of both",
    )


@then(parsers.parse("the server serves again within {seconds:d} s"))
def in_time(restored: RestoreDrill, evidence: EvidenceLog, seconds: int) -> None:
    ran = restored.restored.ran
    evidence.add("recovery time (RTO), from an empty server on, in seconds", ran.seconds)
    require(
        ran.status == 0 and ran.seconds <= seconds,
        expected=f"restored within {seconds} s",
        actual=f"status {ran.status} after {ran.seconds} s: {ran.said}",
        where=_WHERE,
        look=f"MONGO_URI=... node {_SCRIPT} BACKUP",
    )


@then(parsers.parse("no data are lost but those of the last {hours:d} hours"))
def little_lost(restored: RestoreDrill, evidence: EvidenceLog, hours: int) -> None:
    lost_s = restored.restored.lost_s
    evidence.add("age of what was restored (RPO of now), in seconds", lost_s)
    require(
        0 <= lost_s <= hours * 3600,
        expected=f"the backup's moment is {hours} h ago at most",
        actual=f"{lost_s / 3600:.1f} h ago",
        where=_WHERE,
        look="snapshot in the backup's manifest.json",
    )


@then("the restore is refused, and names the damaged file")
def refused(restored: RestoreDrill) -> None:
    seen = restored.damaged
    require(
        seen.status != 0 and restored.damaged_file in seen.said,
        expected=f"a status other than 0, and a word of {restored.damaged_file}",
        actual=f"status {seen.status}: {seen.said}",
        where=_WHERE,
        look="restore.js: every checksum of SHA256SUMS, before anything else",
    )


@then("the server is still empty")
def still_empty(restored: RestoreDrill) -> None:
    require(
        restored.arrived == 0,
        expected="no document and no user",
        actual=f"{restored.arrived}",
        where=_WHERE,
        look="restore.js: every checksum of SHA256SUMS, before anything else",
    )
