"""Judge the test reports that the record of a release names."""

from pytest_bdd import parsers, then

from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.probes.commits import committed
from golive.probes.test_reports import TestReport, read
from golive.release.record import Release
from golive.steps.expectation import listed, require


@then(parsers.parse("the record names a report of the {suite} tests"), target_fixture="test_report")
def report_of(
    release: Release, measurements: Measurements, evidence: EvidenceLog, suite: str
) -> TestReport:
    path = release.record.tests.of(suite)
    if path is None:
        reason = f"{release.path}: tests has no {suite}: the file of its report"
        raise Unproven(reason, Whose.TARGET)
    report = measurements.result(read, release.file(path))
    evidence.add("report", report.path)
    evidence.add("commit", report.commit)
    evidence.add("began", report.began)
    return report


@then("it was made from the release's commit, and after it")
def of_the_commit(release: Release, measurements: Measurements, test_report: TestReport) -> None:
    record = release.record
    look = f"grep -o 'name=\"commit\" [^>]*' {test_report.path}"
    if test_report.commit is None:
        reason = f"{test_report.path} does not say which commit was tested (property commit)"
        raise Unproven(reason, Whose.TARGET)
    require(
        test_report.commit == record.commit,
        expected=f"the commit {record.commit}, which is {record.tag}",
        actual=test_report.commit,
        where=test_report.path,
        look=look,
    )
    made = measurements.result(committed, record.repository, record.commit)
    require(
        test_report.began >= made,
        expected=f"tests that began after the commit was made, on {made:%F %T %Z}",
        actual=f"{test_report.began:%F %T %Z}",
        where=test_report.path,
        look=f"grep -o 'timestamp=[^ ]*' {test_report.path}",
    )


@then(parsers.parse("it was made against {target}"))
def against(test_report: TestReport, target: str) -> None:
    require(
        test_report.target == target,
        expected=target,
        actual=test_report.target or "it does not say against what",
        where=f"{test_report.path}, the property target",
        look=f"grep -o 'name=\"target\" [^>]*' {test_report.path}",
    )


@then("a test at least was run, and none failed")
def none_failed(test_report: TestReport, evidence: EvidenceLog) -> None:
    evidence.add("tests that were run", test_report.ran)
    evidence.add("skipped", test_report.skipped)
    if not test_report.ran:
        reason = f"{test_report.path}: no test was run, {len(test_report.skipped)} were skipped"
        raise Unproven(reason, Whose.TARGET)
    require(
        not test_report.failed,
        expected="no test that fails",
        actual=f"{len(test_report.failed)} of {test_report.ran}: {listed(test_report.failed)}",
        where=test_report.path,
        look=f"less {test_report.path}",
    )
