"""Judge deployments that a drill has made: what is deployed, what is saved, and who answers."""

import pytest
from pytest_bdd import given, parsers, then

from golive.drills import deploy
from golive.drills.deploy import Switched, Upgrade
from golive.drills.deploy_checks import CHECKS, NOTHING, Verified
from golive.drills.deploy_failures import FAILURES
from golive.drills.deployed import Files
from golive.drills.rehearsal import Run
from golive.drills.steady_client import Recording
from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.steps.drill import LOOK, WHERE, Drill, require_none_lost
from golive.steps.expectation import column, listed, require

_OTHERS = 0o077
_NOT_FOUND = 127  # as a shell says that there is no such command
_BESIDE = 2  # as the feature says


@given("v1.0.0 is deployed on an empty server", target_fixture="run")
def first(drill: Drill) -> Run:
    return drill.noted(drill(deploy.first))


@pytest.fixture
def upgrade(drill: Drill) -> Upgrade:
    """The second release, deployed over the first."""
    return drill(deploy.upgrade)


@given("v1.1.0 is deployed over it", target_fixture="run")
def deployed_over(drill: Drill, upgrade: Upgrade) -> Run:
    return drill.noted(upgrade.run)


@given("v1.1.0 is switched back to the release before, and forth again", target_fixture="switched")
def switched(drill: Drill, evidence: EvidenceLog) -> Switched:
    seen = drill(deploy.switched)
    drill.noted(seen.back)
    drill.noted(seen.forth)
    evidence.add("seconds until only the other answered", [seen.back_s, seen.forth_s])
    return seen


@given("the release before is added to nginx's servers", target_fixture="traffic")
def added(drill: Drill, evidence: EvidenceLog) -> Recording:
    traffic = drill(deploy.grown)
    evidence.add("answers by release", traffic.shares)
    return traffic


@given(parsers.parse("a deployment in which this is wrong: {what_is_wrong}"), target_fixture="run")
def failing(drill: Drill, what_is_wrong: str) -> Run:
    return drill.noted(drill.named(FAILURES, what_is_wrong))


@given(
    "another deployment, and a rollback, are begun while v1.1.0 is deployed", target_fixture="run"
)
def begun_together(drill: Drill, upgrade: Upgrade, evidence: EvidenceLog) -> Run:
    evidence.add("begun meanwhile", upgrade.seconds)
    return drill.noted(upgrade.run)


@given("a release is deployed that is well, and lacks a page", target_fixture="run")
def incomplete(drill: Drill) -> Run:
    return drill.noted(drill(deploy.incomplete))


@given("it is switched forth again to a release that was switched back from", target_fixture="run")
def forth_to_incomplete(drill: Drill) -> Run:
    return drill.noted(drill(deploy.forth_to_incomplete))


@given(
    parsers.parse("the live release is verified while {what_is_wrong}"), target_fixture="verified"
)
def verified(drill: Drill, evidence: EvidenceLog, what_is_wrong: str) -> Verified:
    seen = drill.named(CHECKS, what_is_wrong)
    evidence.add(f"verify.sh while {what_is_wrong}", seen)
    return seen


@then("the checkout is at the commit of the tag")
def commit_of_tag(upgrade: Upgrade) -> None:
    require(
        upgrade.checked_out == upgrade.commit,
        expected=upgrade.commit,
        actual=upgrade.checked_out,
        where=f"git rev-parse HEAD after {upgrade.run.command}",
        look=LOOK,
    )


@then("exactly the files that were deployed before are in an archive")
def archived(upgrade: Upgrade) -> None:
    before = upgrade.run.before.files
    if not before:
        raise Unproven("nothing was deployed before", Whose.TARGET)
    differing = [_differences(before, each.files) for each in upgrade.archives]
    require(
        [] in differing,
        expected=f"the {len(before)} files of {upgrade.run.before.version}",
        actual=f"other files: {listed(differing[0][:5])}" if differing else "no new archive",
        where=f"/var/backups after {upgrade.run.command}, {WHERE}",
        look="tar -tzf",
    )


@then("nobody but its owner can read it")
def owner_only(upgrade: Upgrade) -> None:
    modes = [(each.name, each.mode, each.directory_mode) for each in upgrade.archives]
    # Nobody reaches a file below a directory that he may not pass.
    open_ = [(name, f"{file:o}") for name, file, above in modes if file & _OTHERS & above]
    readable = [(name, f"{file:o}") for name, file, _ in modes if file & _OTHERS]
    require(
        bool(modes) and not open_ and not readable,
        expected="mode 600",
        actual=listed(readable) if modes else "no new archive",
        where=f"/var/backups after {upgrade.run.command}, {WHERE}",
        look="ls -l; umask in deploy.sh",
    )


@then("a snapshot with every document was complete before the new release was started")
def saved_before(upgrade: Upgrade, evidence: EvidenceLog) -> None:
    snapshot = upgrade.snapshot
    evidence.add("snapshot", snapshot)
    if snapshot is not None and snapshot.of == 0:
        raise Unproven("the database was empty", Whose.OURS)
    require(
        snapshot is not None and snapshot.documents == snapshot.of and snapshot.early,
        expected="a whole snapshot, before the start of the new release",
        actual=snapshot or "no snapshot",
        where=f"{upgrade.run.command}, {WHERE}",
        look=LOOK,
    )


