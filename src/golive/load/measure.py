"""One load test of an environment: the run, and what the servers said of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.load import target
from golive.load.figures import Figures, figures
from golive.load.profile import Profile
from golive.load.run import ALONE, INTERRUPTED, Fleet, Run, Watch, nothing, run
from golive.machine import machines
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.pm2 import inspect
from golive.probes.prometheus import PORT

T = TypeVar("T")
Workers = dict[str, tuple[int, ...]]  # process ids by host


@dataclass(frozen=True)
class Request:
    """A load test that is asked for: one of a kind in a session, by environment and profile."""

    name: str
    environment: Environment = field(compare=False)
    profile_name: str
    profile: Profile = field(compare=False)
    visit: int = field(compare=False)
    fleet: Fleet = field(compare=False, default=ALONE)


@dataclass(frozen=True)
class Generated:
    """A run that has ended, at this time; before and after it, the application's workers."""

    request: Request
    run: Run
    before: Workers | NotRun | Unproven
    after: Workers | NotRun | Unproven
    ended: datetime


@dataclass(frozen=True)
class Measured:
    """What came of it. Where the servers could not be asked, `figures` says why.

    `before` and `after` have the processes of the application's workers on each server.
    """

    request: Request
    run: Run
    figures: Figures | NotRun | Unproven
    before: Workers | NotRun | Unproven
    after: Workers | NotRun | Unproven


def seen(value: T | NotRun | Unproven) -> T:
    """What was seen. Raises what kept us from seeing it."""
    if isinstance(value, NotRun | Unproven):
        raise value
    return value


def measure(request: Request, watch: Watch = nothing) -> Measured:
    """Generate the load, and ask the servers before and after it. Raises Unproven."""
    return ask(generate(request, watch))


def generate(request: Request, watch: Watch = nothing, source: str | None = None) -> Generated:
    """Generate the load. Raises Unproven.

    `source` is the client who makes an account for it.
    """
    environment = request.environment
    with target.account(environment, source) as account:
        plan = target.plan(environment, request.profile, request.visit, account, request.fleet.size)
        before = _or_why(lambda: _workers(environment))
        done = run(plan, watch, request.fleet)
    ended = datetime.now(UTC)
    if done.ended == INTERRUPTED:
        not_asked = Unproven("the run was interrupted: nothing was asked after it", Whose.OURS)
        return Generated(request, done, before, not_asked, ended)
    return Generated(request, done, before, _or_why(lambda: _workers(environment)), ended)


def ask(generated: Generated) -> Measured:
    """With the servers' figures of the run: Prometheus has them a scrape after it, up to 15 s."""
    done, environment = generated.run, generated.request.environment
    told: Figures | NotRun | Unproven
    if done.ended == INTERRUPTED:  # whoever is in a hurry does not wait for a scrape
        told = Unproven("the run was interrupted: nothing was asked after it", Whose.OURS)
    else:
        ended = generated.ended
        told = _or_why(lambda: figures(prometheus(environment), environment, done.began, ended))
    return Measured(generated.request, done, told, generated.before, generated.after)


def prometheus(environment: Environment) -> Endpoint:
    """The environment's own. Raises Unproven where it names no monitoring host."""
    machine = machines(environment, "monitoring")[0]
    return Endpoint(machine.host.address or machine.name, PORT, machine.name)


def _workers(environment: Environment) -> Workers:
    """The application's processes on each server, as PM2 has them."""
    if environment.pm2_home is None:
        raise NotRun(f"{environment.name} does not say where PM2 is")
    home = environment.pm2_home
    asked = machines(environment, "app")
    with ThreadPoolExecutor(len(asked)) as threads:
        found = threads.map(lambda each: inspect(each, home).workers, asked)
    return {
        machine.name: tuple(sorted(worker.pid for worker in workers))
        for machine, workers in zip(asked, found, strict=True)
    }


def _or_why(look: Callable[[], T]) -> T | NotRun | Unproven:
    """What was seen, or what kept us from seeing it: the other measurements go on."""
    try:
        return look()
    except (NotRun, Unproven) as error:
        return error
