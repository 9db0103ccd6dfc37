"""Which backups of MongoDB a host has: by their names, their modes and their checksums."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from golive.machine import Machine
from golive.outcome import Unproven, Whose

_NAME = re.compile(r"mongodb-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)")
_TIME = "%Y-%m-%dT%H-%M-%SZ"


@dataclass(frozen=True)
class Backup:
    """One backup: a directory named after the time at which it was begun."""

    name: str
    made: datetime


@dataclass(frozen=True)
class Open:
    """What others than its owner may read or write; `mode` in octal, as chmod has it."""

    path: str
    mode: str


@dataclass(frozen=True)
class Store:
    """The backups in a directory, oldest first (there is one at least), and what is open."""

    directory: str
    backups: tuple[Backup, ...]
    opened: tuple[Open, ...]

    @property
    def newest(self) -> Backup:
        """The last one that was made."""
        return self.backups[-1]

    @property
    def days(self) -> tuple[int, ...]:
        """How many days (UTC) before the newest there is a backup: 0 and more, each once."""
        last = self.newest.made.date()
        return tuple(
            sorted({(last - each.made.date()) // timedelta(days=1) for each in self.backups})
        )


def named(name: str) -> Backup | None:
    """The backup of this name; None where it is no name of one that was finished."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return Backup(name, datetime.strptime(found[1], _TIME).replace(tzinfo=UTC))


def name_of(made: datetime) -> str:
    """The name of a backup that was begun then."""
    return f"mongodb-{made.strftime(_TIME)}"


def store(machine: Machine, directory: str) -> Store | None:
    """What is in the host's `directory` now; None where there is no backup. Raises Unproven."""
    place = machine.path(directory)
    listed = machine.run(
        "if [ -d %s ]; then find %s -mindepth 1 -maxdepth 1 -printf '%%f\\n'; fi", place, place
    )
    found = [each for each in map(named, listed.splitlines()) if each is not None]
    if not found:
        return None
    opened = machine.run("find %s -perm /077 -printf '%%m %%p\\n'", place).splitlines()
    return Store(
        place,
        tuple(sorted(found, key=lambda each: each.made)),
        tuple(Open(path, mode) for mode, _, path in (each.partition(" ") for each in opened)),
    )


def damage(machine: Machine, directory: str) -> tuple[str, ...]:
    """What of a backup (an absolute path) is not as it was written: nothing, or a line each.

    Raises Unproven where there are no checksums to compare with.
    """
    said = machine.run(
        "cd %s && test -s SHA256SUMS && { sha256sum --check --quiet SHA256SUMS 2>&1 || true; }",
        directory,
    )
    files = machine.run("cd %s && find . -type f ! -name SHA256SUMS -printf '%%P\\n'", directory)
    if not files.strip():
        raise Unproven(f"{machine.name}: {directory} has no files", Whose.TARGET)
    listed = machine.run("cut -c 67- %s", f"{directory}/SHA256SUMS").splitlines()
    more = sorted(set(files.splitlines()) - set(listed))
    return (*said.splitlines(), *(f"{each}: not listed" for each in more))
