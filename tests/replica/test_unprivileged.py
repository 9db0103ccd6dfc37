"""Without root a replica comes up all the same, on the ports that everybody may use."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from golive import cache
from golive.replica.hosts import SITE

from .commands import Replica, copy_of_stack, free_number, golive

# Root in a user namespace of its own without a mapping: no capability, no user id but nobody's.
PREFIX = ("unshare", "--user") if os.geteuid() == 0 else ()


@pytest.fixture(scope="module")
def unprivileged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replica, str]]:
    """A replica of a user who is not root, whose directories have long names, and its words."""
    if subprocess.run([*PREFIX, "true"], check=False).returncode != 0:
        pytest.skip("root may not make a user namespace here, so nobody without rights exists")
    place = tmp_path_factory.mktemp("a rather long name with spaces " * 4)
    stack = copy_of_stack(place / "stack")
    environment = {
        **os.environ,
        "HOME": str(place),
        "TMPDIR": str(place),
        "GOLIVE_CACHE": str(cache.root()),
    }
    number = free_number()
    said = golive("up", "--subnet", number, "--stack", stack, prefix=PREFIX, env=environment)
    try:
        assert said.returncode == 0, said.stderr
        yield Replica(number, _uid()), said.stdout
    finally:
        golive("down", number, prefix=PREFIX, env=environment)
    assert Replica(number, _uid()).remains() == []


def test_it_is_on_ports_for_everybody_and_says_so(unprivileged: tuple[Replica, str]) -> None:
    replica, said = unprivileged
    if low_ports():
        assert replica.subnet.port(443) == 443
        return
    assert "Ports 8080, 8443 and 8025 stand for 80, 443 and 25" in said
    assert (replica.subnet.port(80), replica.subnet.port(443)) == (8080, 8443)


def test_its_site_answers(unprivileged: tuple[Replica, str]) -> None:
    replica, _ = unprivileged
    command = ["curl", "--silent", "--fail", "--show-error", "--cacert"]
    root = str(replica.directory / "hosts/authority/root.pem")
    edge = f"::{replica.subnet.hosts['edge']}:{replica.subnet.port(443)}"
    url = f"https://{SITE}/ready"
    said = subprocess.run(
        [*command, root, "--connect-to", edge, url], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


def test_its_receivers_are_known_to_alertmanager(unprivileged: tuple[Replica, str]) -> None:
    replica, _ = unprivileged
    file = replica.directory / "hosts/monitoring/etc/alertmanager/alertmanager.yml"
    text, hosts, port = file.read_text(), replica.subnet.hosts, replica.subnet.port
    assert f"'{hosts['mail']}:{port(25)}'" in text
    for receiver in ("slack", "sms", "heartbeat"):
        assert f"'http://{hosts[receiver]}{_shown(port(80))}/" in text


def test_a_missing_tool_is_left_to_an_administrator(tmp_path: Path) -> None:
    unshare = shutil.which(PREFIX[0]) if PREFIX else None
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "GOLIVE_CACHE": str(cache.root())}
    prefix = (unshare, *PREFIX[1:]) if unshare else ()
    said = golive("up", "--subnet", free_number(), prefix=prefix, env=environment)
    assert said.returncode == 2
    assert "golive: Not installed: " in said.stderr
    assert "redis-server" in said.stderr
    assert "ask an administrator to run" in said.stderr
    assert "Traceback" not in said.stderr


def _shown(port: int) -> str:
    return "" if port == 80 else f":{port}"


def _uid() -> int:
    said = subprocess.run([*PREFIX, "id", "-u"], capture_output=True, text=True, check=True)
    return int(said.stdout)


def low_ports() -> bool:
    """Whether this machine lets everybody use low ports."""
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return int(start.read_text()) <= 25
