"""Judge the backups of MongoDB: when they are made, what of them there is, and what is in them."""

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from pytest_bdd import given, parsers, then

from golive import toolchain
from golive.drills.backup import BackupDrill, Consistency, back_up
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import Unproven, Whose
from golive.probes.backup import Store, damage, store
from golive.probes.cron import Job, jobs
from golive.probes.mongodb import Login, Member, primary_of
from golive.steps.expectation import listed, require
from golive.steps.mongodb import members

CRON = "/etc/cron.d/dashboard-velo-backup"
DIRECTORY = "/var/backups/mongodb"  # as the feature says
DATABASE = "dashboard-velo"
_SCRIPT = "backup.js"


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """A backup takes a second or two."""
    if "MDB-04" not in tags:
        return
    if environment.kind is Kind.REPLICA:
        measurements.queue(backed_up, measurements, *arguments(environment))
    if environment.kind is Kind.COMPOSE:
        measurements.queue(run_as_cron, backup_host(environment))


def backup_host(environment: Environment) -> Machine:
    """The host that makes the backups."""
    return machines(environment, "backup")[0]


def arguments(environment: Environment) -> tuple[Machine, tuple[Member, ...], Login]:
    """What the job's drill needs of a replica: the backup host, MongoDB and its administrator."""
    admin = Login("admin", credential(environment, "mongo-admin-password"))
    return backup_host(environment), members(environment), admin


def backed_up(
    measurements: Measurements, host: Machine, members: tuple[Member, ...], admin: Login
) -> BackupDrill:
    """The backup job of a replica, run once a session. Raises Unproven."""
    node = toolchain.ensure(lambda _: None).node.parent
    return measurements.result(
        back_up, host, _job(host), DIRECTORY, str(node), primary_of(members, admin), admin, DATABASE
    )


def run_as_cron(host: Machine) -> str:
    """What the job says, run now as cron would at night, as the owner of the backups.

    For a container, in which no cron runs. Raises Unproven where it fails.
    """
    parent = PurePosixPath(DIRECTORY).parent
    user, group = host.run("stat -c '%%u %%g' -- %s", str(parent)).split()
    rights = "setpriv --reuid %s --regid %s --clear-groups"
    return host.run(f"{rights} sh -c %s", user, group, _job(host).command)


def _job(host: Machine, script: str = _SCRIPT) -> Job:
    """The job of cron that runs the script. Raises Unproven where there is not exactly one."""
    found = [each for each in jobs(host, CRON) if script in each.command]
    if len(found) != 1:
        raise Unproven(f"{host.name}: {len(found)} jobs in {CRON} run {script}", Whose.TARGET)
    return found[0]


@then(
    parsers.parse(
        'cron has "{script}" run on the backup host with {hours:d} hours at most between two times'
    )
)
def run_often(environment: Environment, evidence: EvidenceLog, script: str, hours: int) -> None:
    host = backup_host(environment)
    job = _job(host, script)
    pause = job.longest_pause
    evidence.add("job of cron", job)
    evidence.add("longest time between two runs, in hours", pause / timedelta(hours=1))
    require(
        pause <= timedelta(hours=hours),
        expected=f"{hours} h at most between two runs",
        actual=f"{pause / timedelta(hours=1):g} h",
        where=f"{host.name}:{CRON}",
        look=f"cat {host.path(CRON)}",
    )


