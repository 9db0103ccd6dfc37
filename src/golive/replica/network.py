"""Cut the network between hosts of a replica of processes: packets vanish, and nobody is told."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from golive.outcome import NotRun, Unproven, Whose
from golive.replica.subnet import Subnet
from golive.toolchain import debian


@contextmanager
def cut(subnet: Subnet, senders: str, receivers: str) -> Iterator[None]:
    """In the block nothing arrives that hosts named `senders`* send to those named `receivers`*.

    The rule is a table of nftables that belongs to one process (flags owner): the kernel removes
    it with that, and ends that with us. It matches this replica's addresses alone. Raises NotRun
    where this user may not, or Linux is older than 5.12; Unproven where it did not last.
    """
    nft = debian.find("nft")
    if nft is None:
        raise NotRun("to cut a network takes nft: apt-get install nftables")
    table = f"ip golive_{subnet.number}"
    commands = (
        f"add table {table} {{ flags owner; }}",
        f"add chain {table} output {{ type filter hook output priority 0; }}",
        f"add rule {table} output ip saddr {_set(subnet, senders)} "
        f"ip daddr {_set(subnet, receivers)} drop",
        f"list table {table}",
    )
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", nft, "--interactive"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # an interrupt is for us: we mend it
    ) as owner:
        try:
            _tell(owner, commands)
            yield
            if owner.poll() is not None:
                raise Unproven("nft ended, and the network was whole again", Whose.TOOL)
        finally:
            owner.kill()


def _tell(nft: "subprocess.Popen[str]", commands: tuple[str, ...]) -> None:
    """Return when the rule holds: nft lists it. Raises NotRun."""
    if nft.stdin is None or nft.stdout is None:
        raise TypeError("nft has no pipes")
    nft.stdin.write("".join(f"{each}\n" for each in commands))
    nft.stdin.flush()
    for line in nft.stdout:
        if line.startswith("Error"):
            raise NotRun(f"nft cannot cut a network here: {line.strip()}")
        if line.strip().endswith("drop"):
            return
    raise NotRun("nft ended, and has not cut a network")


def _set(subnet: Subnet, prefix: str) -> str:
    return "{ " + ", ".join(subnet.named(prefix).values()) + " }"
