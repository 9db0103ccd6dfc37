"""Restarts from snapshots of real servers: right ones, and what is wrong with others."""

import contextlib
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis

from golive import toolchain
from golive.drills.snapshot import restart
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven
from golive.probes.redis import Login, Node

ADMIN = Login("admin", "admin-password")
FILE = "/etc/redis/redis.conf"
START_TIMEOUT_S = 20


@pytest.fixture
def server():
    return toolchain.ensure(lambda _: None).redis_server


@pytest.fixture
def primary(tmp_path, server):
    """A primary that runs with a file as the deployment has it: its host, and the node."""
    address = f"127.84.{random.randrange(130, 256)}.{random.randrange(1, 255)}"
    data = tmp_path / "var/lib/redis"
    file = tmp_path / FILE.removeprefix("/")
    for directory in (data, file.parent):
        directory.mkdir(parents=True)
    file.write_text(
        f"bind {address}\ndir {data}\ndbfilename dump.rdb\nsave 3600 1\n"
        f"user admin on >{ADMIN.password} ~* &* +@all\nuser default off\n"
    )
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", server, file], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not answers(address):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        yield Machine("redis-1", Host(connection="local://", root=tmp_path)), Node("r", address)
    finally:
        process.kill()
        process.wait()


def answers(address):
    with socket.socket() as probe:
        return probe.connect_ex((address, 6379)) == 0


@contextlib.contextmanager
def client(node):
    with redis.Redis(node.address, username="admin", password=ADMIN.password) as connection:
        yield connection


def drill(primary, server):
    machine, node = primary
    return restart(machine, node, ADMIN, FILE, server, "dv:")


def test_all_is_there_again(primary, server):
    with client(primary[1]) as connection:
        connection.set("dv:other", "1", ex=600)

    seen = drill(primary, server)

    assert (seen.status, seen.written, seen.loaded) == ("ok", 5, 6)
    assert (seen.missing, seen.changed, seen.moved) == ((), (), ())
    assert seen.age_s is not None
    with client(primary[1]) as connection:
        assert connection.keys() == [b"dv:other"]


def reads(primary, name):
    """Have whatever starts with the file read another snapshot than the primary writes."""
    file = Path(primary[0].path(FILE))
    file.write_text(file.read_text().replace("dbfilename dump.rdb", f"dbfilename {name}"))
    return Path(primary[0].path("/var/lib/redis")) / name


def test_a_snapshot_that_goes_elsewhere_is_not_found(primary, server):
    reads(primary, "other.rdb")

    assert drill(primary, server).age_s is None


def test_an_old_snapshot_lacks_what_came_later(primary, server):
    with client(primary[1]) as connection:
        connection.save()
    shutil.copy(primary[0].path("/var/lib/redis/dump.rdb"), reads(primary, "old.rdb"))

    seen = drill(primary, server)

    assert len(seen.missing) == seen.written == 5


def test_a_save_that_fails_is_told(primary, server):
    machine, _ = primary
    (Path(machine.path("/var/lib/redis")) / "dump.rdb").mkdir()  # nothing can be renamed to it

    seen = drill(primary, server)

    assert (seen.status, seen.age_s) == ("err", None)


def test_a_damaged_snapshot_is_refused(primary, server):
    reads(primary, "damaged.rdb").write_bytes(b"REDIS0010 but no more")

    assert "does not start" in drill(primary, server).refused


def test_nobody_who_answers(primary, server):
    machine, _ = primary
    with pytest.raises(Unproven):
        restart(machine, Node("r", "127.84.129.7"), ADMIN, FILE, server, "dv:")
