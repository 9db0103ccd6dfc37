"""Wrong deployments of the application on the first server, and a Redis that lets no one ask."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from golive.faults.fault import Target, fault
from golive.faults.files import edited
from golive.machine import credential

_APPLICATION = "/var/www/dashboard-velo-api"
_FEATURE = "platform/readiness.feature::"
_TURNS = _FEATURE + "Readiness turns false when <store> is gone, and true when it is back[{}]"
_EARLY = _FEATURE + (
    "A worker neither takes traffic nor says that it is ready before it can do its work"
)


@fault(_TURNS.format("redis"))
@contextmanager
def redis_not_asked(replica: Target) -> Iterator[None]:
    """ARC-05: /ready takes Redis for granted, in a release that no worker runs yet."""
    asked = "redis: () => store.timed('ping', () => store.redis.ping()),"
    edits = (asked, "redis: async () => 'PONG',")
    with edited(replica, "app-1", f"{_APPLICATION}/src/status.js", edits):
        yield


@fault(_TURNS.format("mongodb"))
@contextmanager
def mongodb_not_asked(replica: Target) -> Iterator[None]:
    """ARC-05: /ready takes MongoDB for granted, in a release that no worker runs yet."""
    edits = ("mongodb: () => db.command({ ping: 1 }),", "mongodb: async () => ({ ok: 1 }),")
    with edited(replica, "app-1", f"{_APPLICATION}/src/status.js", edits):
        yield


@fault(_EARLY)
@contextmanager
def redis_not_awaited(replica: Target) -> Iterator[None]:
    """PM2-14: the application listens without Redis, in a release that no worker runs yet."""
    edits = ("Promise.all([mongoConnected, store.whenReady])", "Promise.all([mongoConnected])")
    with edited(replica, "app-1", f"{_APPLICATION}/server.js", edits):
        yield


@fault(_EARLY)
@contextmanager
def ready_too_early(replica: Target) -> Iterator[None]:
    """PM2-14: the application says that it is ready when it starts."""
    edits = (
        "  const metrics = await clusterMetrics.join(",
        "  process.send?.('ready');\n  const metrics = await clusterMetrics.join(",
    )
    with edited(replica, "app-1", f"{_APPLICATION}/server.js", edits):
        yield


@fault(
    _FEATURE + "Every application server reaches its stores",
    _TURNS.format("redis"),
    _TURNS.format("mongodb"),
)
@contextmanager
def ping_forbidden(replica: Target) -> Iterator[None]:
    """ARC-05: Redis answers the application, but not its ping: no server is ready, ever."""
    admin = redis.Redis(
        host=replica.subnet.hosts["redis-1"],
        username="admin",
        password=credential(replica.environment, "redis-admin-password"),
    )
    try:
        admin.acl_setuser("default", enabled=True, commands=["-ping"])
        yield
    finally:
        admin.acl_setuser("default", enabled=True, commands=["+ping"])
        admin.close()
