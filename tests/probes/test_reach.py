"""Which sockets a host reaches: real ones, of this machine."""

import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.reach import addresses, reach

HERE = Machine("here", Host(connection="local://"))
ADDRESS = "127.0.99.1"


@contextmanager
def listening():
    with socket.create_server((ADDRESS, 0)) as server:
        yield server.getsockname()[1]


def test_what_listens_is_reached_and_what_does_not_is_not():
    with listening() as one, listening() as two, socket.socket() as closed:
        closed.bind((ADDRESS, 0))  # and does not listen
        sockets = frozenset((ADDRESS, port) for port in (one, two, closed.getsockname()[1]))

        seen = reach(HERE, sockets)

    assert seen.open == {(ADDRESS, one), (ADDRESS, two)}
    assert seen.tried == sockets
    assert seen.name == "here"


def test_without_bash_it_is_unproven(monkeypatch, tmp_path):
    for program in ("sh", "timeout"):
        (tmp_path / program).symlink_to(Path("/usr/bin") / program)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unproven) as unproven:
        reach(HERE, frozenset({(ADDRESS, 1)}))

    assert unproven.value.whose is Whose.TOOL


def test_a_host_knows_its_addresses():
    found = addresses(HERE)

    assert found
    assert all(not address.startswith("127.") for address in found)
    for address in found:  # they are its own: it can listen there
        socket.create_server((address, 0)).close()


def test_a_host_that_tells_no_address_is_unproven(tmp_path, monkeypatch):
    (tmp_path / "cat").write_text("#!/bin/sh\necho 'Main:'\n")
    (tmp_path / "cat").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(Unproven, match="the kernel tells of no address"):
        addresses(HERE)
