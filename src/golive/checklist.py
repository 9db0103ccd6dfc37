"""The checklist: its items, what scenarios claim and how they ended, and the verdict."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from golive import located_yaml
from golive.environment import Deviation, Environment, Kind, Permit
from golive.outcome import Outcome
from golive.statements import Statement

PLATFORM = "platform"
DEVIATION = "deviation"  # what evidence of a measurement is called that a deviation excuses
_WORST_FIRST = (Outcome.FAILED, Outcome.UNPROVEN, Outcome.NOT_RUN, Outcome.PASSED)


class Item(BaseModel):
    """One line of the checklist; `french` is the document's own wording."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=r"^(\d\d|platform)$")
    title: str = Field(min_length=1)
    french: str = Field(min_length=1)


class _ItemsFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    items: tuple[Item, ...]

    @field_validator("items")
    @classmethod
    def _ids_differ(cls, value: tuple[Item, ...]) -> tuple[Item, ...]:
        if not value:
            raise ValueError("there must be one at least")
        ids = [item.id for item in value]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"stand there twice: {', '.join(twice)}")
        return value


def load_items(path: Path) -> tuple[Item, ...]:
    """The items of a checklist file, in its order. Raises located_yaml.FileError."""
    return located_yaml.read(path, _ItemsFile).items


def item_of(scenario_id: str) -> str:
    """The item that a scenario belongs to: the number its first folder or file begins with."""
    number = re.match(r"(\d\d)_", scenario_id)
    return number[1] if number else PLATFORM


@dataclass(frozen=True)
class Scenario:
    """A scenario as its feature file states it, before it ran.

    `where` is file:line. `permits` is what it does that an environment must permit; `kinds` the
    kinds of environment in which it can be shown, all of them when empty. `ahead`: its
    measurement takes seconds and begins before the first scenario, so that it is judged late.
    `alone`: it disturbs every other, so that it comes after all of them. `slow`: it takes minutes,
    and is not run unless asked for. `smoke`: one of the few that `golive smoke` runs, in seconds,
    and harms nobody. `live`: it can be shown only where users are. Where it is not `waivable`,
    nobody may accept that it fails.
    """

    id: str
    name: str
    where: str
    statements: tuple[str, ...]
    blocking: bool
    permits: frozenset[Permit] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    ahead: bool = False
    alone: bool = False
    slow: bool = False
    smoke: bool = False
    live: bool = False
    waivable: bool = True

    @property
    def first_kind(self) -> Kind:
        """Of the replicas, the one in which it is proven able to fail: processes, where it can."""
        alone = self.kinds and Kind.REPLICA not in self.kinds and Kind.COMPOSE in self.kinds
        return Kind.COMPOSE if alone else Kind.REPLICA

    def barred(self, environment: Environment) -> str | None:
        """Why it is not to be run in `environment`; None when it may be."""
        if self.live and not environment.live:
            return "only where users are"
        if self.kinds and environment.kind not in self.kinds:
            return f"only in an environment of kind {' or '.join(sorted(self.kinds))}"
        if missing := self.permits.difference(environment.permits):
            return f"not permitted in {environment.name}: {', '.join(sorted(missing))}"
        return None


@dataclass(frozen=True)
class Evidence:
    """Something seen while a scenario ran: `value` is JSON data."""

    what: str
    value: JsonValue


@dataclass(frozen=True)
class ScenarioResult:
    """How a scenario ended. `reason` is empty for what passed; `duration_s` is in seconds.

    `where` is file:line of the scenario, empty in reports older than this field. `waived` says by
    whom and why its failure is accepted; empty where it is not.
    """

    id: str
    name: str
    item: str
    statements: tuple[str, ...]
    blocking: bool
    outcome: Outcome
    reason: str
    duration_s: float
    evidence: tuple[Evidence, ...] = ()
    where: str = ""
    waived: str = ""

    @property
    def counts(self) -> bool:
        """Whether the verdict waits for it."""
        return self.blocking and not self.waived


@dataclass(frozen=True)
class ItemResult:
    """How an item of the checklist stands; `scenarios` are ids, the advisory ones among them."""

    id: str
    title: str
    french: str
    outcome: Outcome
    scenarios: tuple[str, ...]


@dataclass(frozen=True)
class DeviationResult:
    """A deviation that the environment declares, and what was found.

    `holds` is whether the statement holds here after all, so that the deviation is not needed;
    None where it was not measured. `measured` is what it does instead, else empty.
    """

    statement: str
    why: str
    holds: bool | None = None
    measured: str = ""


@dataclass(frozen=True)
class WaiverResult:
    """A waiver of the release: of what (a statement, or the id of a scenario), why, and by whom.

    `scenarios` are those that fail here and do not count for it. It is `unused` where all that
    it names has passed: then it must go.
    """

    of: str
    reason: str
    role: str
    expires: date
    scenarios: tuple[str, ...]
    unused: bool = False


