"""What a run has seen of each scenario: phases, evidence, times."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from golive.checklist import Evidence, Scenario, ScenarioResult, item_of, merge
from golive.gate.evidence import PROPERTY
from golive.gate.scenario import RESULT
from golive.outcome import Outcome


@dataclass
class _Phases:
    """What was reported of one scenario so far: outcome and reason by phase.

    `began` is when, in Unix time; None before its first phase has ended.
    """

    outcomes: dict[str, tuple[Outcome, str]] = field(default_factory=dict)
    began: float | None = None
    duration_s: float = 0.0
    evidence: tuple[Evidence, ...] = ()


class Seen:
    """What was seen so far, by scenario."""

    def __init__(self) -> None:
        self._phases: dict[str, _Phases] = {}

    def add(self, report: pytest.TestReport) -> str | None:
        """A phase of a scenario has ended; the scenario's id, once it was the last."""
        result = getattr(report, RESULT)
        seen = self._phases.setdefault(result["id"], _Phases())
        seen.outcomes[report.when or ""] = (Outcome(result["outcome"]), result["reason"])
        seen.began = report.start if seen.began is None else seen.began
        seen.duration_s += report.duration
        if report.when != "teardown":
            return None
        entries = [v for name, v in report.user_properties if name == PROPERTY]
        seen.evidence = tuple(Evidence(**json.loads(str(entry))) for entry in entries)
        return str(result["id"])

    def result(self, scenario: Scenario, unreached: str) -> ScenarioResult:
        """The result of `scenario`; what is lacking of it is unproven, because `unreached`."""
        seen = self._phases.get(scenario.id, _Phases())
        phases = list(seen.outcomes.values())
        ran = "call" in seen.outcomes or any(outcome is not Outcome.PASSED for outcome, _ in phases)
        if not ran or "teardown" not in seen.outcomes:
            phases.append((Outcome.UNPROVEN, unreached))
        outcome = merge(outcome for outcome, _ in phases)
        return ScenarioResult(
            id=scenario.id,
            name=scenario.name,
            item=item_of(scenario.id),
            statements=scenario.statements,
            blocking=scenario.blocking,
            outcome=outcome,
            reason="\n".join(reason for each, reason in phases if each is outcome and reason),
            duration_s=round(seen.duration_s, 4),
            evidence=seen.evidence,
            where=scenario.where,
        )

    def spans(self) -> Iterator[tuple[str, float, float]]:
        """Id, begin (Unix time) and duration (s) of each scenario that began."""
        for id_, seen in self._phases.items():
            if seen.began is not None:
                yield id_, seen.began, seen.duration_s
