"""What Prometheus tells a watch: the API's requests, errors and response times, and alerts."""

import math
from dataclasses import dataclass
from datetime import datetime

from golive.endpoint import Endpoint
from golive.machine import Machine
from golive.outcome import Unproven
from golive.probes.prometheus import labelled, value
from golive.watch.record import Before, Look

_POINTS, _BEFORE_POINTS = 60, 1440  # of a mean over a look, of the time before
_SHORTEST_S = 0.1
_QUIET = 0.05  # of it has fewer requests: a night's
_ALERTS = 'ALERTS{alertstate="firing",severity=~"warning|critical"}'
USUAL = 0.99  # of the time before: what is higher is a moment's, and no measure for hours
ERROR_RATE, RESPONSE_TIME = "Error rate, percent", "Response time (95 %), seconds"
REQUESTS = "Requests a second"


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
            REQUESTS: self._requests,
            ERROR_RATE: self._error_rate,
            RESPONSE_TIME: self._response_time,
        }

    def before(self, released_at: datetime, span_s: float) -> Before:
        """What was usual in the time before the release. Raises Unproven."""

        def usual(quantile: float, query: str) -> float | None:
            if not span_s:
                return None
            span = _steps(span_s, _BEFORE_POINTS)
            return self._value(
                f"quantile_over_time({quantile}, (({query}) >= 0){span})", released_at
            )

        return Before(
            seconds=span_s,
            requests_s=usual(_QUIET, self._requests),
            error_rate=usual(USUAL, self._error_rate),
            p95_s=usual(USUAL, self._response_time),
            alerts=self._alerts(_ALERTS, released_at),
        )

    def look(self, since: datetime, at: datetime) -> Look:
        """What was seen between two moments; why not, where nothing was."""
        # No shorter than what any interval between two samples fits into.
        span_s = max((at - since).total_seconds(), 2 * self.scrape_s)
        length, span = _duration(span_s), _steps(span_s, _POINTS)

        def mean(query: str) -> float | None:  # not of what is no number: nothing was asked then
            return self._value(f"avg_over_time((({query}) >= 0){span})", at)

        try:
            scrapes = self._value(f"max(count_over_time(up[{length}]))", at) or 0
            return Look(
                at=at,
                requests_s=mean(self._requests),
                error_rate=mean(self._error_rate),
                p95_s=mean(self._response_time),
                alerts=self._alerts(f"max_over_time({_ALERTS}[{length}])", at),
                covered=min(1.0, scrapes * self.scrape_s / span_s),
            )
        except Unproven as problem:
            return Look(at=at, problem=str(problem))

    @property
    def _window(self) -> str:
        return _duration(4 * self.scrape_s)

    @property
    def _requests(self) -> str:
        return f"sum(rate(http_requests_total[{self._window}]))"

    @property
    def _error_rate(self) -> str:
        """Answers with a status of 5xx, in percent of all; 0 where there was none of them."""
        requests = self._requests
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
