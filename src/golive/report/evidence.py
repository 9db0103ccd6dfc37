"""What a scenario saw, by the step in which it was found."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from golive.checklist import Evidence, ScenarioResult

STEP = "step"  # the name under which the gate keeps that a step began


@dataclass(frozen=True)
class Step:
    """A step as it ran. All is empty for what was found before the first step.

    `duration_s` is None where the step never ended.
    """

    keyword: str
    text: str
    where: str
    outcome: str
    duration_s: float | None
    found: tuple[Evidence, ...]


def steps(result: ScenarioResult) -> tuple[Step, ...]:
    """The steps of a scenario that began, in order, each with what was found in it."""
    return tuple(_steps(result.evidence))


def _steps(entries: Iterable[Evidence]) -> Iterable[Step]:
    head: Mapping[str, object] = {}
    found: list[Evidence] = []
    for entry in entries:
        if entry.what == STEP and isinstance(entry.value, dict) and "keyword" in entry.value:
            if head or found:
                yield _step(head, found)
            head, found = entry.value, []
        else:
            found.append(entry)
    if head or found:
        yield _step(head, found)


def _step(head: Mapping[str, object], found: Iterable[Evidence]) -> Step:
    duration = head.get("duration_s")
    return Step(
        keyword=str(head.get("keyword", "")),
        text=str(head.get("text", "")),
        where=str(head.get("where", "")),
        outcome=str(head.get("outcome", "")),
        duration_s=float(duration) if isinstance(duration, int | float) else None,
        found=tuple(found),
    )


def line(value: JsonValue) -> str:
    """A value in one line of text: itself where it is text, else JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
