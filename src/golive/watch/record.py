"""What a watch has seen so far: one JSON file, written anew after each look.

It is what a watch that was interrupted goes on from, and what the checklist asks of it.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError


class RecordError(Exception):
    """The file of a watch cannot be read, or is of another watch; nothing was changed."""


class Verdict(StrEnum):
    """How a watch ended."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Look(_Part):
    """What was seen of the time since the look before.

    `error_rate` is in percent, `p95_s` in seconds, both the mean of that time, None where nothing
    was asked of the API; `alerts` are those of it that fired at any moment, `restarts` and
    `error_lines` count, None where nobody can look inside. `covered` is the share of the time that
    Prometheus has seen, 0 to 1. `problem` says why nothing could be seen, where that is so.
    """

    at: datetime
    error_rate: float | None = None
    p95_s: float | None = None
    alerts: tuple[str, ...] = ()
    restarts: int | None = None
    error_lines: int | None = None
    covered: float = 0.0
    problem: str | None = None


class Before(_Part):
    """The time before (s): the highest of each in it; None where nothing was asked of the API.

    `alerts` fired when the watch began: they are nothing that it found.
    """

    seconds: float
    error_rate: float | None
    p95_s: float | None
    alerts: tuple[str, ...]


class Record(_Part):
    """A watch. `ends` is when it is to end; `verdict` is None while it goes on.

    `restarts` is how often workers had been started again when it began; None: nobody may look.
    """

    schema_version: int = 1
    environment: str
    began: datetime
    ends: datetime
    every_s: float
    before: Before
    restarts: int | None = None
    looks: tuple[Look, ...] = ()
    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()

    @property
    def watched_until(self) -> datetime:
        """Up to when it has looked."""
        return self.looks[-1].at if self.looks else self.began


def file_of(directory: Path, environment: str) -> Path:
    """Where the record of an environment's last watch is."""
    return directory / f"watch-{environment}.json"


def read(path: Path) -> Record | None:
    """The record in a file; None where there is no file. Raises RecordError."""
    try:
        return Record.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise RecordError(f"{path}: no record of a watch ({first}); move it away") from error


def write(record: Record, path: Path) -> None:
    """Write the whole record, or nothing of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text(record.model_dump_json(indent=1))
    beside.replace(path)
