"""What a server is: its size, its system, and of which cloud product it is an instance."""

import re
from dataclasses import dataclass
from math import ceil

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.mongodb import Login, Member, connected

_KIB = 1024
_MIB = 1024 * 1024
# Of a container, as it sees its own control group: of version 2, of version 1.
_MEMORY_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
_CPU_QUOTAS = (
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
)
_PRODUCT = "/sys/devices/virtual/dmi/id/product_name"


@dataclass(frozen=True)
class Size:
    """What a server has, in bytes; `free` is what ordinary users may still fill."""

    memory: int
    storage: int
    free: int


@dataclass(frozen=True)
class System:
    """The operating system, as os-release(5) names it: `Ubuntu`, `22.04`."""

    name: str
    version: str
    description: str


@dataclass(frozen=True)
class NodeSize:
    """What a MongoDB node has, in bytes: memory it may use, and the disk that its data is on."""

    memory: int
    storage: int


def size(machine: Machine, directory: str) -> Size:
    """The size of a server; its storage is the file system of `directory`. Raises Unproven."""
    total = re.search(r"^MemTotal:\s+(\d+) kB$", machine.run("cat /proc/meminfo"), re.MULTILINE)
    disk = machine.run("df -B1 --output=size,avail %s", machine.path(directory)).split()
    if total is None or not all(map(str.isdecimal, disk[-2:])):
        raise Unproven(f"{machine.name}: df or /proc/meminfo is not Linux's", Whose.TARGET)
    memory = min([int(total[1]) * _KIB, *_limits(machine, *_MEMORY_LIMITS)])
    return Size(memory, int(disk[-2]), int(disk[-1]))


def cpus(machine: Machine) -> int:
    """How many processors its programs may use: of a container, its quota. Raises Unproven."""
    said = machine.run("nproc").strip()
    if not said.isdecimal():
        raise Unproven(f"{machine.name}: nproc says {said[:80]!r}", Whose.TOOL)
    quotas = machine.run(f"cat {' '.join(_CPU_QUOTAS)} 2>/dev/null || true").split()
    match quotas:  # in microseconds: how many of each period; "max" and -1 are no limit
        case [quota, period] if quota.isdecimal() and period.isdecimal():
            return min(int(said), ceil(int(quota) / int(period)))
    return int(said)


def _limits(machine: Machine, *files: str) -> list[int]:
    """What a control group allows its programs: the numbers in these files, where they are."""
    said = machine.run(f"cat {' '.join(files)} 2>/dev/null || true").split()
    return [int(limit) for limit in said if limit.isdecimal()]


def system(machine: Machine) -> System:
    """The operating system of a server (of the machine itself, not of a replica's directory)."""
    lines = machine.run("cat /etc/os-release").splitlines()
    said = {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in lines)}
    try:
        return System(said["NAME"], said["VERSION_ID"], said["PRETTY_NAME"])
    except KeyError as error:
        raise Unproven(f"{machine.name}: /etc/os-release has no {error}", Whose.TARGET) from None


def product(machine: Machine) -> str | None:
    """The name that the firmware has of the machine, on EC2 the instance type.

    None where there is no firmware table, as on some virtual machines: no EC2 instance that the
    document names is without. Raises Unproven where nobody can look.
    """
    said = machine.run(f"if [ -e {_PRODUCT} ]; then cat {_PRODUCT}; fi").strip()
    return said or None


def mongodb_size(member: Member, login: Login) -> NodeSize:
    """The size of a MongoDB node, as its hostInfo and dbStats have it.

    A managed node tells it too, without a login on its machine. Raises Unproven.
    """
    with connected(member, login) as client:
        host = client.admin.command("hostInfo").get("system", {})
        disk = client.admin.command("dbStats").get("fsTotalSize")
    memory = host.get("memLimitMB") or host.get("memSizeMB")  # a container has a limit
    if not memory or not disk:
        raise Unproven(f"{member}: does not tell its memory and its disk", Whose.TARGET)
    return NodeSize(int(memory) * _MIB, int(disk))
