"""Steady traffic through the edge, each request recorded: what a failover does to users.

The schedule does not wait for answers: a request that hangs holds no other back. Every request
is a client of its own, on a connection of its own.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import cycle

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.probes.token import forge
from golive.replica.order import RIDER

_PER_SECOND = 30.0
_AT_ONCE = 150  # requests in flight: the rate, for as long as one may last
_TIMEOUT_S = 5.0  # the application answers within 4 s, whatever a store does
_TOKEN_S = 3600
_POLL_S = 0.01
_WITHIN_S = 30.0


class Kind(StrEnum):
    """What is asked for: which parts of the deployment it needs."""

    STATUS = "status"  # the application alone; it can be retried
    READ = "read"  # Redis, else MongoDB; it can be retried
    WRITE = "write"  # MongoDB's primary; a balancer may not retry it


_TURNS = (Kind.STATUS, Kind.WRITE, Kind.READ, Kind.STATUS)
_OK = {Kind.STATUS: 200, Kind.READ: 200, Kind.WRITE: 201}


@dataclass(frozen=True)
class Sent:
    """One request: begun `at_s` after the traffic, answered `took_s` later.

    `why` is empty where it had the answer that it must have; `id` names what was written then.
    """

    kind: Kind
    at_s: float
    took_s: float
    why: str = ""
    id: str = ""


@dataclass(frozen=True)
class Share:
    """What became of the requests of some kinds that were begun in a time.

    `why` are the different reasons for which some were lost. None took longer than `longest_s`.
    """

    asked: int
    lost: int
    why: tuple[str, ...]
    longest_s: float


@dataclass
class Traffic:
    """Traffic to the site, on behalf of a rider who is made for it.

    `client` gives a source address that nobody had yet; `secret` signs access tokens. It flows
    between `start` and `stop`.
    """

    site: Endpoint
    client: Callable[[], str | None]
    secret: str
    rider: str = field(default_factory=lambda: f"{RIDER}{secrets.token_hex(6)}")
    sent: list[Sent] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin; returns once the first requests are answered. Raises Unproven."""
        now = int(time.time())
        claims = {"session": self.rider, "sub": self.rider, "jti": self.rider}
        self._token = forge({**claims, "iat": now, "exp": now + _TOKEN_S}, self.secret)
        self._pool = ThreadPoolExecutor(_AT_ONCE, "traffic")
        self._began = time.monotonic()
        self._schedule = threading.Thread(target=self._flow, daemon=True)
        self._schedule.start()
        self.more(len(_TURNS))
        if wrong := [each for each in self.sent if each.why]:
            raise Unproven(f"before anything is broken: {wrong[0]}", Whose.TARGET)

    def stop(self) -> None:
        """End, and wait for what is under way."""
        self._stopped.set()
        self._schedule.join()
        self._pool.shutdown()

    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def more(self, count: int) -> None:
        """Return when `count` more requests have been answered, or given up."""
        wanted = len(self.sent) + count
        self.until(lambda: len(self.sent) >= wanted, f"{count} more requests")

    def until(self, holds: Callable[[], bool], what: str, within_s: float = _WITHIN_S) -> None:
        """Return when it holds. Raises Unproven where that takes too long."""
        until = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > until:
                raise Unproven(f"not within {within_s:g} s: {what}", Whose.TARGET)
            time.sleep(_POLL_S)

    def share(self, kinds: Iterable[Kind], begin_s: float, end_s: float) -> Share:
        """What became of the requests that were begun between these times."""
        chosen = [
            each for each in [*self.sent] if each.kind in {*kinds} and begin_s <= each.at_s < end_s
        ]
        return Share(
            len(chosen),
            sum(bool(each.why) for each in chosen),
            tuple(sorted({f"{each.kind}: {each.why}" for each in chosen if each.why})),
            round(max((each.took_s for each in chosen), default=0.0), 3),
        )

    def acknowledged(self) -> list[Sent]:
        """The writes that were acknowledged until now."""
        return [each for each in [*self.sent] if each.id]

    def _flow(self) -> None:
        for number, kind in enumerate(cycle(_TURNS)):
            at_s = number / _PER_SECOND
            if self._stopped.wait(max(0.0, at_s - self.now())):
                return
            self._pool.submit(self._send, kind, self.now())

    def _send(self, kind: Kind, at_s: float) -> None:
        why = written = ""
        try:
            why, written = self._ask(kind)
        except Unproven as error:
            why = error.reason
        self.sent.append(Sent(kind, at_s, round(self.now() - at_s, 3), why, written))

    def _ask(self, kind: Kind) -> tuple[str, str]:
        """Why an answer is not as it must be (empty: it is), and what it says was written."""
        client = replace(self.site, source=self.client())
        if kind is Kind.WRITE:
            headers = [
                ("Authorization", f"Bearer {self._token}"),
                ("Content-Type", "application/json"),
            ]
            answer = request(
                client,
                "/api/v1/riders/me/activities",
                method="POST",
                headers=headers,
                body=_ACTIVITY,
                timeout_s=_TIMEOUT_S,
            )
        else:
            path = "/health" if kind is Kind.STATUS else f"/api/v1/routes/route-{_route()}"
            answer = request(client, path, timeout_s=_TIMEOUT_S)
        if answer.status != _OK[kind]:
            return f"status {answer.status}: {answer.body[:80].decode(errors='replace')}", ""
        if kind is not Kind.WRITE:
            return "", ""
        try:
            return "", json.loads(answer.body)["_id"]
        except (ValueError, KeyError, TypeError):
            return f"no _id in {answer.body[:80].decode(errors='replace')}", ""


def _route() -> int:
    """One of the six routes that the application is seeded with."""
    return secrets.randbelow(6) + 1


_ACTIVITY = json.dumps(
    {
        **{"name": "golive drill", "startedAt": "2026-01-01T08:00:00Z"},
        **{"distanceKm": 20, "durationS": 3600, "elevationM": 100, "track": [[48.8, 2.4, 50]]},
    }
).encode()
