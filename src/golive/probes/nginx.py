"""The nginx that runs on a host: its processes, and the configuration that they have loaded.

nginx does not tell its configuration over the network. What comes nearest is `nginx -T` of the
running master's own program, with the master's own arguments: it reads the files as they are
now. They are what the workers run with only if no file was changed since the workers began, so
that is looked at too. (A file that was removed since does not show.)
"""

import re
from dataclasses import dataclass

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.nginx_configuration import Block, parse

PID_FILE = "/run/nginx.pid"

_MASTER = "nginx: master process "
_WORKER = "nginx: worker process"  # one that finishes has "is shutting down" behind it
_OPTION = re.compile(r" -([pcge]) ?(.*?)(?= -[pcge] ?|$)")
_OPEN_FILES = re.compile(r"^Max open files +(\d+|unlimited) ", re.MULTILINE)
# The clocks of files and of processes tick in hundredths of a second.
_CLOCK_S = 0.05
# When the host started, by two clocks: uptime, the time, uptime again; the closest of several.
_CLOCKS = (
    "for _ in 1 2 3 4 5; do"
    " read -r before _ </proc/uptime; now=$(date +%s.%N); read -r after _ </proc/uptime;"
    " echo $before $now $after; done"
)


@dataclass(frozen=True)
class Worker:
    """A worker process. `open_files` is its limit, None for unlimited."""

    pid: int
    user: str
    open_files: int | None
    epoll: bool


@dataclass(frozen=True)
class Nginx:
    """nginx on `host`: `user` runs the master; `cpus` are those that `auto` counts."""

    host: str
    master: int
    user: str
    cpus: int
    workers: tuple[Worker, ...]
    configuration: Block
    look: str  # the command that prints the configuration


def loaded(machine: Machine) -> Nginx:
    """nginx as it runs on a host, and the configuration that its workers have loaded.

    Raises Unproven where no master runs, `nginx -T` fails or prints nonsense, we may not look
    into its processes, or a file is newer than a worker, so that it may not be what was loaded.
    """
    master = _master(machine)
    title = _title(machine, master)
    if not title.startswith(_MASTER):
        reason = f"{PID_FILE} names process {master}, which is {title!r} and no nginx"
        raise Unproven(f"{machine.name}: {reason}", Whose.TARGET)
    children = machine.run(f"cat /proc/{master}/task/{master}/children").split()
    workers = [pid for pid in map(int, children) if _title(machine, pid) == _WORKER]
    if not workers:
        raise Unproven(f"{machine.name}: nginx has no worker", Whose.TARGET)
    options = _options(title)
    shown = " ".join(["%s" for _ in options])
    # The program itself, even where a newer one has taken its place.
    dump = machine.run(f"/proc/{master}/exe -T {shown}", *options)
    configuration = parse(dump)
    _require_older(machine, dump, min(_began(machine, workers)))
    return Nginx(
        host=machine.name,
        master=master,
        user=_owner(machine, master),
        # What sysconf tells nginx: all that are online, whatever this process may use.
        cpus=int(machine.run("getconf _NPROCESSORS_ONLN")),
        workers=tuple(_worker(machine, worker) for worker in workers),
        configuration=configuration,
        look=" ".join(["nginx -T", *(f"'{o}'" if " " in o else o for o in options)]),
    )


def _master(machine: Machine) -> int:
    text = machine.read(PID_FILE).strip()
    if not text.isdigit():
        raise Unproven(f"{machine.name}: {PID_FILE} holds no number: {text!r}", Whose.TARGET)
    return int(text)


def _title(machine: Machine, pid: int) -> str:
    """What a process calls itself. A process that is gone, or of another user, is Unproven."""
    return machine.run(f"cat /proc/{pid}/cmdline").replace("\0", " ").strip()


def _options(title: str) -> tuple[str, ...]:
    """The master's arguments; its title has them joined by spaces."""
    return tuple(
        word for option, value in _OPTION.findall(title) for word in (f"-{option}", value.strip())
    )


def _require_older(machine: Machine, dump: str, began: float) -> None:
    for file in re.findall(r"^# configuration file (.+):$", dump, re.MULTILINE):
        # The time of the change itself (ctime): rsync and cp -p keep the time of the text.
        changed = float(machine.run("stat -c %%.3Z -- %s", file))
        if changed > began + _CLOCK_S:
            raise Unproven(
                f"{machine.name}: {file} was changed after nginx's workers began, so what they "
                "have loaded may be another text: nginx -t && nginx -s reload, then look again",
                Whose.TARGET,
            )


def _began(machine: Machine, pids: list[int]) -> list[float]:
    """When these processes began, in seconds since 1970."""
    ticks = int(machine.run("getconf CLK_TCK"))
    readings = [tuple(map(float, line.split())) for line in machine.run(_CLOCKS).splitlines()]
    before, now, _ = min(readings, key=lambda each: each[2] - each[0])
    stats = [machine.run(f"cat /proc/{pid}/stat") for pid in pids]
    starts = [int(stat.rpartition(")")[2].split()[19]) for stat in stats]  # proc(5): starttime
    return [now - before + start / ticks for start in starts]


def _worker(machine: Machine, pid: int) -> Worker:
    found = _OPEN_FILES.search(machine.run(f"cat /proc/{pid}/limits"))
    if found is None:
        raise Unproven(f"{machine.name}: /proc/{pid}/limits has no open files", Whose.TOOL)
    queues = machine.run(f"find /proc/{pid}/fd -lname 'anon_inode:*eventpoll*'")
    return Worker(
        pid,
        _owner(machine, pid),
        None if found[1] == "unlimited" else int(found[1]),
        epoll=bool(queues.strip()),
    )


def _owner(machine: Machine, pid: int) -> str:
    return machine.run(f"stat -c %U /proc/{pid}").strip()
