"""The last runs beside this one, and what has turned red since."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from golive.checklist import Report, ScenarioResult
from golive.outcome import Outcome
from golive.report import json

DIRECTORY = "history"
KEEP = 20
_RED = (Outcome.FAILED, Outcome.UNPROVEN)


@dataclass(frozen=True)
class History:
    """Earlier runs against the same environment, newest first; `unread` says what is none."""

    runs: tuple[Report, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Turned:
    """A scenario that is red now, and what it was when it was last run, and when that was."""

    result: ScenarioResult
    before: Outcome
    when: datetime


def keep(report: Report, directory: Path) -> None:
    """Put a run into the history of a report directory, without its evidence; forget the oldest."""
    slim = tuple(replace(result, evidence=()) for result in report.scenarios)
    name = f"{report.started.astimezone(UTC):%Y-%m-%dT%H-%M-%S.%fZ}.json"
    json.write(
        replace(report, scenarios=slim, statements=(), spans=()), directory / DIRECTORY, name
    )
    for path in _files(directory)[KEEP:]:
        path.unlink(missing_ok=True)


def read(report: Report, directory: Path) -> History:
    """The runs that a report directory remembers from before `report`."""
    runs, unread = [], []
    for path in _files(directory):
        try:
            run = json.read(path.parent, path.name)
        except json.ReportFileError as error:
            unread.append(str(error))
        else:
            if run.environment == report.environment and run.started < report.started:
                runs.append(run)
    return History(tuple(sorted(runs, key=lambda run: run.started, reverse=True)), tuple(unread))


def turned_red(report: Report, history: History) -> tuple[Turned, ...]:
    """What blocks now and did not when it was last run; a scenario that is new has not turned."""
    found = []
    for result in report.scenarios:
        if result.counts and result.outcome in _RED and _ran(result):
            last = _last(result.id, history.runs)
            if last and last.before not in _RED:
                found.append(replace(last, result=result))
    return tuple(found)


def _last(scenario: str, runs: Iterable[Report]) -> Turned | None:
    for run in runs:
        for result in run.scenarios:
            if result.id == scenario and _ran(result):
                return Turned(result, result.outcome, run.started)
    return None


def _ran(result: ScenarioResult) -> bool:
    """Whether the scenario was tried at all: one that was not chosen for a run is unproven in it,
    which says nothing of its turning.
    """
    return result.outcome is not Outcome.UNPROVEN or result.duration_s > 0


def _files(directory: Path) -> list[Path]:
    """Newest first."""
    return sorted((directory / DIRECTORY).glob("*.json"), reverse=True)
