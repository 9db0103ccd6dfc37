"""What the steps of deployments and rollbacks share: the drill's server, and a script's run."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

import pytest
from pytest_bdd import parsers, then

from golive.drills import deploy, rollback
from golive.drills.deploy_checks import CHECKS
from golive.drills.deploy_failures import FAILURES, edge_away
from golive.drills.host import Origin
from golive.drills.rehearsal import Rehearsal, Run, begin
from golive.drills.steady_client import Recording
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import Unproven, Whose
from golive.steps.expectation import require

T = TypeVar("T")

WHERE = "the drill's server, which is a copy of the edge and of an application server"
LOOK = "what the script said, in this scenario's evidence; deploy/*.sh in the stack"

_CLAIMS = {
    *(f"DEP-{number:02}" for number in (8, 9, 10, 11, 13, 14, *range(16, 23))),
    *(f"RBK-{number:02}" for number in (1, 3, 4, 5, 6, 7)),
    "ARC-04",
}
Cases = Sequence[Callable[[Rehearsal], object]]
# In an order in which each finds what it needs; with the failures in between.
_FIRST: Cases = (deploy.first, edge_away, deploy.upgrade, deploy.switched, deploy.grown)
_LAST: Cases = (
    deploy.incomplete,
    deploy.forth_to_incomplete,
    *CHECKS.values(),
    rollback.without_backup,
    rollback.damaged,
    rollback.full,
    rollback.rolled_back,
)

# The failures that scenarios of this run look at: fewer without --slow.
_wanted: dict[Origin, list[str]] = {}


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    tags: AbstractSet[str],
    ahead: AbstractSet[str],
) -> None:
    """All cases take half a minute. Where only some scenarios run, each runs its own.

    It is what takes longest, so that it does not wait in the queue.
    """
    if environment.kind is Kind.REPLICA and tags >= _CLAIMS:
        origin = _origin(environment)
        _wanted[origin] = [name for name in FAILURES if any(f"[{name}]" in each for each in ahead)]
        measurements.start(_all, measurements, origin)


def _all(measurements: Measurements, origin: Origin) -> None:
    failures = [FAILURES[name] for name in _wanted[origin]]
    measurements.result(begin, origin).all((*_FIRST, *failures, *_LAST))


def _origin(environment: Environment) -> Origin:
    host = machines(environment, "app")[0].host
    if host.address is None:
        raise Unproven("a replica's hosts have an address", Whose.OURS)
    ports = environment.site.ports
    replica = host.root.parents[1]  # hosts/NAME is below it
    return Origin(replica, int(host.address.split(".")[1]), ports.http, ports.https)


class Drill:
    """Runs cases, and keeps what was seen as evidence."""

    def __init__(self, rehearsal: Rehearsal, evidence: EvidenceLog) -> None:
        self._rehearsal, self._evidence = rehearsal, evidence

    def __call__(self, case: Callable[[Rehearsal], T]) -> T:
        """What came of a case."""
        return self._rehearsal.result(case)

    def named(self, cases: Mapping[str, Callable[[Rehearsal], T]], name: str) -> T:
        """What came of the case of this name."""
        if name not in cases:
            raise Unproven(f"the drill has no {name!r}; it has {', '.join(cases)}", Whose.OURS)
        return self(cases[name])

    def noted(self, run: Run) -> Run:
        """A run of a script, with its evidence."""
        self._evidence.add("run", run.summary())
        return run


@pytest.fixture
def drill(environment: Environment, measurements: Measurements, evidence: EvidenceLog) -> Drill:
    """To run cases on a server that all scenarios share."""
    origin = _origin(environment)
    if measurements.begun(_all, measurements, origin):
        measurements.result(_all, measurements, origin)  # none may run out of its turn
    return Drill(measurements.result(begin, origin), evidence)


@pytest.fixture
def traffic(run: Run) -> Recording:
    """What was asked while the script ran."""
    return run.traffic


@then("the script says that it succeeded")
def succeeded(run: Run) -> None:
    require(
        run.status == 0,
        expected="exit status 0",
        actual=_ended(run),
        where=f"{run.command}, {WHERE}",
        look=LOOK,
    )


@then("the script says that it failed")
def failed(run: Run) -> None:
    require(
        run.status != 0,
        expected="an exit status other than 0",
        actual=_ended(run),
        where=f"{run.command}, {WHERE}",
        look=LOOK,
    )


@then(parsers.parse('the script says "{words}"'))
def says(run: Run, words: str) -> None:
    require(
        words in run.said,
        expected=words,
        actual=run.said or "nothing",
        where=f"{run.command}, {WHERE}",
        look=LOOK,
    )


@then(parsers.parse('version "{version}" answers'))
def answers(run: Run, version: str) -> None:
    require(
        run.after.version == version,
        expected=version,
        actual=run.after.version or "no release answers",
        where=f"/health after {run.command}, {WHERE}",
        look=LOOK,
    )


@then("the release from before answers, with the same files and the same processes")
def unchanged(run: Run) -> None:
    before, after = run.before, run.after
    if before.version is None or not before.processes:
        raise Unproven(f"nothing ran before {run.command}", Whose.TARGET)
    changed = sorted({name for name, _ in set(before.files).symmetric_difference(after.files)})
    require(
        before == after,
        expected=f"{before.version}, no file changed, processes {before.processes}",
        actual=f"{after.version or 'no release answers'}, {len(changed)} files changed "
        f"({', '.join(changed[:3]) or 'none'}), processes {after.processes}",
        where=f"after {run.command}, {WHERE}",
        look=LOOK,
    )


@then(parsers.parse("none of {count:d} requests or more was lost"))
def none_lost(traffic: Recording, count: int) -> None:
    require_none_lost(traffic, count)


def require_none_lost(traffic: Recording, count: int) -> None:
    """All requests were answered, and they were so many at least."""
    asked, lost = len(traffic.requests), traffic.lost
    if asked < count:
        raise Unproven(f"only {asked} requests were made, not {count}", Whose.OURS)
    require(
        not lost,
        expected=f"all of {asked} requests answered",
        actual=f"{len(lost)} lost, the first after {lost[0].at_s:.2f} s: {lost[0].lost}"
        if lost
        else "all",
        where=f"/health and long requests, {WHERE}",
        look=LOOK,
    )


def _ended(run: Run) -> str:
    last = run.said.strip().splitlines()[-4:]  # what verify.sh found stands before its verdict
    return f"exit status {run.status}, its last words: {' / '.join(last) or 'none'}"