@dataclass(frozen=True)
class SignOffResult:
    """What somebody has signed of the release. Whether it counts, a scenario says."""

    item: str
    role: str
    date: datetime
    applicable: bool
    evidence: str
    note: str


@dataclass(frozen=True)
class Due:
    """A statement that was not shown here; `where` names the environments that can show it."""

    statement: str
    where: str


@dataclass(frozen=True)
class Span:
    """Something that ran: from when, in seconds after the run began, and how long.

    `scenario` is its id, empty for a measurement that ran beside the scenarios.
    """

    what: str
    began_s: float
    took_s: float
    scenario: str = ""


class Verdict(StrEnum):
    """The answer of the gate."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"

    @property
    def exit_status(self) -> int:
        """Of `golive gate`; 2 is kept for a gate that could not run."""
        return {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.INCOMPLETE: 3}[self]


@dataclass(frozen=True)
class Judgement:
    """What a set of results comes to."""

    verdict: Verdict
    items: tuple[ItemResult, ...]


@dataclass(frozen=True)
class Source:
    """A report that a dossier joins; `sha256` is of its report.json, `signers` who vouch for it."""

    environment: str
    verdict: Verdict
    started: datetime
    sha256: str
    signers: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """A run of the gate, as report.json has it. `release` is its tag, `commit` what the record
    says of that; None where none was named. `sources` has what a dossier was joined from.

    `statements` are those that scenarios claim, that are due or deviated from: the report can be
    read where the features are not. `spans` are what took long, in order of their beginning.
    """

    verdict: Verdict
    environment: str
    release: str | None
    started: datetime
    duration_s: float
    items: tuple[ItemResult, ...]
    scenarios: tuple[ScenarioResult, ...]
    due: tuple[Due, ...]
    deviations: tuple[DeviationResult, ...]
    statements: tuple[Statement, ...] = ()
    commit: str | None = None
    sign_offs: tuple[SignOffResult, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()
    sources: tuple[Source, ...] = ()
    spans: tuple[Span, ...] = ()


def merge(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of several outcomes: failed > unproven > not-run > passed; unproven if none."""
    found = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.UNPROVEN)


def judge(results: Sequence[ScenarioResult], items: Sequence[Item]) -> Judgement:
    """Each item by its scenarios that count, and the verdict by all items.

    Raises ValueError for a result of no item: it would be lost.
    """
    if strays := {result.item for result in results} - {item.id for item in items}:
        raise ValueError(f"results of items that are not in the checklist: {sorted(strays)}")
    judged = tuple(_judge_item(item, [r for r in results if r.item == item.id]) for item in items)
    worst = merge(item.outcome for item in judged)
    verdicts = {Outcome.FAILED: Verdict.NO_GO, Outcome.UNPROVEN: Verdict.INCOMPLETE}
    return Judgement(verdicts.get(worst, Verdict.GO), judged)


def _judge_item(item: Item, results: Sequence[ScenarioResult]) -> ItemResult:
    outcome = merge(result.outcome for result in results if result.counts)
    return ItemResult(item.id, item.title, item.french, outcome, tuple(r.id for r in results))


def deviations(
    declared: Iterable[Deviation], results: Sequence[ScenarioResult]
) -> tuple[DeviationResult, ...]:
    """What the scenarios that claim each declared statement have found."""
    return tuple(_deviation(each, results) for each in declared)


def _deviation(declared: Deviation, results: Sequence[ScenarioResult]) -> DeviationResult:
    claims = [
        result
        for result in results
        if declared.statement in result.statements and declared.scenario in (None, result.id)
    ]
    measured = [str(e.value) for r in claims for e in r.evidence if e.what == DEVIATION]
    holds = None
    if measured:
        holds = False
    elif claims and all(result.outcome is Outcome.PASSED for result in claims):
        holds = True
    return DeviationResult(declared.statement, declared.why, holds, "\n".join(measured))


def due(not_run: Iterable[Scenario], elsewhere: Iterable[Environment]) -> tuple[Due, ...]:
    """For each statement of blocking scenarios that were not run, where each could be.

    An environment can show a statement if none of those scenarios is barred there, and it
    declares no deviation from it. Where none can show all of it, those that show a part are named.
    """
    claims: dict[str, list[Scenario]] = {}
    for scenario in not_run:
        for statement in scenario.statements if scenario.blocking else ():
            claims.setdefault(statement, []).append(scenario)
    environments = list(elsewhere)
    return tuple(
        Due(statement, _where(claims[statement], environments)) for statement in sorted(claims)
    )


def _where(scenarios: Sequence[Scenario], environments: Sequence[Environment]) -> str:
    can = {
        e.name: [not (s.barred(e) or e.excuse(s.id, s.statements)) for s in scenarios]
        for e in environments
    }
    if able := [name for name, shown in can.items() if all(shown)]:
        return ", ".join(able)
    # What only processes show, only containers, and only what is deployed: each its part.
    if parts := [name for name, shown in can.items() if any(shown)]:
        return f"{', '.join(parts)}: each of them a part"
    return "nowhere: no environment file permits it"
