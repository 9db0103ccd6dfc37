"""What a watch has seen so far, as typed data: written as one JSON file, anew after each look.

It is what a watch that was interrupted goes on from, and what the checklist asks of it.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Verdict(StrEnum):
    """How a watch ended."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Part):
    """What is a breach besides an alert: given by whoever starts the watch.

    `times` is how much higher than in the time before something may be, unless it is below
    `error_rate` (percent), `p95_s` or `error_lines` (a minute) anyway. `restarts` is how many are
    allowed in all.
    """

    times: float = 2.0
    error_rate: float = 0.5
    p95_s: float = 0.2
    error_lines: float = 30.0
    restarts: int = 0


class Release(_Part):
    """The release that is watched: its tag, and the full id of its commit."""

    tag: str
    commit: str

    def __str__(self) -> str:
        return f"{self.tag} ({self.commit[:12]})"


class Look(_Part):
    """What was seen of the time since the look before.

    `requests_s` is in requests a second, `error_rate` in percent, `p95_s` in seconds, each the mean
    of that time, None where there was none; `alerts` are those of it that fired at any moment,
    `restarts` and `error_lines` count those of that time, None where they were not seen. `covered`
    is the share of the time that Prometheus has seen, 0 to 1. `problem` says why it told nothing,
    `unseen` why restarts or error lines were not seen, where that is so.
    """

    at: datetime
    requests_s: float | None = None
    error_rate: float | None = None
    p95_s: float | None = None
    alerts: tuple[str, ...] = ()
    restarts: int | None = None
    error_lines: int | None = None
    covered: float = 0.0
    problem: str | None = None
    unseen: str | None = None


class Before(_Part):
    """The hours before the release (s), each None where there was nothing to be seen.

    `error_rate`, `p95_s` and `error_lines` (in as long as a look is apart from the next) are what
    99 % of that time stayed under; `requests_s` is what 95 % of it stayed above. `alerts` fired
    when it was released: they are nothing that it did.
    """

    seconds: float
    requests_s: float | None = None
    error_rate: float | None = None
    p95_s: float | None = None
    error_lines: float | None = None
    alerts: tuple[str, ...] = ()


class Worker(_Part):
    """A worker of the application, as PM2 knew it when it was last asked; `id` is PM2's own."""

    server: str
    id: str
    pid: int
    restarts: int


class Position(_Part):
    """How far a server's error log was read: up to byte `end` of the file with this inode."""

    server: str
    inode: int
    end: int


class Record(_Part):
    """A watch. `ends` is when it is to end; `verdict` is None while it goes on.

    `released_at` is when the release came, `began` from when on it is watched. `counted_from` is
    when workers were seen first, None where they were not when the watch was started. `workers`
    and `logs` are as the servers were at the last look that saw them.
    """

    schema_version: int = 2
    environment: str
    release: Release
    released_at: datetime
    began: datetime
    ends: datetime
    every_s: float
    limits: Limits = Limits()
    before: Before
    counted_from: datetime | None = None
    workers: tuple[Worker, ...] | None = None
    logs: tuple[Position, ...] = ()
    looks: tuple[Look, ...] = ()
    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()

    @property
    def watched_until(self) -> datetime:
        """Up to when it has looked."""
        return self.looks[-1].at if self.looks else self.began

    @property
    def restarted(self) -> int:
        """How often workers were started again, as far as that was seen."""
        return sum(each.restarts or 0 for each in self.looks)
