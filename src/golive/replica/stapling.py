"""Whether every worker of the edge staples.

Each nginx worker has a stapled response of its own, and asks for it after its own first
handshake (ngx_event_openssl_stapling.c), which goes without. The kernel wakes the worker that
slept last, so that connections one after the other all reach the same one: only many at the
same time reach the others, and only the owner of each socket tells which.

Sockets are seen in one network namespace: that of a container is entered first.

    nsenter --net --target PID python -m golive.replica.stapling ADDRESS PORT NAME
"""

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Iterator

import psutil

from golive.replica.readiness import Ready

_AT_ONCE = 16
_POLL_S = 0.02
_TIMEOUT_S = 2
_WITHOUT_WITHIN_S = 4


def staples(address: str, port: int, name: str) -> Ready:
    """Whether TLS is served with a stapled OCSP response, whichever worker answers.

    A configuration may staple nothing: that is for the gate to judge. So it is ready too when
    all workers have served without one for 4 s.
    """
    served_since: float | None = None

    async def ready() -> bool:
        nonlocal served_since
        stapled = await asyncio.to_thread(_handshakes, address, port, name)
        if not all(worker in stapled for worker in _siblings(next(iter(stapled)))):
            return False
        served_since = served_since or time.monotonic()
        return all(stapled.values()) or time.monotonic() - served_since > _WITHOUT_WITHIN_S

    return ready


def _handshakes(address: str, port: int, name: str) -> dict[int, bool]:
    """For each process that answered one of many connections: whether it stapled them all."""
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection((address, port), _TIMEOUT_S))
            for _ in range(_AT_ONCE)
        ]
        responses = {each.getsockname(): _stapled(each, name) for each in connections}
        owners = dict(_owners(address, port))
        stapled: dict[int, bool] = {}
        for client, response in responses.items():
            if (owner := owners.get(client)) is None:
                raise ConnectionError(f"{address}:{port} dropped a connection")
            stapled[owner] = stapled.get(owner, True) and response
        return stapled


def _stapled(connection: socket.socket, name: str) -> bool:
    # Not at the top: the servers start while this is imported.
    from nassl._nassl import OpenSSLError
    from nassl.ssl_client import OpenSslVerifyEnum, OpenSslVersionEnum, SslClient

    client = SslClient(
        ssl_version=OpenSslVersionEnum.SSLV23,
        underlying_socket=connection,
        ssl_verify=OpenSslVerifyEnum.NONE,
    )
    client.set_tlsext_host_name(name)
    client.set_tlsext_status_ocsp()
    try:
        client.do_handshake()
    except OpenSSLError as error:
        raise ConnectionError(f"TLS handshake: {error}") from error
    return client.get_tlsext_status_ocsp_resp() is not None


def _owners(address: str, port: int) -> Iterator[tuple[tuple[str, int], int]]:
    """For each client's address and port, the process that holds the server's end."""
    for each in psutil.net_connections("tcp4"):
        if each.laddr == (address, port) and each.raddr and each.pid is not None:
            yield (each.raddr.ip, each.raddr.port), each.pid


def _siblings(worker: int) -> set[int]:
    """All workers of the nginx that this worker belongs to."""
    parent = psutil.Process(worker).parent()
    children = parent.children() if parent else []
    return {each.pid for each in children if "nginx: worker" in " ".join(each.cmdline())}


async def _main(address: str, port: str, name: str) -> None:
    """Return when it staples; raise what the last attempt raises, like Ready."""
    ready = staples(address, int(port), name)
    while not await ready():
        await asyncio.sleep(_POLL_S)


if __name__ == "__main__":
    try:
        asyncio.run(_main(*sys.argv[1:]))
    except OSError as error:
        sys.exit(str(error))  # not yet: it is run again
