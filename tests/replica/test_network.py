"""The network between hosts of a replica is cut, and nothing of it is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from golive import toolchain
from golive.outcome import NotRun, Unproven
from golive.replica import network
from golive.replica.servers import PRELOADED
from golive.replica.subnet import Subnet
from golive.toolchain import debian

SUBNET = Subnet(250, low_ports=True)
APP, OTHER, MONGO = (SUBNET.hosts[host] for host in ("app-2", "mongo-2", "mongo-1"))
TABLE = f"golive_{SUBNET.number}"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root cuts networks")


def reaches(source: str, port: int) -> bool:
    try:
        socket.create_connection((MONGO, port), timeout=0.3, source_address=(source, 0)).close()
    except TimeoutError:
        return False
    return True


def tables() -> str:
    nft = debian.find("nft")
    assert nft
    return subprocess.run([nft, "list", "tables"], capture_output=True, text=True).stdout


@pytest.fixture
def port():
    with socket.create_server((MONGO, 0)) as server:
        yield server.getsockname()[1]


def test_what_is_sent_vanishes_until_it_is_mended(port):
    assert reaches(APP, port)
    with network.cut(SUBNET, "app-", "mongo-"):
        assert not reaches(APP, port)
        assert reaches(OTHER, port)  # the members reach each other
    assert reaches(APP, port)
    assert TABLE not in tables()


def test_nothing_is_left_of_who_is_killed(port):
    code = (
        "import time\nfrom golive.replica import network\n"
        "from golive.replica.subnet import Subnet\n"
        f"with network.cut(Subnet({SUBNET.number}, True), 'app-', 'mongo-'):\n"
        "    print('cut', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"cut\n"
        assert not reaches(APP, port)
        holder.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while not reaches(APP, port):
        assert time.monotonic() < until
    assert TABLE not in tables()


def cut_and_killed():
    with network.cut(SUBNET, "app-", "mongo-"):
        [owner] = [each for each in psutil.Process().children() if each.name() == "nft"]
        owner.kill()
        psutil.wait_procs([owner], timeout=10)


def test_a_cut_that_does_not_last_is_unproven():
    with pytest.raises(Unproven, match="whole again"):
        cut_and_killed()


def test_without_nft_it_is_not_run(monkeypatch):
    monkeypatch.setattr(debian, "find", lambda _: None)
    with pytest.raises(NotRun, match="apt-get install nftables"), network.cut(SUBNET, "a", "m"):
        pytest.fail("nothing was cut")


def test_without_the_right_it_is_not_run(monkeypatch, tmp_path):
    refused = tmp_path / "nft"
    refused.write_text("#!/bin/sh\nread _; echo 'Error: Could not process rule: not permitted'\n")
    refused.chmod(0o755)
    monkeypatch.setattr(debian, "find", lambda _: refused)
    with pytest.raises(NotRun, match="not permitted"), network.cut(SUBNET, "app-", "mongo-"):
        pytest.fail("nothing was cut")


def test_a_program_of_a_host_connects_from_its_own_address():
    own = next(each for each in PRELOADED if each.name == "own_address.js")
    node: Path = toolchain.ensure(lambda _: None).node
    with socket.create_server((MONGO, 0)) as server:
        server.settimeout(20)
        script = f"require('net').connect({server.getsockname()[1]}, '{MONGO}').end()"
        environment = {"PATH": os.defpath, "GOLIVE_ADDRESS": APP}
        with subprocess.Popen([node, "--require", own, "-e", script], env=environment):
            connection, (address, _) = server.accept()
            connection.close()
    assert address == APP
