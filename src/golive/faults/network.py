"""Break which way requests come to the application servers, and what else listens."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from golive.faults.fault import FaultError, Target, fault
from golive.faults.nginx_reload import nginx_edited
from golive.machine import credential

_NETWORK = "platform/network.feature::"
_THREE = f"{_NETWORK}nginx has loaded three application servers at least"
_SHARE = f"{_NETWORK}Each application server receives requests"
_ADDRESS = f"{_NETWORK}Services of <role> hosts listen on the host's own address"

_UPSTREAM = "/etc/nginx/upstream.conf"
_LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], 0)):
    print("listening", flush=True)
    sys.stdin.read()
"""


@fault(_THREE, _SHARE)
@contextmanager
def server_down(replica: Target) -> Iterator[None]:
    """ARC-02: one of the three servers is marked as down."""
    server = _server(replica, "app-3")
    with nginx_edited(replica, (f"{server};", f"{server} down;"), file=_UPSTREAM):
        yield


@fault(_THREE, _SHARE)
@contextmanager
def server_forgotten(replica: Target) -> Iterator[None]:
    """ARC-02: one of the three servers is not in the list."""
    with nginx_edited(replica, (f"{_server(replica, 'app-1')};", ""), file=_UPSTREAM):
        yield


@fault(_SHARE)
@contextmanager
def server_preferred(replica: Target) -> Iterator[None]:
    """ARC-02: one server gets twenty times as many requests as the others."""
    server = _server(replica, "app-1")
    with nginx_edited(replica, (f"{server};", f"{server} weight=20;"), file=_UPSTREAM):
        yield


@fault(f"{_ADDRESS}[edge]")
@contextmanager
def edge_on_another_address(replica: Target) -> Iterator[None]:
    """ARC-09: nginx listens on another address too."""
    with nginx_edited(
        replica, ("server_name _;", f"server_name _; listen 127.{replica.number}.0.11:8081;")
    ):
        yield


@fault(f"{_ADDRESS}[redis]")
@contextmanager
def redis_on_another_address(replica: Target) -> Iterator[None]:
    """ARC-09: a Redis node listens on another address too."""
    own = replica.subnet.hosts["redis-2"]
    password = credential(replica.environment, "redis-admin-password")
    with redis.Redis(own, 6379, username="admin", password=password) as node:
        try:
            node.config_set("bind", f"{own} 127.{replica.number}.2.12")
            yield
        finally:
            node.config_set("bind", own)


@fault(f"{_ADDRESS}[app]", f"{_ADDRESS}[mongo]", f"{_ADDRESS}[monitoring]")
@contextmanager
def debugger_left_on(replica: Target) -> Iterator[None]:
    """ARC-09: a process on a host of each of three roles listens on all addresses."""
    with (
        _listening(replica, "app-2"),
        _listening(replica, "mongo-1"),
        _listening(replica, "monitoring"),
    ):
        yield


def _server(replica: Target, host: str) -> str:
    address = replica.subnet.hosts[host]
    return f"server {address}:3000 max_fails=3 fail_timeout=10s"


@contextmanager
def _listening(replica: Target, host: str) -> Iterator[None]:
    """With a process of this host that listens on all addresses; it ends with our pipe."""
    command = [sys.executable, "-c", _LISTEN, "0.0.0.0"]  # noqa: S104 (the fault)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=replica.root(host), stdin=pipe, stdout=pipe) as process:
        try:
            if not process.stdout or not process.stdout.readline():
                raise FaultError(f"{host}: no process could be made to listen")
            yield
        finally:
            process.kill()
