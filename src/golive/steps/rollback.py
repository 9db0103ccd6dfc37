"""Judge rollbacks that a drill has made: whether the earlier release is back, and in time."""

import json

import pytest
from pytest_bdd import given, parsers, then

from golive.drills import rollback
from golive.drills.rehearsal import Run
from golive.drills.releases import NEWER_FIELD
from golive.drills.rollback import RolledBack
from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.steps.drill import LOOK, WHERE, Drill
from golive.steps.expectation import listed, require


@pytest.fixture
def rolled_back(drill: Drill) -> RolledBack:
    """A rollback from the second release."""
    return drill(rollback.rolled_back)


@given("a rollback from v1.1.0", target_fixture="run")
def from_second(drill: Drill, rolled_back: RolledBack, evidence: EvidenceLog) -> Run:
    evidence.add("seconds until only the earlier version answered", rolled_back.recovered_s)
    return drill.noted(rolled_back.run)


@given("a rollback from v1.1.0, and another", target_fixture="run")
def twice(drill: Drill, rolled_back: RolledBack) -> Run:
    return drill.noted(rolled_back.second)


@given("a rollback without a backup", target_fixture="run")
def without_backup(drill: Drill) -> Run:
    return drill.noted(drill(rollback.without_backup))


@given("a rollback with damaged backups only", target_fixture="run")
def damaged(drill: Drill) -> Run:
    return drill.noted(drill(rollback.damaged))


@given("a rollback on a full disk", target_fixture="run")
def on_a_full_disk(drill: Drill) -> Run:
    return drill.noted(drill(rollback.full))


@then("the deployed files are those of the first deployment, and no other")
def exactly(rolled_back: RolledBack) -> None:
    expected, found = rolled_back.expected, rolled_back.run.after.files
    if not expected:
        raise Unproven("the first deployment left no files", Whose.TARGET)
    differing = sorted({name for name, _ in set(expected).symmetric_difference(found)})
    require(
        not differing,
        expected=f"the {len(expected)} files of the first deployment",
        actual=f"{len(differing)} differ: {listed(differing[:5])}",
        where=f"the deployed directory after {rolled_back.run.command}, {WHERE}",
        look=LOOK,
    )


@then(parsers.parse("this is among them: {path}"))
def is_there(rolled_back: RolledBack, path: str) -> None:
    _require_file(rolled_back, path, there=True)


@then(parsers.parse("this is not: {path}"))
def is_gone(rolled_back: RolledBack, path: str) -> None:
    if rolled_back.run.before.named(path) is None:
        raise Unproven(f"{path} was not there before either", Whose.TARGET)
    _require_file(rolled_back, path, there=False)


def _require_file(rolled_back: RolledBack, path: str, *, there: bool) -> None:
    words = {True: "it is there", False: "it is not there"}
    found = rolled_back.run.after.named(path) is not None
    require(
        found is there,
        expected=words[there],
        actual=words[found],
        where=f"{path} in the deployed directory after {rolled_back.run.command}, {WHERE}",
        look=LOOK,
    )


@then(parsers.parse('version "{version}" answers within {seconds:d} seconds, and none but it'))
def recovered(rolled_back: RolledBack, version: str, seconds: int) -> None:
    took_s = rolled_back.recovered_s
    last = rolled_back.run.traffic.reigns[-1:]
    require(
        took_s is not None and took_s <= seconds and last[0].version == version,
        expected=f"{version}, within {seconds} s",
        actual=f"{last[0].version} in the end, after {took_s and round(took_s, 1)} s"
        if last
        else "no release answers",
        where=f"{rolled_back.run.command}, {WHERE}",
        look=LOOK,
    )


@then(parsers.parse("what v1.1.0 stored ({stored:d}) is read by v1.0.0 ({read:d})"))
def data_read(rolled_back: RolledBack, evidence: EvidenceLog, stored: int, read: int) -> None:
    seen = rolled_back.stored.status, rolled_back.found.status
    evidence.add("status of writing, and of reading", seen)
    if seen[0] != stored:
        raise Unproven(f"it was not stored: status {seen[0]}", Whose.TARGET)
    require(
        seen[1] == read,
        expected=f"status {read}",
        actual=f"status {seen[1]}",
        where=f"an activity, after {rolled_back.run.command}, {WHERE}",
        look=LOOK,
    )


@then("all that v1.0.0 knows of it is as it was, alone and in the list")
def data_as_it_was(rolled_back: RolledBack, evidence: EvidenceLog) -> None:
    stored = json.loads(rolled_back.stored.body)
    evidence.add("an activity, as v1.1.0 has stored it", stored)
    if NEWER_FIELD not in stored:
        raise Unproven("v1.1.0 has stored nothing that v1.0.0 knows nothing of", Whose.OURS)
    del stored[NEWER_FIELD]
    found = {"alone": json.loads(rolled_back.found.body), "in the list": rolled_back.listed}
    for where, seen in found.items():
        had = {name: (seen or {}).get(name) for name in stored}
        require(
            had == stored,
            expected=stored,
            actual=had if seen else "it is not there",
            where=f"an activity, {where}, after {rolled_back.run.command}, {WHERE}",
            look=LOOK,
        )


@then(parsers.parse('the script ends with status {status:d}, and says "{words}"'))
def ends_with(run: Run, status: int, words: str) -> None:
    require(
        run.status == status and words in run.said,
        expected=f"exit status {status}, {words}",
        actual=f"exit status {run.status}, {run.said[-200:]}",
        where=f"{run.command}, {WHERE}",
        look=LOOK,
    )
