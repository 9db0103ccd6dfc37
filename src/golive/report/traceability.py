"""Which scenarios claim each statement of the document, and where each can be proven."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from golive.checklist import Scenario
from golive.environment import Environment
from golive.gate.features import Features
from golive.statements import Statement


@dataclass(frozen=True)
class Trace:
    """A statement and the scenarios that claim it.

    `proof` are those that block, for an advisory one proves nothing to the verdict. `where` has
    for each environment, by name, why the statement cannot be proven in it; None where it can.
    """

    statement: Statement
    proof: tuple[Scenario, ...]
    advice: tuple[Scenario, ...]
    where: Mapping[str, str | None]


def trace(features: Features, environments: Sequence[Environment]) -> list[Trace]:
    """Every statement, in the order of the document."""
    return [_trace(each, features, environments) for each in features.statements.values()]


def unclaimed(traces: Iterable[Trace]) -> list[str]:
    """The ids of statements that no blocking scenario claims."""
    return [each.statement.id for each in traces if not each.proof]


def _trace(statement: Statement, features: Features, environments: Iterable[Environment]) -> Trace:
    claims = [each for each in features.scenarios.values() if statement.id in each.statements]
    proof = tuple(each for each in claims if each.blocking)
    return Trace(
        statement,
        proof,
        tuple(each for each in claims if not each.blocking),
        {each.name: _hindrance(proof, each) for each in environments},
    )


def _hindrance(proof: Iterable[Scenario], environment: Environment) -> str | None:
    reasons = []
    for each in proof:
        excuse = environment.excuse(each.id, each.statements)
        reasons.append(each.barred(environment) or (f"deviation: {excuse}" if excuse else None))
    return next((reason for reason in reasons if reason), None) if reasons else "no scenario"


def show(traces: Sequence[Trace], console: Console, *, where: bool, missing: bool) -> None:
    """Print the statements, the scenarios that claim them and, with `where`, where each counts;
    with `missing`, only those that no scenario claims.
    """
    for each in traces:
        if missing and each.proof:
            continue
        sign, style = ("✓", "green") if each.proof else ("✗", "bold red")
        head = Text.assemble(
            (f"{sign} {each.statement.id}", style), f"  {each.statement.statement}"
        )
        console.print(head, soft_wrap=True)
        for scenario in each.proof:
            console.print(Text(f"    {scenario.id}"), soft_wrap=True)
        for scenario in each.advice:
            console.print(
                Text(f"    {scenario.id}  (advisory: proves nothing)", "dim"), soft_wrap=True
            )
        for name, hindrance in each.where.items() if where and each.proof else ():
            line = Text(f"    {name}: ", "cyan").append(hindrance or "can be proven")
            console.print(line, soft_wrap=True)
    claimed = sum(bool(each.proof) for each in traces)
    console.print(f"{claimed} of {len(traces)} statements are claimed by a scenario that blocks.")
