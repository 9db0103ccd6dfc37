"""Prove that each scenario of the checklist can fail: break a replica, look, heal, look again."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from golive import environment as environments
from golive.checklist import Scenario, ScenarioResult, item_of
from golive.environment import Environment, EnvironmentFileError, Kind
from golive.faults.fault import Fault, FaultError, Target, chosen, load, resolved
from golive.gate import features
from golive.gate.forked import Checklist, ChecklistError
from golive.located_yaml import FileError
from golive.outcome import Outcome
from golive.proof import Outcomes, Proof, Trial, claims, differences, unhealed
from golive.release import example
from golive.replica.attach import attach
from golive.replica.control import Say, directory, started
from golive.report import proof as terminal

FEATURES = Path("features")
JSON_NAME = "prove.json"
SLOW_S = 2.0


class NotHealthyError(Exception):
    """The replica is not green as it is, so that a fault could show nothing."""


ERRORS = (NotHealthyError, ChecklistError, FaultError, EnvironmentFileError, FileError)
"""Why a proof could not run, in words."""


class Rig:
    """A replica of our own to break; it ends with the block, and with this process.

    It is not kept (State.kept), so that nobody else attaches to it. `stack` may be broken too; a
    release of it, signed by throw-away keys, stands in the replica's directory.
    """

    def __init__(self, environment: Environment, stack: Path, number: int | None, say: Say) -> None:
        self._environment, self._stack, self._number, self._say = environment, stack, number, say
        self._up = ExitStack()
        self.target = self._start()

    def renew(self) -> None:
        """Put a fresh replica in the place of one that was not healed."""
        self._up.close()
        self.target = self._start()

    def _start(self) -> Target:
        if self._environment.kind is Kind.COMPOSE:
            return self._start_containers()
        owned = self._up.enter_context(started(self._stack, self._say, self._number))
        release = directory(owned.number) / "release"
        release.mkdir(mode=0o700)
        environment = attach(self._environment, owned.number, self._say)
        return Target(owned.number, environment, example.make(release, self._stack))

    def _start_containers(self) -> Target:
        from golive.compose import attach, control, engine  # here: only this kind needs it
        from golive.compose.target import ContainersTarget

        found = engine.ensure(self._say)
        owned = self._up.enter_context(control.started(found, self._stack, self._say, self._number))
        release = control.directory(owned.number) / "release"
        release.mkdir(mode=0o700)
        environment = attach.resolved(self._environment, owned.state)
        made = example.make(release, self._stack)
        return ContainersTarget(owned.number, environment, made, found)

    def __enter__(self) -> "Rig":
        return self

    def __exit__(self, *_: object) -> None:
        self._up.close()


def main(
    names: tuple[str, ...],
    environment_name: str,
    stack: Path,
    subnet: int | None,
    report_dir: Path,
    say: Say,
    thorough: bool,
    verbose: bool,
) -> Proof:
    """`golive prove`: try the faults of these names or subjects, or all; see its help.

    Progress and result are printed, and written to prove.json. Raises ERRORS, ReplicaError.
    """
    began = time.monotonic()
    console = Console(highlight=False, soft_wrap=True)
    scenarios = features.read(FEATURES).scenarios
    environment = environments.load(environment_name)
    faults = resolved(suitable(chosen(load(), names), environment, names), scenarios)
    if not (names or thorough):
        faults = tuple(each for each in faults if not _slow(each, scenarios))
    claimed = {id_ for fault in faults for id_ in claims(fault)}
    expected = [
        id_
        for id_, each in scenarios.items()
        if each.first_kind is environment.kind
        and not each.barred(environment)
        and not environment.excuse(id_, each.statements)
        and (thorough or not each.slow)
    ]
    trials = []
    with (
        tempfile.TemporaryDirectory(prefix="golive-prove-") as temporary,
        Rig(environment, _copied(stack, Path(temporary) / "stack"), subnet, say) as rig,
    ):
        checklist = Checklist(
            Path(temporary),
            environment=environment_name,
            slow=any(_slow(fault, scenarios) for fault in faults),
        )
        say("the checklist without a fault ...")
        healthy = baseline(
            checklist,
            rig.target,
            Scope.of(scenarios, thorough=thorough),
            faults,
            claimed if names else expected,
        )
        for fault in faults:
            trial, seen = attempt(fault, rig, checklist, healthy)
            trials.append(trial)
            console.print(terminal.line(trial))
            for text in terminal.reasons(trial, seen) if verbose else ():
                console.print(text)
    proof = Proof(
        tuple(trials),
        () if names else tuple(expected),
        () if thorough else tuple(id_ for id_ in scenarios if id_ in healthy.scope.left_out),
        round(time.monotonic() - began, 1),
    )
    report_dir.mkdir(parents=True, exist_ok=True)
    (report_dir / JSON_NAME).write_text(json.dumps(proof.as_json(), indent=1, ensure_ascii=False))
    terminal.render(proof, console)
    return proof


def suitable(
    faults: tuple[Fault, ...], environment: Environment, names: Iterable[str]
) -> tuple[Fault, ...]:
    """Those that `environment` can be broken with. Of containers, unless named, those only.

    Raises FaultError for a named one that cannot.
    """
    kind = environment.kind
    unsuited = [each.name for each in faults if each.only not in (None, kind)]
    if unsuited and names:
        raise FaultError(f"{environment.name} cannot be broken so: {', '.join(unsuited)}")
    known = (kind,) if kind is Kind.COMPOSE and not names else (None, kind)
    return tuple(each for each in faults if each.only in known)


@dataclass(frozen=True)
class Scope:
    """Which scenarios are looked at with a fault: those of the items of its claims.

    Those of `left_out` only where it claims one of the same feature that is left out too.
    `thorough`: all scenarios, whatever it claims.
    """

    scenarios: Mapping[str, Scenario]
    left_out: frozenset[str]
    thorough: bool

    @classmethod
    def of(cls, scenarios: Mapping[str, Scenario], *, thorough: bool) -> "Scope":
        """The scope before anything has run: what is measured ahead takes long, and drills do."""
        long = frozenset(i for i, s in scenarios.items() if s.ahead or s.alone)
        return cls(scenarios, long, thorough)

    def without(self, long: Iterable[str]) -> "Scope":
        """With more scenarios left out."""
        return replace(self, left_out=self.left_out.union(long))

    def of_fault(self, fault: Fault) -> list[str]:
        """The scenarios to run with a fault, in order."""
        items = {item_of(id_) for id_ in claims(fault)}
        features = {_feature(id_) for id_ in self.left_out.intersection(claims(fault))}
        return [
            id_
            for id_ in self.scenarios
            if self.thorough
            or (item_of(id_) in items if id_ not in self.left_out else _feature(id_) in features)
        ]


@dataclass(frozen=True)
class Baseline:
    """How the scenarios end in health, and which are run with each fault."""

    outcomes: Outcomes
    scope: Scope


def baseline(
    checklist: Checklist,
    target: Target,
    scope: Scope,
    faults: Iterable[Fault],
    required: Iterable[str],
) -> Baseline:
    """Run in health what will be run with some fault, and `required`, which must be green.

    Not run is green: what is not tried in a replica needs no proof there. What takes more than
    SLOW_S is left out of the scope. Raises NotHealthyError.
    """
    required = frozenset(required)
    results = checklist.run(
        target.number, target.release, required.union(*map(scope.of_fault, faults))
    )
    bad = [
        f"{result.outcome}: {result.id}\n{_indented(result)}"
        for id_, result in results.items()
        if id_ in required and result.outcome not in (Outcome.PASSED, Outcome.NOT_RUN)
    ]
    if bad:
        raise NotHealthyError("the replica is not green without a fault:\n" + "\n".join(bad))
    long = (id_ for id_, each in results.items() if each.duration_s > SLOW_S)
    return Baseline(_outcomes(results), scope.without(long))


def attempt(
    fault: Fault, rig: Rig, checklist: Checklist, healthy: Baseline
) -> tuple[Trial, dict[str, ScenarioResult]]:
    """Break, look, heal, look again; the trial, and how the scenarios ended with the fault.

    A replica that is not healed is replaced.
    """
    began = time.monotonic()
    seen: dict[str, ScenarioResult] = {}
    problems: list[str] = []
    try:
        with fault.inject(rig.target):
            target = rig.target
            seen = checklist.run(target.number, target.release, healthy.scope.of_fault(fault))
        problems += differences(fault, healthy.outcomes, _outcomes(seen))
        healed = checklist.run(target.number, target.release, claims(fault))
        remains = list(unhealed(fault, healthy.outcomes, _outcomes(healed)))
    except ChecklistError:
        raise  # not the fault's doing: nothing can be shown any more
    except Exception as error:  # of whatever kind: the other faults are to be tried
        remains = [f"could not be tried: {type(error).__name__}: {error}"]
    if remains:
        rig.renew()
    elapsed_s = round(time.monotonic() - began, 1)
    red = (id_ for id_ in fault.reds if id_ in seen and seen[id_].outcome is Outcome.FAILED)
    problems += remains
    return Trial(fault.name, fault.breaks, tuple(red), tuple(problems), elapsed_s), seen


def _copied(stack: Path, copy: Path) -> Path:
    """The stack without what npm installed, to break: nobody's own files are touched."""
    shutil.copytree(stack, copy, ignore=shutil.ignore_patterns("node_modules"))
    return copy


def _outcomes(results: Mapping[str, ScenarioResult]) -> Outcomes:
    return {id_: result.outcome for id_, result in results.items()}


def _slow(fault: Fault, scenarios: Mapping[str, Scenario]) -> bool:
    """Whether it claims what is run with `golive gate --slow` only."""
    return any(scenarios[id_].slow for id_ in claims(fault))


def _feature(id_: str) -> str:
    return id_.partition("::")[0]


def _indented(result: ScenarioResult) -> str:
    return "\n".join(f"    {line}" for line in result.reason.splitlines())
