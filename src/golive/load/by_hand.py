"""A Locust that a person has started: where it may go, and as whom; not how much, nor how long."""

import atexit
import sys
from contextlib import ExitStack

from golive import environment as environments
from golive.environment import Environment, EnvironmentFileError, Kind
from golive.load import profile, target
from golive.load.plan import Plan
from golive.outcome import Unproven
from golive.replica.attach import attach
from golive.replica.control import ReplicaError, running

_ERRORS = (
    EnvironmentFileError,
    ReplicaError,
    profile.ProfileError,
    target.RefusedError,
    Unproven,
)


def plain(name: str, host: str | None, *, yes: bool) -> Plan:
    """The plan for `locust -f loadtests/locustfile.py`.

    Ends the program, saying why, where that environment or host may not be loaded.
    """
    try:
        return _plan(name, host, yes=yes)
    except _ERRORS as error:
        sys.exit(f"golive: {error}")


def _plan(name: str, host: str | None, *, yes: bool) -> Plan:
    environment = up(environments.load(name))
    target.check(environment, yes=yes)
    if host:
        target.check_host(environment, host)
    visit, profiles = profile.read()
    any_profile = next(iter(profiles.values()))  # of it only the way to the site is used
    stack = ExitStack()
    atexit.register(stack.close)
    account = stack.enter_context(target.account(environment, None))
    return target.plan(environment, any_profile, visit, account)


def up(environment: Environment) -> Environment:
    """The environment as it is; a replica with the addresses of the one that runs.

    Raises ReplicaError where none does.
    """
    if environment.kind is Kind.DEPLOYED:
        return environment
    if environment.kind is Kind.COMPOSE:
        from golive.compose.attach import attach_kept  # slow to import, and seldom needed

        return attach_kept(environment, _say)
    ready = [state for state in running() if state.kept and state.ready_s is not None]
    if not ready:
        raise ReplicaError("no replica is up: golive up")
    return attach(environment, ready[-1].number, _say)


def _say(message: str) -> None:
    sys.stderr.write(f"  {message}\n")
