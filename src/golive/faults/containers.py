"""Break what only containers have: networks between hosts, disks of their own, a host that dies."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from golive.compose.networks import name
from golive.compose.target import ContainersTarget
from golive.endpoint import Endpoint
from golive.environment import Kind
from golive.faults.fault import ANY, FaultError, Target, fault
from golive.faults.nginx_reload import reload_nginx
from golive.machine import credential
from golive.outcome import Unproven
from golive.probes.prometheus import value
from golive.probes.readiness import readiness

_NETWORK = "platform/network.feature::"
_OUTSIDE = f"{_NETWORK}Whoever is outside reaches HTTP and HTTPS of the edge, and nothing else"
_EDGE = f"{_NETWORK}Whoever breaks into the edge reaches the application, and no database"
_READY = "platform/readiness.feature::Every application server reaches its stores"
_KEYS = (
    "platform/redis.feature::Every key has the application's prefix",
    "platform/redis.feature::Every key can be evicted: it has a TTL",
    "platform/redis.feature::Only one database is used",
)
_WRITES = (
    "platform/mongodb.feature::The end of a session is acknowledged by a majority of the members",
    "platform/mongodb.feature::A write whose answer is lost can be sent again without being done "
    "twice",
    "platform/mongodb.feature::A write does not wait for frozen secondaries without end",
)
_SNAPSHOT = "platform/redis.feature::A snapshot is made every 60 minutes when anything has changed"
_SHARE = f"{_NETWORK}Each application server receives requests"
_MEASURED = "06_monitoring/prometheus.feature::The host of every server is measured"
_FILLER = "/var/lib/redis/filler"

_WITHIN_S = 60
_POLL_S = 0.1
_OK = 200


@fault(_OUTSIDE, _EDGE, only=Kind.COMPOSE)
@contextmanager
def redis_on_the_public_network(replica: Target) -> Iterator[None]:
    """ARC-09: a Redis node has an address on the public network too, where the edge is as well."""
    with _connected(replica, "redis-2", "public"):
        yield


@fault(_EDGE, only=Kind.COMPOSE)
@contextmanager
def edge_on_the_network_of_data(replica: Target) -> Iterator[None]:
    """ARC-09: the edge has an address on the databases' network."""
    with _connected(replica, "edge", "data"):
        yield


@fault(_READY, *_KEYS, blinds=_WRITES, only=Kind.COMPOSE)
@contextmanager
def network_cut(replica: Target) -> Iterator[None]:
    """ARC-05: the network between the application servers and the databases is cut.

    What the application would write there is not written, and cannot be looked at.
    """
    containers = _containers(replica)
    hosts = containers.subnet.named("app-")
    apps = [Endpoint(address, 3000, host) for host, address in hosts.items()]
    try:
        for app in apps:
            _link(containers, app, "down")
        _await(lambda: not any(_ready(app) for app in apps), "no server is ready")
        yield
    finally:
        for app in apps:
            _link(containers, app, "up")
        _await(lambda: all([_ready(app) for app in apps]), "all servers are ready again")


def _link(containers: ContainersTarget, app: Endpoint, state: str) -> None:
    """Set the link of an application server to the databases' network "up" or "down".

    Where the engine takes a container off a network and back, Docker 20.10 keeps the network.
    """
    prefix = containers.subnet.hosts["redis-1"].rpartition(".")[0]
    address = f"{prefix}.{app.address.rpartition('.')[2]}"
    ip = ["nsenter", "--target", str(containers.pid(app.name)), "--net", "--", "ip"]
    try:
        found = _said([*ip, "-oneline", "address", "show", "to", address])
        _said([*ip, "link", "set", "dev", found.split()[1], state])
    except (OSError, IndexError, subprocess.CalledProcessError) as error:
        raise FaultError(f"the link of {app.name} cannot be set {state}: {error}") from error


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@fault(_SNAPSHOT, only=Kind.COMPOSE)
@contextmanager
def disk_full(replica: Target) -> Iterator[None]:
    """RDS-05: the disk of a Redis node is full, so that its snapshots fail.

    Left to itself a replica whose snapshots fail ends at the primary's next write.
    """
    containers = _containers(replica)
    shell = ("exec", containers.container("redis-2"), "sh", "-c")
    with redis.Redis(
        containers.subnet.hosts["redis-2"],
        username="admin",
        password=credential(replica.environment, "redis-admin-password"),
        decode_responses=True,
    ) as node:
        try:
            node.config_set("replica-ignore-disk-write-errors", "yes")
            containers.docker(*shell, f"cat /dev/zero >{_FILLER} 2>/dev/null || true")
            node.bgsave()
            _await(lambda: _last_snapshot(node) == "err", "a snapshot fails")
            yield
        finally:
            containers.docker(*shell, f"rm -f {_FILLER}")
            node.bgsave()
            _await(lambda: _last_snapshot(node) == "ok", "a snapshot is made")
            node.config_set("replica-ignore-disk-write-errors", "no")


@fault(_MEASURED, only=Kind.COMPOSE)
@contextmanager
def container_paused(replica: Target) -> Iterator[None]:
    """ARC-08: an exporter hangs: its port takes connections, and nothing answers them."""
    containers = _containers(replica)
    exporter = containers.container("app-1-exporter")
    monitoring = containers.subnet.hosts["monitoring"]
    up = f'up{{instance="{name("app-1")}:9100"}}'

    def seen() -> float | None:
        return value(Endpoint(monitoring, 9090, monitoring), up)

    try:
        containers.docker("pause", exporter)
        _await(lambda: seen() == 0, "Prometheus misses it")
        yield
    finally:
        containers.docker("unpause", exporter)
        _await(lambda: seen() == 1, "Prometheus has it again")


@fault(_SHARE, blinds=(ANY,), only=Kind.COMPOSE)
@contextmanager
def host_killed(replica: Target) -> Iterator[None]:
    """ARC-02: an application server is gone at once; nobody can look into it any more."""
    containers = _containers(replica)
    host, exporter = map(containers.container, ("app-3", "app-3-exporter"))
    app = Endpoint(containers.subnet.hosts["app-3"], 3000, "app-3")
    try:
        containers.docker("kill", host)
        yield
    finally:
        containers.docker("start", host)
        containers.docker("restart", "--time", "0", exporter)  # into the new network of its host
        _await(lambda: _ready(app), "app-3 is ready again")
        reload_nginx(replica)  # else the edge passes it over for some seconds more


def _ready(app: Endpoint) -> bool:
    return readiness(app).status == _OK


def _last_snapshot(node: "redis.Redis") -> str | None:
    said: Any = node.info("persistence")
    return None if said["rdb_bgsave_in_progress"] else str(said["rdb_last_bgsave_status"])


def _containers(replica: Target) -> ContainersTarget:
    if not isinstance(replica, ContainersTarget):
        raise FaultError("this replica is not of containers")
    return replica


@contextmanager
def _connected(replica: Target, service: str, network: str) -> Iterator[None]:
    containers = _containers(replica)
    arguments = f"{containers.project}_{network}", containers.container(service)
    containers.docker("network", "connect", *arguments)
    try:
        yield
    finally:
        containers.docker("network", "disconnect", *arguments)


def _await(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _WITHIN_S
    why = ""
    while True:
        try:
            if holds():
                return
        except Unproven as unproven:
            why = f": {unproven.reason}"
        if time.monotonic() > until:
            raise FaultError(f"not within {_WITHIN_S} s: {what}{why}")
        time.sleep(_POLL_S)
