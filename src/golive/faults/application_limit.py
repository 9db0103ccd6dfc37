"""Break the application's own rate limit."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.application import variables
from golive.faults.environment_file import SAME, SECURITY
from golive.faults.fault import Target, fault

_LIMIT = (
    "04_environment_variables/application_limit.feature::"
    "The application serves a client 100 requests in 15 minutes"
)


@fault(_LIMIT, SECURITY, SAME)
@contextmanager
def ten_times_the_limit(replica: Target) -> Iterator[None]:
    """ENV-21: RATE_LIMIT_MAX is 1000 on one of the servers."""
    with variables(replica, "app-1", RATE_LIMIT_MAX="1000"):
        yield
