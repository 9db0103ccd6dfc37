"""What the application wrote into its log: PM2's date, then a JSON object, on each line."""

import json
import re
import time
from dataclasses import dataclass

from golive.machine import Machine
from golive.outcome import Unproven, Whose

LAST_BYTES = 64 * 1024
"""How much of the log is read: its end."""

# PM2 puts the date before each line, in whatever format it was given (log_date_format).
_DATE = re.compile(r"[\d\s:.,/+TZ-]*")
_POLL_S = 0.1


@dataclass(frozen=True)
class Log:
    """The last lines of a log. `levels` has each that occurs, with how often it does.

    `unreadable` are the lines that are no JSON object, by their number from the end (1 is the
    last). `asked` is the level of the line of our own request.
    """

    path: str
    lines: int
    levels: dict[str, int]
    unreadable: tuple[int, ...]
    asked: str | None


def log(machine: Machine, path: str, request: str, *, within_s: float = 3.0) -> Log:
    """The end of the host's log, once it has the line of a request whose path has `request`.

    Raises Unproven, the target's fault, where no such line comes in time: the log is another
    file, or has no line for a request.
    """
    where = machine.path(path)
    until = time.monotonic() + within_s
    # PM2's workers write in their own time.
    while request not in (text := _whole_lines(machine.run(f"tail -c {LAST_BYTES} -- %s", where))):
        if time.monotonic() > until:
            reason = f"{machine.name}: {where} has no line of a request after {within_s:g} s"
            raise Unproven(reason, Whose.TARGET)
        time.sleep(_POLL_S)
    lines = text.splitlines()
    if len(text.encode()) >= LAST_BYTES:
        del lines[0]  # it may be the end of one
    return _read(where, lines, request)


def _whole_lines(text: str) -> str:
    """Without the last line where it is being written just now."""
    return text[: text.rfind("\n") + 1]


def _read(path: str, lines: list[str], request: str) -> Log:
    levels: dict[str, int] = {}
    unreadable = []
    asked = None
    for number, line in enumerate(reversed(lines), start=1):
        level = _level(line)
        if level is None:
            unreadable.append(number)
            continue
        levels[level] = levels.get(level, 0) + 1
        if request in line:
            asked = level
    return Log(path, len(lines), levels, tuple(unreadable), asked)


def _level(line: str) -> str | None:
    """The level of a line, empty where it has none; None where the line is no JSON object."""
    try:
        entry = json.loads(_DATE.sub("", line, count=1) if line[:1] != "{" else line)
    except ValueError:
        return None
    return str(entry.get("level", "")) if isinstance(entry, dict) else None