@then("none of these is deployed")
def left_behind(run: Run, datatable: list[list[str]]) -> None:
    there = [path for path in column(datatable) if _has(run.after.files, path)]
    require(
        not there,
        expected="none of them",
        actual=listed(there),
        where=f"the deployed directory after {run.command}, {WHERE}",
        look="rsync --exclude in deploy.sh; npm prune",
    )


@then("these are")
def deployed(run: Run, datatable: list[list[str]]) -> None:
    missing = [path for path in column(datatable) if not _has(run.after.files, path)]
    require(
        not missing,
        expected=listed(column(datatable)),
        actual=f"{listed(missing)} missing",
        where=f"the deployed directory after {run.command}, {WHERE}",
        look="rsync --exclude in deploy.sh",
    )


@then("a file in uploads/ is still there")
def upload_kept(upgrade: Upgrade) -> None:
    require(
        upgrade.upload_kept,
        expected="it is there",
        actual="it is gone",
        where=f"uploads/ in the deployed directory after {upgrade.run.command}, {WHERE}",
        look="rsync --delete in deploy.sh, without a directory that releases share",
    )


@then("the deployed .env is the .env.production of the checkout")
def own_variables(upgrade: Upgrade) -> None:
    require(
        upgrade.environment,
        expected="the same content",
        actual="another content" if upgrade.run.after.named(".env") else "no .env",
        where=f"the deployed directory after {upgrade.run.command}, {WHERE}",
        look="cp .env.$DEPLOY_ENV in deploy.sh",
    )


@then(
    parsers.parse("each time the other release answers within {seconds:d} seconds, and none but it")
)
def switched_within(switched: Switched, seconds: int) -> None:
    for run, took_s in ((switched.back, switched.back_s), (switched.forth, switched.forth_s)):
        require(
            took_s is not None and took_s <= seconds,
            expected=f"within {seconds} s",
            actual="never" if took_s is None else f"after {took_s:.2f} s",
            where=f"{run.command} ({run.before.version} before), {WHERE}",
            look=LOOK,
        )


@then(parsers.parse("each time none of {count:d} requests or more was lost"))
def none_lost_in_switch(switched: Switched, count: int) -> None:
    for run in (switched.back, switched.forth):
        require_none_lost(run.traffic, count)


@then(parsers.parse("each of {count:d} releases answers {percent:d} % of the requests at least"))
def shares(traffic: Recording, count: int, percent: int) -> None:
    asked = len(traffic.requests)
    least = min(traffic.shares.values(), default=0)
    require(
        len(traffic.shares) == count and least * 100 >= percent * asked,
        expected=f"{count} releases, {percent} % of {asked} requests each",
        actual=", ".join(f"{each}: {share}" for each, share in traffic.shares.items()) or "none",
        where=f"answers of /health, {WHERE}",
        look="the upstream block of nginx.conf",
    )


@then("each of the two others says that it failed")
def others_refused(upgrade: Upgrade) -> None:
    for each in upgrade.seconds:
        require(
            each.status != 0,
            expected="an exit status other than 0",
            actual=f"exit status 0: {each.said[-200:]}",
            where=f"{each.command} while {upgrade.run.command} ran, {WHERE}",
            look="flock in deploy/common.sh",
        )
    if len(upgrade.seconds) != _BESIDE:  # none is begun after one that succeeded
        raise Unproven(f"{upgrade.run.command} ended before two others were begun", Whose.TARGET)


@then(parsers.parse("the other answered for {seconds:d} seconds at most"))
def other_briefly(run: Run, seconds: int) -> None:
    others = [each for each in run.traffic.reigns if each.version != run.before.version]
    if not others:
        raise Unproven("the release that lacks a page never answered", Whose.TARGET)
    took_s = others[-1].last_s - others[0].first_s
    require(
        took_s <= seconds,
        expected=f"{seconds} s at most",
        actual=f"{took_s:.1f} s",
        where=f"{run.command}, {WHERE}",
        look=LOOK,
    )


@then("verify.sh says that it failed")
def found(verified: Verified) -> None:
    _require_looked(verified)
    require(
        verified.status != 0,
        expected="an exit status other than 0",
        actual=f"exit status 0: {verified.said}",
        where=f"verify.sh, {WHERE}",
        look="deploy/verify.sh in the stack",
    )


@then("it says that it succeeded while nothing is wrong")
def nothing_found(drill: Drill, evidence: EvidenceLog) -> None:
    seen = drill.named(CHECKS, NOTHING)
    evidence.add(f"verify.sh while {NOTHING}", seen)
    _require_looked(seen)
    require(
        seen.status == 0,
        expected="exit status 0",
        actual=f"exit status {seen.status}: {seen.said}",
        where=f"verify.sh, {WHERE}",
        look="deploy/verify.sh in the stack",
    )


def _require_looked(verified: Verified) -> None:
    """A script that is not there has found nothing, whatever its exit status."""
    require(
        verified.status != _NOT_FOUND,
        expected="something that verifies a release once it is live",
        actual=verified.said,
        where=WHERE,
        look="deploy/verify.sh in the stack",
    )


def _differences(expected: Files, found: Files) -> list[str]:
    return sorted({name for name, _ in set(expected).symmetric_difference(found)})


def _has(files: Files, path: str) -> bool:
    return any(name == path or name.startswith(f"{path}/") for name, _ in files)
