"""`golive watch`: look, judge, write down, wait; until time is up or something is wrong."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.machine import machines
from golive.probes.prometheus import PORT, configuration
from golive.watch import begin, files, page
from golive.watch.begin import Plan
from golive.watch.error_log import counts
from golive.watch.indicators import Watched
from golive.watch.judge import breaches, verdict
from golive.watch.record import Look, Record, Verdict
from golive.watch.servers import Seen, restarts, see

Say = Callable[[str], None]


def watched(environment: Environment) -> Watched:
    """What is watched of an environment. Raises Unproven where its Prometheus cannot be asked."""
    monitoring = machines(environment, "monitoring")[0]
    prometheus = Endpoint(monitoring.host.address or monitoring.name, PORT, monitoring.name)
    scrape_s = configuration(prometheus).scrape_interval_s
    servers = tuple(m for m in machines(environment, "app") if m.host.connection is not None)
    return Watched(prometheus, scrape_s, servers, environment.pm2_home)


def run(
    target: Watched, name: str, plan: Plan, path: Path, say: Say, progress: Say
) -> tuple[Record, Verdict]:
    """Watch until the verdict, going on from the record in `path` where that watch has not ended.

    `say` tells how it begins, `progress` of each look. Raises RecordError (the file is of something
    else, or written by another watch), Unproven (it cannot begin).
    """
    with files.alone(path):
        record = begin.begin(target, name, plan, path, say)
        page.write(record, path)
        while record.verdict is None:
            while (wait_s := (_next(record) - datetime.now(UTC)).total_seconds()) > 0:
                time.sleep(wait_s)
            record = _caught_up(record, target, progress)
            files.write(record, path)
            page.write(record, path)
        return record, record.verdict


def _caught_up(record: Record, target: Watched, progress: Say) -> Record:
    """The record with all looks that are due: one, or those of the time when nobody watched.

    They are kept together: what the servers have told is of all that time.
    """
    now = datetime.now(UTC)
    seen = see(target.servers, target.pm2_home, record.logs, record.watched_until, now)
    for look in _looks(record, target, seen, _due(record, now)):
        record = record.model_copy(update={"looks": (*record.looks, look)})
        progress(_line(record))
        if found := breaches(record):
            return record.model_copy(update={"verdict": Verdict.NO_GO, "reasons": found})
    if seen.workers is not None and (record.workers is None or look.restarts is not None):
        record = record.model_copy(update={"workers": seen.workers})
    if seen.news is not None:
        record = record.model_copy(update={"logs": seen.positions})
    if record.watched_until < record.ends:
        return record
    ended, reasons = verdict(record)
    return record.model_copy(update={"verdict": ended, "reasons": reasons})


def _looks(
    record: Record, target: Watched, seen: Seen, ends: tuple[datetime, ...]
) -> Iterator[Look]:
    """A look at each of these moments; restarts since the servers were seen last are the last's."""
    since = record.watched_until
    lines = (None,) * len(ends) if seen.news is None else counts(seen.news, since, ends)
    again = None
    if seen.workers is not None and record.workers is not None:
        again = restarts(record.workers, seen.workers)
    for at, error_lines in zip(ends, lines, strict=True):
        counted = again is not None and not (record.counted_from and at <= record.counted_from)
        here = again if at == ends[-1] else 0
        update = {"restarts": here if counted else None, "error_lines": error_lines}
        yield target.look(since, at).model_copy(update={**update, "unseen": seen.why})
        since = at


def _next(record: Record) -> datetime:
    return min(record.watched_until + timedelta(seconds=record.every_s), record.ends)


def _due(record: Record, now: datetime) -> tuple[datetime, ...]:
    """When looks are due until now: the first is."""
    step, until = timedelta(seconds=record.every_s), min(now, record.ends)
    number = ceil((until - record.watched_until) / step)
    planned = (record.watched_until + step * (n + 1) for n in range(number))
    return tuple(at for at in (min(each, record.ends) for each in planned) if at <= now)


def _line(record: Record) -> str:
    look = record.looks[-1]
    share = (look.at - record.began) / (record.ends - record.began)
    if look.problem:
        return f"{look.at:%F %T}  {share:4.0%}  nothing seen: {look.problem}"
    parts = [
        f"{len(look.alerts)} alerts",
        "no requests" if look.error_rate is None else f"errors {look.error_rate:.2f} %",
        "" if look.p95_s is None else f"95 % within {look.p95_s * 1000:.0f} ms",
        "" if look.error_lines is None else f"{look.error_lines} error lines",
        "" if look.restarts is None else f"{record.restarted} restarts",
    ]
    return f"{look.at:%F %T}  {share:4.0%}  " + " · ".join(filter(None, parts))
