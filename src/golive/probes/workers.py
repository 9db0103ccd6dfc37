"""The application's worker processes on a host: whose they are, how old, and what PM2 gave them.

dotenv reads the file of variables inside the process, and does not replace what is set already.
So /proc/PID/environ shows what goes before the file; and PM2's cluster mode carries its own
settings in one variable of it, pm2_env, whose members become variables too (ProcessContainer.js).
"""

import json
from dataclasses import dataclass

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import Values

_SETTINGS = "pm2_env"
_SCRIPT = "server.js"


@dataclass(frozen=True)
class Worker:
    """One process. `started_s` is in seconds since 1970, exact to a second.

    `given` are the variables that it had before the application read its file.
    """

    pid: int
    user: str
    started_s: int
    given: Values


def workers(machine: Machine, directory: str) -> tuple[Worker, ...]:
    """The host's processes that run `server.js` in `directory`.

    Raises Unproven where there is none, or one of them cannot be looked into.
    """
    where = machine.path(directory)
    # Not every process shows its directory to us, those of others do not: find then ends with 1.
    found = machine.run(
        "find /proc -mindepth 2 -maxdepth 2 -name cwd -lname %s -printf '%%h ' 2>/dev/null || true",
        where,
    )
    pids = [path.rpartition("/")[2] for path in found.split()]
    looked = [_worker(machine, line) for line in _listed(machine, pids) if _SCRIPT in line]
    seen = tuple(worker for worker in looked if worker is not None)
    if not seen:
        raise Unproven(f"{machine.name}: no process runs {where}/{_SCRIPT}", Whose.TARGET)
    return seen


def _listed(machine: Machine, pids: list[str]) -> list[str]:
    """A line for each process: the time now, its id, user, age in seconds, command."""
    if not pids:
        return []
    command = "ps -ww -o pid=,user:64=,etimes=,args= -p %s"
    now = machine.run("date +%s").strip()
    return [f"{now} {line}" for line in machine.run(command, ",".join(pids)).splitlines()]


def _worker(machine: Machine, line: str) -> Worker | None:
    """The process; None where it has ended since it was listed, as in a reload."""
    now, pid, user, age, _ = line.split(maxsplit=4)
    environ = machine.run("cat /proc/%s/environ || test ! -e /proc/%s", pid, pid)
    if not environ:
        return None
    given = dict(each.split("=", 1) for each in environ.split("\0") if "=" in each)
    settings = given.pop(_SETTINGS, None)
    if settings is not None:
        given |= {
            name: str(value)
            for name, value in json.loads(settings).items()
            if isinstance(value, str | int)
        }
    return Worker(int(pid), user, int(now) - int(age), Values(given))
