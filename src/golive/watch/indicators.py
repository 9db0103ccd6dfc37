"""What a watch looks at: the API's errors and response times, alerts, restarts, log lines."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from golive.endpoint import Endpoint
from golive.machine import Machine
from golive.outcome import NotRun, Unproven
from golive.probes import pm2
from golive.probes.prometheus import labelled, value
from golive.watch.record import Before, Look

ERROR_LOG = "/var/log/dashboard-velo/error.log"
_LAST_BYTES = 2**20  # of a log: what is older than that is not counted
_TIME = re.compile(r'"time":"([^"]+)"')
_POINTS, _BEFORE_POINTS = 60, 500  # of a mean over a look, of the highest of the time before
_SHORTEST_S = 0.1
_ALERTS = 'ALERTS{alertstate="firing",severity=~"warning|critical"}'


@dataclass(frozen=True)
class Watched:
    """What is watched. `servers` are looked into where they can be.

    `scrape_s` is how often Prometheus scrapes: rates are over four of these.
    """

    prometheus: Endpoint
    scrape_s: float
    servers: tuple[Machine, ...]
    pm2_home: str | None

    def curves(self) -> dict[str, str]:
        """The queries whose curves a report shows, by their titles with units."""
        return {
            "Requests a second": f"sum(rate(http_requests_total[{self._window}]))",
            "Error rate, percent": self._error_rate,
            "Response time (95 %), seconds": self._response_time,
        }

    def before(self, began: datetime, span_s: float) -> Before:
        """The highest of each in the time before `began`. Raises Unproven."""

        def highest(query: str) -> float | None:
            span = _steps(span_s, _BEFORE_POINTS)
            return self._value(f"max_over_time((({query}) >= 0){span})", began)

        return Before(
            seconds=span_s,
            error_rate=highest(self._error_rate) if span_s else None,
            p95_s=highest(self._response_time) if span_s else None,
            alerts=self._alerts(_ALERTS, began),
        )

    def look(self, since: datetime, now: datetime) -> Look:
        """What was seen between two moments; why not, where nothing was."""
        # No shorter than what any interval between two samples fits into.
        span_s = max((now - since).total_seconds(), 2 * self.scrape_s)
        lines, restarts = self._inside(since, now)
        try:
            length, span = _duration(span_s), _steps(span_s, _POINTS)
            scrapes = self._value(f"max(count_over_time(up[{length}]))", now) or 0
            return Look(
                at=now,
                # Not what is no number: nothing was asked then.
                error_rate=self._value(f"avg_over_time((({self._error_rate}) >= 0){span})", now),
                p95_s=self._value(f"avg_over_time((({self._response_time}) >= 0){span})", now),
                alerts=self._alerts(f"max_over_time({_ALERTS}[{length}])", now),
                restarts=restarts,
                error_lines=lines,
                covered=min(1.0, scrapes * self.scrape_s / span_s),
            )
        except Unproven as problem:
            return Look(at=now, restarts=restarts, error_lines=lines, problem=str(problem))

    def restarts(self) -> int | None:
        """How often workers were started again; None where nobody may look. Raises Unproven."""
        if self.pm2_home is None or not self.servers:
            return None
        try:
            workers = [w for each in self.servers for w in pm2.inspect(each, self.pm2_home).workers]
        except NotRun:
            return None
        return sum(int(each.setting("restart_time") or 0) for each in workers)

    def _inside(self, since: datetime, now: datetime) -> tuple[int | None, int | None]:
        """Error lines and restarts, which only the servers themselves know."""
        try:
            return sum(_error_lines(each, since, now) for each in self.servers), self.restarts()
        except (NotRun, Unproven):
            return None, None

    @property
    def _window(self) -> str:
        return _duration(4 * self.scrape_s)

    @property
    def _error_rate(self) -> str:
        """Answers with a status of 5xx, in percent of all; 0 where there was none of them."""
        requests = f"sum(rate(http_requests_total[{self._window}]))"
        errors = f'sum(rate(http_requests_total{{status=~"5.."}}[{self._window}]))'
        return f"100 * ({errors} or 0 * {requests}) / {requests}"

    @property
    def _response_time(self) -> str:
        """What 95 % of the answers stay under, in seconds."""
        buckets = f"sum by (le) (rate(http_request_duration_seconds_bucket[{self._window}]))"
        return f"histogram_quantile(0.95, {buckets})"

    def _value(self, query: str, at: datetime) -> float | None:
        found = value(self.prometheus, query, at)
        return None if found is None or math.isnan(found) else found

    def _alerts(self, query: str, at: datetime) -> tuple[str, ...]:
        found = (dict(each) for each in labelled(self.prometheus, query, at))
        return tuple(sorted({_name(each) for each in found}))


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _steps(seconds: float, points: int) -> str:
    """A range of so many points, as a subquery has it."""
    return f"[{_duration(seconds)}:{_duration(max(seconds / points, _SHORTEST_S))}]"


def _name(labels: dict[str, str]) -> str:
    where = labels.get("instance") or labels.get("member") or ""
    return f"{labels['alertname']} ({labels['severity']}) {where}".rstrip()


def _error_lines(machine: Machine, since: datetime, until: datetime) -> int:
    text = machine.run(f"tail -c {_LAST_BYTES} -- %s", machine.path(ERROR_LOG))
    return sum(since < at <= until for at in _times(text.splitlines()))


def _times(lines: Iterable[str]) -> Iterable[datetime]:
    for line in lines:
        if found := _TIME.search(line):
            yield datetime.fromisoformat(found[1])
