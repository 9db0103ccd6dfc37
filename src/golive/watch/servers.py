"""What only the application's servers know: how often workers were started, and error lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from golive.machine import Machine
from golive.outcome import NotRun, Unproven, Whose
from golive.probes import pm2
from golive.watch.error_log import News, news
from golive.watch.record import Position, Worker

_REPLACED = "_old_"  # of the id of a worker that a reload has replaced, and that ends


@dataclass(frozen=True)
class Seen:
    """The servers at a moment: workers and what is new in the logs, each None where not seen.

    `why` says why not, None where both were seen.
    """

    at: datetime
    workers: tuple[Worker, ...] | None
    news: tuple[News, ...] | None
    why: str | None

    @property
    def positions(self) -> tuple[Position, ...]:
        """How far the logs were read."""
        return tuple(each.position for each in self.news or ())


def see(
    machines: Sequence[Machine],
    home: str | None,
    logs: Sequence[Position],
    logs_at: datetime,
    now: datetime,
) -> Seen:
    """Look at the servers; `logs` is how far their logs were read, at `logs_at`."""
    if not machines:
        return Seen(now, None, None, "no server can be looked into")
    known = {each.server: each for each in logs}
    problems = []
    workers = new = None
    try:
        workers = tuple(each for machine in machines for each in _workers(machine, home))
    except (NotRun, Unproven) as problem:
        problems.append(str(problem))
    try:
        new = tuple(news(each, known.get(each.name), logs_at) for each in machines)
    except (NotRun, Unproven) as problem:
        problems.append(str(problem))
    return Seen(now, workers, new, "; ".join(problems) or None)


def restarts(before: Sequence[Worker], now: Sequence[Worker]) -> int:
    """How often workers were started again, by what PM2 counts of each.

    PM2 counts from 0 again where a worker was deleted and made anew: that is one, and so is
    whatever it counts since.
    """
    known = {(each.server, each.id): each for each in before}
    found = 0
    for worker in now:
        was = known.pop((worker.server, worker.id), None)
        if was is None:
            found += worker.restarts
        elif worker.restarts > was.restarts:
            found += worker.restarts - was.restarts
        else:
            again = worker.pid != was.pid and worker.pid and was.pid
            found += bool(again) + (worker.restarts if worker.restarts < was.restarts else 0)
    return found + len(known)


def _workers(machine: Machine, home: str | None) -> list[Worker]:
    if home is None:
        raise NotRun("the environment names no pm2_home: restarts are not known")
    found = pm2.inspect(machine, home).workers
    try:
        return [
            Worker(
                server=machine.name,
                id=str(each.setting("pm_id")),
                pid=each.pid,
                restarts=int(each.setting("restart_time") or 0),
            )
            for each in found
            if not str(each.setting("pm_id")).startswith(_REPLACED)
        ]
    except (TypeError, ValueError) as error:
        raise Unproven(f"{machine.name}: PM2 counts restarts as {error}", Whose.TARGET) from error
