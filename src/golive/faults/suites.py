"""Break the application, or what is expected of it, in the stack that its tests are run on.

The workers of the replica have read their own copies, so nothing else sees it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited_file

_TESTS = "01_automated_tests/suites.feature::The <suite> tests of the application pass"


@fault(f"{_TESTS}[unit]")
@contextmanager
def narrower_networks(replica: Target) -> Iterator[None]:
    """CHK-01: an IPv6 customer is counted by /48, and a unit test says so."""
    with _edited(replica, "src/rate-limit.js", "slice(0, 4)", "slice(0, 3)"):
        yield


@fault(f"{_TESTS}[integration]")
@contextmanager
def cache_without_end(replica: Target) -> Iterator[None]:
    """CHK-01: what is cached has no time to live, and an integration test with Redis says so."""
    before = "redis.set(name, JSON.stringify(value), 'EX', ttlS)"
    with _edited(replica, "src/redis.js", before, "redis.set(name, JSON.stringify(value))"):
        yield


@fault(f"{_TESTS}[e2e]")
@contextmanager
def another_version_deployed(replica: Target) -> Iterator[None]:
    """CHK-01: the sources are of another version than what runs, and an end-to-end test says so."""
    # A test's own words: package.json says too which modules the tests need.
    before = "assert.strictEqual(body.info.version, version)"
    with _edited(replica, "test/e2e/api.test.js", before, before.replace(", v", ", 'not ' + v")):
        yield


def _edited(replica: Target, file: str, before: str, after: str) -> AbstractContextManager[None]:
    return edited_file(replica.stack / "app" / file, (before, after))