@given("the backup job has run", target_fixture="drill")
def job_has_run(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> BackupDrill | None:
    """In a replica it is run now; elsewhere cron has."""
    if environment.kind is Kind.COMPOSE:
        said = measurements.result(run_as_cron, backup_host(environment))
        evidence.add("the job", said.strip())
    if environment.kind is not Kind.REPLICA:
        return None
    drill = measurements.result(backed_up, measurements, *arguments(environment))
    evidence.add("the job", drill.ran)
    return drill


@then(
    parsers.parse('the newest backup in "{directory}" is less than {hours:d} hours old'),
)
def is_recent(environment: Environment, evidence: EvidenceLog, directory: str, hours: int) -> None:
    host = backup_host(environment)
    seen = _store(host, directory, evidence)
    age = datetime.now(UTC) - seen.newest.made
    evidence.add("age of the newest backup, in hours", round(age / timedelta(hours=1), 3))
    require(
        timedelta(0) <= age < timedelta(hours=hours),
        expected=f"less than {hours} h old",
        actual=f"{age / timedelta(hours=1):.1f} h: {seen.newest.name}",
        where=f"{host.name}:{directory}",
        look=f"ls {seen.directory}; the mail of {CRON}",
    )


@then(parsers.parse('every file of the newest backup in "{directory}" has its checksum'))
def is_whole(environment: Environment, evidence: EvidenceLog, directory: str) -> None:
    host = backup_host(environment)
    seen = _store(host, directory, evidence)
    newest = f"{seen.directory}/{seen.newest.name}"
    wrong = damage(host, newest)
    evidence.add("damage", wrong)
    require(
        not wrong,
        expected="every file as SHA256SUMS has it",
        actual=listed(wrong),
        where=f"{host.name}:{newest}",
        look=f"cd {newest} && sha256sum --check SHA256SUMS",
    )


@then(
    parsers.parse(
        '"{directory}" has a backup of each day since its oldest, of {days:d} days at most'
    )
)
def none_missing(
    environment: Environment, evidence: EvidenceLog, directory: str, days: int
) -> None:
    host = backup_host(environment)
    seen = _store(host, directory, evidence)
    oldest = seen.days[-1]
    require(
        oldest < days and seen.days == tuple(range(oldest + 1)),
        expected=f"backups of each day, {days} days at most",
        actual=f"days before the newest: {listed(seen.days)}",
        where=f"{host.name}:{directory}",
        look=f"ls {seen.directory}",
    )


@then(
    parsers.parse('nobody but its owner can read or change anything in "{directory}"'),
)
def is_private(environment: Environment, evidence: EvidenceLog, directory: str) -> None:
    host = backup_host(environment)
    seen = _store(host, directory, evidence)
    require(
        not seen.opened,
        expected="no permission of group and others: 0700 and 0600",
        actual=listed([f"{each.path} has mode {each.mode}" for each in seen.opened[:3]]),
        where=f"{host.name}:{directory}",
        look=f"find {seen.directory} -perm /077 -ls",
    )


@given(parsers.parse("there were backups of {days:d} days before"))
def days_before(drill: BackupDrill, days: int) -> None:
    if drill.earlier_days != days:
        raise Unproven(f"there were {drill.earlier_days}", Whose.OURS)


@then(parsers.parse("those of the last {days:d} days are kept, and no other"))
def are_kept(drill: BackupDrill, evidence: EvidenceLog, days: int) -> None:
    evidence.add("days before the run of which there is a backup", drill.days)
    require(
        drill.days == tuple(range(days)),
        expected=f"backups of {listed(list(range(days)))} days before",
        actual=listed(list(drill.days)),
        where=drill.directory,
        look="KEEP_DAYS in backup.env, and what backup.js removes",
    )


@given(
    parsers.parse(
        "{count:d} writes at least were acknowledged before its moment, and some while it ran"
    ),
    target_fixture="consistency",
)
def written_meanwhile(drill: BackupDrill, evidence: EvidenceLog, count: int) -> Consistency:
    seen = drill.consistency
    if seen is None:
        raise Unproven(f"the job has made no backup: {drill.ran.said}", Whose.TARGET)
    evidence.add("writes, and what of them is in the backup", seen)
    if seen.due < count or not seen.acknowledged:
        raise Unproven(f"too few writes to tell anything: {seen}", Whose.OURS)
    return seen


@then("it has every write that was acknowledged before its moment")
def none_lost(drill: BackupDrill, consistency: Consistency) -> None:
    require(
        consistency.missing == 0,
        expected=f"all of {consistency.due} writes",
        actual=f"{consistency.missing} are not in it",
        where=f"{drill.directory}/{drill.made.name if drill.made else ''}",
        look="backup.js: one session with { snapshot: true } for all collections",
    )


@then("it has none of a later one, and no half of any")
def of_one_moment(drill: BackupDrill, consistency: Consistency) -> None:
    require(
        consistency.later == consistency.torn == 0,
        expected="no write of a later moment, and both halves of each",
        actual=f"{consistency.later} of a later moment, {consistency.torn} in half",
        where=f"{drill.directory}/{drill.made.name if drill.made else ''}",
        look="backup.js: one session with { snapshot: true } for all collections",
    )


def _store(host: Machine, directory: str, evidence: EvidenceLog) -> Store:
    """What is there. That there is nothing is a failure, wherever one looks."""
    seen = store(host, directory)
    require(
        seen is not None,
        expected="a backup at least",
        actual="none",
        where=f"{host.name}:{directory}",
        look=f"ls {host.path(directory)}; the mail of {CRON}",
    )
    assert seen is not None  # noqa: S101 (required a moment ago)
    evidence.add("backups", [each.name for each in seen.backups])
    return seen
