"""Break what only containers have: networks between hosts, disks of their own, a host that dies."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from golive.compose.target import ContainersTarget
from golive.endpoint import Endpoint
from golive.environment import Kind
from golive.faults.fault import FaultError, Target, fault
from golive.outcome import Unproven
from golive.probes.readiness import readiness

_NETWORK = "platform/network.feature::"
_OUTSIDE = f"{_NETWORK}Whoever is outside reaches HTTP and HTTPS of the edge, and nothing else"
_EDGE = f"{_NETWORK}Whoever breaks into the edge reaches the application, and no database"
_SHARE = f"{_NETWORK}Each application server receives requests"
_READY = "platform/readiness.feature::Every application server reaches its stores"
_SNAPSHOT = "platform/redis.feature::A snapshot is made every 60 minutes when anything has changed"

_WITHIN_S = 60
_POLL_S = 0.1


@fault(_OUTSIDE, only=Kind.COMPOSE)
@contextmanager
def redis_on_the_public_network(replica: Target) -> Iterator[None]:
    """ARC-09: a Redis node has an address on the public network too."""
    with _connected(replica, "redis-2", "public"):
        yield


@fault(_EDGE, only=Kind.COMPOSE)
@contextmanager
def edge_on_the_network_of_data(replica: Target) -> Iterator[None]:
    """ARC-09: the edge has an address on the databases' network."""
    with _connected(replica, "edge", "data"):
        yield


@fault(_READY, only=Kind.COMPOSE)
@contextmanager
def network_cut(replica: Target) -> Iterator[None]:
    """ARC-05: the network between an application server and the databases is cut."""
    containers = _containers(replica)
    host = containers.container("app-2")
    network = f"{containers.project}_data"
    app = Endpoint(containers.subnet.hosts["app-2"], 3000, "app-2")
    try:
        containers.docker("network", "disconnect", network, host)
        _await(lambda: readiness(app).status != 200, "app-2 says that it is not ready")
        yield
    finally:
        containers.docker("network", "connect", network, host)
        _await(lambda: readiness(app).status == 200, "app-2 is ready again")


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
