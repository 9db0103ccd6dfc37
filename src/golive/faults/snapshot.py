"""Snapshots of Redis that do not give back what was there."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from golive.faults.fault import FaultError, Target, fault
from golive.machine import credential

_FEATURE = "05_backup/snapshot.feature::"
_ALL = f"{_FEATURE}A server that starts from the snapshot has all keys, with their values"
_EXPIRE = f"{_FEATURE}Keys expire after a restart when they would have before"


@fault(_ALL, _EXPIRE)
@contextmanager
def another_file_is_written(replica: Target) -> Iterator[None]:
    """RDS-05: the running primary saves under another name than its file says, so that a restart
    begins with what was saved last under that: nothing of today, neither value nor TTL.
    """
    client = redis.Redis(
        host=replica.subnet.hosts["redis-1"],
        username="admin",
        password=credential(replica.environment, "redis-admin-password"),
    )
    old = replica.path("redis-1", "/var/lib/redis/dump.rdb")
    other = old.with_name("other.rdb")
    try:
        client.save()  # an old snapshot is there
        if not old.exists():
            raise FaultError(f"{old}: is not where the snapshot goes")
        client.config_set("dbfilename", other.name)
        yield
    finally:
        client.config_set("dbfilename", old.name)
        client.close()
        other.unlink(missing_ok=True)
