"""What a host reaches over the network: which sockets of other hosts take its connection."""

import re
from dataclasses import dataclass

from golive.machine import Machine
from golive.outcome import Unproven, Whose

TIMEOUT_S = 3
_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
_TRY = (
    "for each; do"
    f' {{ timeout {TIMEOUT_S} bash -c "</dev/tcp/${{each% *}}/${{each#* }}" 2>/dev/null'
    ' && echo "$each"; } & '
    "done; wait; echo tried"
)


@dataclass(frozen=True)
class Reach:
    """From where, and the sockets (address, port) that were tried: `open` are those that answer."""

    name: str
    tried: frozenset[tuple[str, int]]
    open: frozenset[tuple[str, int]]


def addresses(machine: Machine) -> tuple[str, ...]:
    """Every IPv4 address of a host, of whatever network; not its loopback. Raises Unproven."""
    found = set(_LOCAL.findall(machine.run("cat /proc/net/fib_trie")))
    own = sorted(each for each in found if not each.startswith("127."))
    if not own:
        raise Unproven(f"{machine.name}: the kernel tells of no address", Whose.TARGET)
    return tuple(own)


def reach(machine: Machine, sockets: frozenset[tuple[str, int]]) -> Reach:
    """Try a TCP connection from `machine` to each socket, all at once. Raises Unproven.

    What neither answers nor refuses within TIMEOUT_S is closed.
    """
    words = [f"{address} {port}" for address, port in sorted(sockets)]
    shown = " ".join(["%s"] * len(words))
    *lines, last = machine.run(f"bash -c %s _ {shown}", _TRY, *words).splitlines() or [""]
    if last != "tried":
        raise Unproven(f"{machine.name}: bash says {last!r}", Whose.TOOL)
    opened = {(address, int(port)) for address, port in (line.split() for line in lines)}
    return Reach(machine.name, sockets, frozenset(opened))
