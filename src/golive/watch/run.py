"""`golive watch`: look, judge, write down, wait; until time is up or something is wrong."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.machine import machines
from golive.outcome import Unproven
from golive.probes.prometheus import PORT, configuration
from golive.watch import record as records
from golive.watch.indicators import Watched
from golive.watch.judge import Limits, breaches, verdict
from golive.watch.record import Look, Record, Verdict

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long (s) to watch, how often to look, and what time before to compare with."""

    for_s: float
    every_s: float
    before_s: float
    limits: Limits


def watched(environment: Environment) -> Watched:
    """What is watched of an environment. Raises Unproven where its Prometheus cannot be asked."""
    monitoring = machines(environment, "monitoring")[0]
    prometheus = Endpoint(monitoring.host.address or monitoring.name, PORT, monitoring.name)
    scrape_s = configuration(prometheus).scrape_interval_s
    servers = tuple(m for m in machines(environment, "app") if m.host.connection is not None)
    return Watched(prometheus, scrape_s, servers, environment.pm2_home)


def run(target: Watched, name: str, plan: Plan, path: Path, say: Say) -> tuple[Record, Verdict]:
    """Watch until the verdict, going on from the record in `path` where that watch has not ended.

    Raises RecordError (the file is of something else), Unproven (it cannot begin).
    """
    record = _begin(target, name, plan, path, say)
    while record.verdict is None:
        wait_s = (_next(record) - datetime.now(UTC)).total_seconds()
        if wait_s > 0:
            time.sleep(wait_s)
        record = _after(record, target.look(record.watched_until, datetime.now(UTC)), plan)
        records.write(record, path)
        say(_line(record))
    return record, record.verdict


def _begin(target: Watched, name: str, plan: Plan, path: Path, say: Say) -> Record:
    found = records.read(path)
    if found is not None and found.environment != name:
        raise records.RecordError(f"{path} is the record of {found.environment}; move it away")
    if found is not None and found.verdict is None:
        say(f"going on with the watch that began at {found.began:%F %T} UTC")
        return found
    now = datetime.now(UTC)
    record = Record(
        environment=name,
        began=now,
        ends=now + timedelta(seconds=plan.for_s),
        every_s=plan.every_s,
        before=target.before(now, plan.before_s),
        restarts=_restarts(target),
    )
    records.write(record, path)
    return record


def _restarts(target: Watched) -> int | None:
    try:
        return target.restarts()
    except Unproven:
        return None


def _next(record: Record) -> datetime:
    return min(record.watched_until + timedelta(seconds=record.every_s), record.ends)


def _after(record: Record, look: Look, plan: Plan) -> Record:
    """The record with one look more, and with its verdict where there is one now."""
    record = record.model_copy(update={"looks": (*record.looks, look)})
    if found := breaches(record, plan.limits):
        return record.model_copy(update={"verdict": Verdict.NO_GO, "reasons": found})
    if look.at < record.ends:
        return record
    ended, reasons = verdict(record)
    return record.model_copy(update={"verdict": ended, "reasons": reasons})


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
        "" if look.restarts is None else f"{look.restarts - (record.restarts or 0)} restarts",
    ]
    return f"{look.at:%F %T}  {share:4.0%}  " + " · ".join(filter(None, parts))
