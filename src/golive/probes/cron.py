"""When cron runs a command: /etc/cron.d files, as crontab(5) of Debian's cron has them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from golive.machine import Machine
from golive.outcome import Unproven, Whose

_DAYS = 800  # two years: every weekday of every month, and a leap year's end, whatever begins
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
_WEEKDAYS = "sun mon tue wed thu fri sat".split()  # noqa: SIM905
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")


@dataclass(frozen=True)
class Job:
    """One line: its five fields, who runs it, and what; `variables` are those set before it."""

    fields: str
    user: str
    command: str
    variables: tuple[tuple[str, str], ...]

    @property
    def longest_pause(self) -> timedelta:
        """The longest time between two runs, in two years. Raises Unproven where it never runs."""
        runs = _runs(self.fields)
        if len(runs) < 2:
            raise Unproven(f"cron never runs {self.fields!r} twice in two years", Whose.TARGET)
        return max(later - earlier for earlier, later in pairwise(runs))


def jobs(machine: Machine, path: str) -> tuple[Job, ...]:
    """The jobs of a host's file. Raises Unproven where it cannot be read or understood."""
    found: list[Job] = []
    variables: dict[str, str] = {}
    for number, line in enumerate(machine.read(path).splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if variable := re.fullmatch(r"(\w+)\s*=\s*(.*)", text):
            variables[variable[1]] = variable[2].strip("\"'")
            continue
        words = _NAMED.get(text.split()[0], text.split()[0]) + text[len(text.split()[0]) :]
        parts = words.split(None, 6)
        if len(parts) < 7:
            raise Unproven(f"{machine.name}:{path}:{number}: not a job of cron", Whose.TARGET)
        found.append(Job(" ".join(parts[:5]), parts[5], parts[6], tuple(variables.items())))
    return tuple(found)


def _runs(fields: str) -> list[datetime]:
    minute, hour, day, month, weekday = fields.split()
    minutes, hours = _values(minute, 0, 59), _values(hour, 0, 23)
    days, months = _values(day, 1, 31), _values(month, 1, 12, _MONTHS)
    weekdays = {each % 7 for each in _values(weekday, 0, 7, _WEEKDAYS)}
    # Where both are given, either is enough (crontab(5)); a field that begins with * is none.
    either = not day.startswith("*") and not weekday.startswith("*")
    first = datetime(2027, 1, 1, tzinfo=UTC)
    found = []
    for each in (first + timedelta(days=number) for number in range(_DAYS)):
        on = (each.day in days, each.isoweekday() % 7 in weekdays)
        if each.month in months and (any(on) if either else all(on)):
            found += [
                each.replace(hour=h, minute=m) for h in sorted(hours) for m in sorted(minutes)
            ]
    return found


def _values(field: str, first: int, last: int, names: list[str] | None = None) -> set[int]:
    """The numbers that a field stands for. Raises Unproven."""

    def number(word: str) -> int:
        if names and word.lower() in names:
            return names.index(word.lower()) + first
        if not word.isdecimal() or not first <= int(word) <= last:
            raise Unproven(f"cron: {field!r} is not understood", Whose.TARGET)
        return int(word)

    values: set[int] = set()
    for each in field.split(","):
        item = _ITEM.fullmatch(each)
        if item is None or (item[1] == "*" and item[2]):
            raise Unproven(f"cron: {field!r} is not understood", Whose.TARGET)
        begin = first if item[1] == "*" else number(item[1])
        end = last if item[1] == "*" else number(item[2]) if item[2] else begin
        values.update(range(begin, end + 1, int(item[3] or 1) or 1))
    return values
