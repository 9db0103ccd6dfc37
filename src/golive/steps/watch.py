"""Judge the watch that followed a release."""

import pytest
from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.outcome import NotRun, Unproven, Whose
from golive.release.record import Release
from golive.steps.expectation import listed, require
from golive.watch.files import RecordError, file_of, read
from golive.watch.record import Verdict

_HOUR_S = 3600


@then(
    parsers.parse("the release was watched here {hours:d} h at least, and the watch ended with GO")
)
def was_watched(
    release: Release,
    environment: Environment,
    pytestconfig: pytest.Config,
    evidence: EvidenceLog,
    hours: int,
) -> None:
    path = file_of(pytestconfig.getoption("report_dir"), environment.name)
    command = (
        f"golive watch --environment {environment.name} --release {release.path} --for {hours}h"
    )
    try:
        record = read(path)
    except RecordError as error:
        raise Unproven(str(error), Whose.OURS) from error
    if record is None:
        raise NotRun(f"due after the release: {command}")
    ours = (release.record.tag, release.record.commit)
    if (record.release.tag, record.release.commit) != ours:
        raise NotRun(f"the last watch is of {record.release}, another release: {command}")
    evidence.add("release, and when it came", [str(record.release), record.released_at])
    evidence.add("watched from, to, and what was to be its end", [record.began, record.ends])
    evidence.add("compared with the time before, in seconds", record.before.seconds)
    evidence.add("limits that were asked for", record.limits.model_dump())
    evidence.add("looks, verdict and its reasons", [len(record.looks), record.verdict])
    if record.verdict is None:
        raise NotRun(f"the watch goes on until {record.ends:%F %R} UTC; if it does not: {command}")
    if record.verdict is Verdict.INCOMPLETE:
        raise Unproven(listed(record.reasons), Whose.TARGET)
    length_s = (record.watched_until - record.began).total_seconds()
    require(
        record.verdict is Verdict.GO and length_s >= hours * _HOUR_S,
        expected=f"GO, after {hours} h",
        actual=f"{record.verdict}, of {length_s / _HOUR_S:g} h: {listed(record.reasons)}",
        where=path,
        look=path.with_suffix(".html").name,
    )
