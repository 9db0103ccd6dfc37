"""How a watch begins: it goes on, or one of another release is put aside and a new one begun."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

from golive.watch import files
from golive.watch.error_log import News, counts
from golive.watch.indicators import USUAL, Watched
from golive.watch.record import Limits, Record, Release
from golive.watch.servers import see

_ENOUGH = 60  # looks before, to tell what is usual of them


@dataclass(frozen=True)
class Plan:
    """How long (s) to watch which release, how often to look, what time before to compare with.

    `since` is when it was released, None for just now.
    """

    release: Release
    for_s: float
    every_s: float
    before_s: float
    limits: Limits
    since: datetime | None = None


def begin(target: Watched, name: str, plan: Plan, path: Path, say: Callable[[str], None]) -> Record:
    """The record to go on with. Raises RecordError (it is another environment's), Unproven."""
    found = files.read(path)
    if found is not None and found.environment != name:
        raise files.RecordError(f"{path} is the record of {found.environment}; move it away")
    same = found is not None and found.release == plan.release
    if found is not None and same and found.verdict is None:
        say(
            f"going on with the watch of {found.release} that began at {found.began:%F %T} UTC, "
            f"from {found.watched_until:%F %T} on"
        )
        return found
    record = _new(target, name, plan, found.released_at if found is not None and same else None)
    if found is not None:
        ended = "had not ended" if found.verdict is None else f"ended with {found.verdict}"
        say(f"the watch of {found.release} {ended}; it is {files.put_aside(found, path)} now")
    say(f"watching {plan.release}, released at {record.released_at:%F %T} UTC")
    files.write(record, path)
    return record


def _new(target: Watched, name: str, plan: Plan, earlier: datetime | None) -> Record:
    """A new record; `earlier` is when the release came, by a watch of it that has ended."""
    now = datetime.now(UTC)
    began = plan.since or now
    released_at = plan.since or earlier or now
    before = target.before(released_at, plan.before_s)
    seen = see(target.servers, target.pm2_home, (), now, now)
    lines = _usual(seen.news, released_at, plan) if seen.news is not None else None
    return Record(
        environment=name,
        release=plan.release,
        released_at=released_at,
        began=began,
        ends=began + timedelta(seconds=plan.for_s),
        every_s=plan.every_s,
        limits=plan.limits,
        before=before.model_copy(update={"error_lines": lines}),
        counted_from=now if seen.workers is not None else None,
        workers=seen.workers,
        # What came between the release and now is read with the first looks.
        logs=seen.positions if began == now else (),
    )


def _usual(news: Sequence[News], released_at: datetime, plan: Plan) -> float | None:
    """The error lines from a look to the next before the release; None where too few are known."""
    step, number = timedelta(seconds=plan.every_s), int(plan.before_s // plan.every_s)
    ends = [released_at - step * n for n in reversed(range(number))]
    found = sorted(
        each for each in counts(news, released_at - step * number, ends) if each is not None
    )
    if not found or len(found) < min(number, _ENOUGH):
        return None
    return found[ceil(USUAL * len(found)) - 1]
