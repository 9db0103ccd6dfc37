"""Break the test reports of the release that the replica is taken for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited_file

_TESTS = "01_automated_tests/test_reports.feature::The <suite> tests of the release pass"


@fault(f"{_TESTS}[unit]")
@contextmanager
def one_test_fails(replica: Target) -> Iterator[None]:
    """CHK-01: a unit test has failed."""
    passed = '<testcase classname="unit" name="it holds"/>'
    failed = '<testcase classname="unit" name="it holds"><failure/></testcase>'
    with _edited(replica, "unit", passed, failed):
        yield


@fault(f"{_TESTS}[integration]")
@contextmanager
def of_another_commit(replica: Target) -> Iterator[None]:
    """DEP-01: the integration tests were run on something else than what is released."""
    with _edited(replica, "integration", replica.release.data["commit"], "0" * 40):
        yield


@fault(f"{_TESTS}[e2e]")
@contextmanager
def run_before_the_commit(replica: Target) -> Iterator[None]:
    """DEP-01: the end-to-end tests were run before the commit was made."""
    with _edited(replica, "e2e", 'timestamp="20', 'timestamp="19'):
        yield


def _edited(replica: Target, suite: str, before: str, after: str) -> AbstractContextManager[None]:
    return edited_file(replica.release.report(suite), (before, after))
