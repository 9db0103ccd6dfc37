"""The verb `golive watch`: environment, watch, report."""

import sys
from pathlib import Path

from golive import environment as environments
from golive.environment import EnvironmentFileError
from golive.outcome import Unproven
from golive.probes.prometheus import curve
from golive.replica.attach import attach
from golive.report import watch as report
from golive.watch.indicators import Watched
from golive.watch.record import Record, RecordError, Verdict, file_of
from golive.watch.run import Plan, Say, run, watched

ERRORS = (EnvironmentFileError, RecordError)
"""Why a watch could not run, in words."""

EXIT_STATUS = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.INCOMPLETE: 3}
_LINES = 48  # of progress in all, where nobody sits before a terminal


def main(name: str, replica: int | None, plan: Plan, directory: Path, say: Say) -> Verdict:
    """Watch until the end, and write the report. Raises ERRORS, Unproven, ReplicaError."""
    environment = environments.load(name)
    if replica is not None:
        environment = attach(environment, replica, say)
    target = watched(environment)
    path = file_of(directory, environment.name)
    record, verdict = run(target, environment.name, plan, path, _sparing(plan, say))
    page = path.with_suffix(".html")
    page.write_text(report.render(record, _curves(target, record)), encoding="utf-8")
    say(verdict)
    for reason in record.reasons:
        say(f"  {reason}")
    say(f"  {path}  {page}")
    return verdict


def _curves(target: Watched, record: Record) -> dict[str, report.Points | None]:
    found: dict[str, report.Points | None] = {}
    for title, query in target.curves().items():
        try:
            found[title] = curve(target.prometheus, query, *report.span(record)) or None
        except Unproven:
            found[title] = None
    return found


def _sparing(plan: Plan, say: Say) -> Say:
    """Every line on a terminal; else some of them, so that a log of a day stays a page."""
    every = 1 if sys.stdout.isatty() else max(1, round(plan.for_s / plan.every_s / _LINES))
    said = 0

    def sparing(line: str) -> None:
        nonlocal said
        if said % every == 0:
            say(line)
        said += 1

    return sparing
