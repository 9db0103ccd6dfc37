"""The application's worker processes on a host: whose they are, how old, and what PM2 gave them.

dotenv reads the file of variables inside the process, and does not replace what is set already.
So /proc/PID/environ shows what goes before the file; and PM2's cluster mode carries its own
settings in one variable of it, pm2_env, whose members become variables too (ProcessContainer.js).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import Values

OWN = "GOLIVE_OWN"
"""The variable by which a process of the application is known as a probe's own, not a worker."""

_SETTINGS = "pm2_env"
_SCRIPT = "server.js"
_LSTART = "%a %b %d %H:%M:%S %Y"


@dataclass(frozen=True)
class Worker:
    """One process. `started_s` is in seconds since 1970, exact to two: the system
    dates a process by its own start, which it knows to a second.

    `given` are the variables that it had before the application read its file.
    """

    pid: int
    user: str
    started_s: int
    given: Values


def workers(machine: Machine, directory: str) -> tuple[Worker, ...]:
    """The host's processes that run `server.js` in `directory`, but for those that are our OWN.

    Raises Unproven where there is none, or one of them cannot be looked into.
    """
    # deploy.sh makes it a link to the slot that is live, and a process knows its real directory.
    where = machine.run("realpath -m -- %s", machine.path(directory)).strip()
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
    """A line for each process: its id, user, the five words of its start, command."""
    if not pids:
        return []
    # An age would be that of the moment when ps looks, which nobody tells.
    command = "env LC_ALL=C TZ=UTC ps -ww -o pid=,user:64=,lstart=,args= -p %s"
    return machine.run(command, ",".join(pids)).splitlines()


def _worker(machine: Machine, line: str) -> Worker | None:
    """The process; None where it is our own, or has ended since it was listed, as in a reload."""
    pid, user, *start, _ = line.split(maxsplit=7)
    started = datetime.strptime(" ".join(start), _LSTART).replace(tzinfo=UTC)
    environ = machine.run("cat /proc/%s/environ || test ! -e /proc/%s", pid, pid)
    if not environ:
        return None
    given = dict(each.split("=", 1) for each in environ.split("\0") if "=" in each)
    if OWN in given:
        return None
    settings = given.pop(_SETTINGS, None)
    if settings is not None:
        given |= {
            name: str(value)
            for name, value in json.loads(settings).items()
            if isinstance(value, str | int)
        }
    return Worker(int(pid), user, int(started.timestamp()), Values(given))
