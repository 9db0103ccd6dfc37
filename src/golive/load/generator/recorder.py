"""Keep every sample, and what the generator itself was like, second by second.

    {"samples": {endpoint: {kind: [second, latency, service, ...]}}, "self": [second, lag, cpu,
     starved, ...], "users": n, "trouble": [...]}

is what leaves a process each second. Times are in microseconds. `latency` counts from the instant
at which a request was due, `service` from that at which it was sent. `kind` is empty for what
went well, REFUSED for an abusive client that was refused, else the kind of error.
"""

import time
from typing import Any

from locust.contrib.fasthttp import LocustBadStatusCode

REFUSED = "refused"
ABUSE = "abuse"
_TOO_MANY = 429
_MOST_TROUBLE = 5
Samples = dict[str, dict[str, list[int]]]


class Recorder:
    """The samples of this process that have not left it yet."""

    def __init__(self) -> None:
        self.origin: float | None = None
        self.lag_us = 0
        self._samples: Samples = {}
        self._trouble: list[str] = []

    def begin(self) -> None:
        """The run begins now."""
        self.origin = time.perf_counter()

    def elapsed(self) -> float:
        """Seconds since the beginning; 0 before it."""
        return 0.0 if self.origin is None else time.perf_counter() - self.origin

    def on_request(
        self,
        name: str,
        response_time: float,
        exception: BaseException | None,
        context: dict[str, Any],
        **_: Any,
    ) -> None:
        """Listen to Locust's event of a request that has ended."""
        now = time.perf_counter()
        service = max(1, round(response_time * 1000))
        due = context.get("scheduled")
        latency = service if due is None else max(1, round((now - due) * 1e6))
        second = int((now - service / 1e6 if due is None else due) - (self.origin or now))
        kind = "" if exception is None else kind_of(exception)
        if context.get("abusive"):
            name, kind = ABUSE, REFUSED if kind == f"HTTP {_TOO_MANY}" else kind
        kinds = self._samples.setdefault(name, {})
        kinds.setdefault(kind, []).extend((max(0, second), latency, service))

    def trouble(self, message: str) -> None:
        """Something went wrong that is the generator's own fault."""
        if len(self._trouble) < _MOST_TROUBLE:
            self._trouble.append(message)

    def take(self) -> tuple[Samples, list[str]]:
        """What came since it was taken last."""
        taken = self._samples, self._trouble
        self._samples, self._trouble = {}, []
        return taken


def kind_of(error: BaseException) -> str:
    """A few words for an error, the same for each of its kind."""
    if isinstance(error, LocustBadStatusCode):
        return f"HTTP {vars(error)['code']}"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError):
        return "connection reset"
    text = f"{type(error).__name__}: {error}"
    if "timed out" in text:
        return "timeout"
    return text[:80]
