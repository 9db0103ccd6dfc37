"""Snapshots of Redis that do not give back what was there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from golive.faults.fault import Target, fault
from golive.faults.files import edited
from golive.machine import credential

_FEATURE = "05_backup/snapshot.feature::"
_ALL = f"{_FEATURE}A server that starts from the snapshot has all keys, with their values"
_EXPIRE = f"{_FEATURE}Keys expire after a restart when they would have before"


@fault(_ALL, _EXPIRE)
@contextmanager
def another_file_is_read(replica: Target) -> Iterator[None]:
    """RDS-05: the primary's file names another snapshot than the running one writes, an old one:
    a restart gives back nothing of today, neither values nor when they expire.
    """
    client = redis.Redis(
        host=replica.subnet.hosts["redis-1"],
        username="admin",
        password=credential(replica.environment, "redis-admin-password"),
    )
    written = replica.path("redis-1", "/var/lib/redis/dump.rdb")
    read = written.with_name("old.rdb")
    try:
        client.save()
        shutil.copy(written, read)
        edit = (f"dbfilename {written.name}", f"dbfilename {read.name}")
        with edited(replica, "redis-1", "/etc/redis/redis.conf", edit):
            yield
    finally:
        client.close()
        read.unlink(missing_ok=True)
