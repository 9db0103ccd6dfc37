"""The verb `golive watch`: environment, release, watch, report."""

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from golive import environment as environments
from golive.environment import EnvironmentFileError
from golive.located_yaml import FileError
from golive.replica.attach import attach
from golive.watch import page
from golive.watch.begin import Plan
from golive.watch.files import RecordError, file_of
from golive.watch.record import Limits, Verdict
from golive.watch.release import identify
from golive.watch.run import Say, run, watched

ERRORS = (EnvironmentFileError, FileError, RecordError)
"""Why a watch could not run, in words."""

EXIT_STATUS = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.INCOMPLETE: 3}
_LINES = 48  # of progress in all, where nobody sits before a terminal


@dataclass(frozen=True)
class Options:
    """What was asked for; `release` is a tag or the file of its record, None the tag at HEAD.

    `since` is when it was released, None for just now; times are in seconds.
    """

    environment: str
    replica: int | None
    release: str | None
    since: datetime | None
    for_s: float
    every_s: float
    before_s: float
    limits: Limits
    directory: Path


def main(options: Options, say: Say) -> Verdict:
    """Watch until the end, and write the report. Raises ERRORS, Unproven, ReplicaError."""
    environment = environments.load(options.environment)
    plan = Plan(
        identify(options.release),
        options.for_s,
        options.every_s,
        options.before_s,
        options.limits,
        options.since,
    )
    if options.replica is not None:
        environment = attach(environment, options.replica, say)
    target = watched(environment)
    path = file_of(options.directory, environment.name)
    record, verdict = run(target, environment.name, plan, path, say, _sparing(plan, say))
    shown = page.write(record, path, target)
    say(verdict)
    for reason in record.reasons:
        say(f"  {reason}")
    say(f"  {path}  {shown}")
    return verdict


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
