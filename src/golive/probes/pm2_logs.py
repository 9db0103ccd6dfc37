"""What the application's log holds of a request, on the server itself."""

import secrets
import time
from dataclasses import dataclass

from golive.machine import Machine
from golive.outcome import Unproven, Whose

_WITHIN_S = 5.0
_POLL_S = 0.05


@dataclass(frozen=True)
class Logged:
    """A request and the line about it, None where none came. Times are the server's clock, in
    whole seconds since 1970: before the request was sent, and after its line was seen."""

    path: str
    line: str | None
    before: int
    after: int


def logged(machine: Machine, port: int, path: str, file: str, mark: str) -> Logged:
    """Ask the application on the server for `path`, and await a new line with `mark` in `file`.

    `{}` in path and mark stands for something that was never asked for before. Raises Unproven.
    """
    once = secrets.token_hex(8)
    path, mark = path.replace("{}", once), mark.replace("{}", once)
    target = machine.path(file)
    before, size = _clock(machine), int(machine.run("stat -c %%s %s", target))
    status(machine, port, path)
    deadline = time.monotonic() + _WITHIN_S
    while True:
        new = machine.run("tail -c +%s %s", str(size + 1), target).splitlines()
        line = next((each for each in new if mark in each), None)
        if line is not None or time.monotonic() > deadline:
            return Logged(path, line, before, _clock(machine))
        time.sleep(_POLL_S)


def status(machine: Machine, port: int, path: str) -> int:
    """The status of the application's answer, asked on the server. Raises Unproven."""
    address = machine.host.address or machine.name
    url = f"http://{address}:{port}{path}"
    said = machine.run("curl -sS -o /dev/null -w '%%{http_code}' --max-time 5 %s", url)
    if not said.isdecimal():
        raise Unproven(f"{machine.name}: curl says {said!r} of {url}", Whose.TOOL)
    return int(said)


def last_lines(machine: Machine, file: str, count: int) -> tuple[str, ...]:
    """The last lines of a file. Raises Unproven."""
    return tuple(machine.run("tail -n %s %s", str(count), machine.path(file)).splitlines())


def _clock(machine: Machine) -> int:
    return int(machine.run("date +%s"))
