"""Real servers for the TLS probes: one nginx of many virtual hosts, and broken ports.

Each virtual host has a loopback address of its own, on port 8443.
"""

import contextlib
import itertools
import os
import random
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from golive.endpoint import Endpoint

NAME = "api.dashboard-velo.com"
PORT, OCSP_PORT = 8443, 8080
START_TIMEOUT_S = STOP_TIMEOUT_S = 10
DOCUMENTED_SUITES = (  # nginx's ssl_ciphers, as production has it
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
)
GOOD = (
    "ssl_certificate fullchain.pem; ssl_certificate_key privkey.pem;"
    "ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;"
    f"ssl_ciphers {DOCUMENTED_SUITES};"
    "ssl_session_cache shared:SSL:1m; ssl_session_timeout 10m; ssl_session_tickets off;"
)

_MAIN = """
daemon off;
{user}
pid nginx.pid;
worker_processes 2;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {hosts}
}}
"""


_hosts = itertools.count(random.randrange(2**16))


def fresh_address() -> str:
    """A loopback address at which nothing listens, and never the same one twice."""
    while True:
        number = next(_hosts) % 2**16
        address = f"127.90.{number >> 8}.{number & 255}"
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind((address, PORT))
            return address


@dataclass(frozen=True)
class Servers:
    addresses: Mapping[str, str]
    roots: Path
    log: Path

    def __getitem__(self, host: str) -> Endpoint:
        return Endpoint(self.addresses[host], PORT, NAME, self.roots)


@contextlib.contextmanager
def nginx(
    directory: Path, hosts: Mapping[str, str], listen: str = "ssl http2"
) -> Iterator[Servers]:
    """Run nginx with two workers; `hosts` has the directives of each `server` block, by name.

    `directory` holds root.pem; paths in directives are relative to it.
    """
    addresses = {host: fresh_address() for host in hosts}
    blocks = [
        f"server {{ listen {addresses[host]}:{PORT} {listen}; server_name {NAME}; {text} }}"
        for host, text in hosts.items()
    ]
    user = "user root;" if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(_MAIN.format(user=user, hosts="\n".join(blocks)))
    log = directory / "error.log"
    with _process(["nginx", "-p", str(directory), "-c", "nginx.conf", "-e", log.name]) as process:
        for address in addresses.values():
            _await_listening(process, address, PORT, log.read_text)
        yield Servers(addresses, directory / "root.pem", log)


@contextlib.contextmanager
def ocsp_responder(authority: Path, address: str, *options: str) -> Iterator[None]:
    """Run the replica's OCSP responder on an address."""
    command = [sys.executable, "-m", "golive.replica.ocsp", "--authority", str(authority)]
    command += ["--listen", f"{address}:{OCSP_PORT}", *options]
    with _process(command) as process:
        _await_listening(process, address, OCSP_PORT, lambda: "its words stand above")
        yield


@contextlib.contextmanager
def port(answer: Callable[[socket.socket], None]) -> Iterator[Endpoint]:
    """A port at which `answer` treats each connection, in a thread; closed when it returns."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the probe has gone away
                answer(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128  # a probe opens many connections at once

    with Server((fresh_address(), PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield Endpoint(str(server.server_address[0]), PORT, NAME)
        finally:
            server.shutdown()


def says(data: bytes) -> Callable[[socket.socket], None]:
    """Read what the client sends first, answer `data`, close."""

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(data)

    return answer


def silent(connection: socket.socket) -> None:
    """Take all that the client sends, and never answer."""
    while connection.recv(4096):
        pass


@contextlib.contextmanager
def full_port() -> Iterator[Endpoint]:
    """A port whose queue of connections is full: the next SYN is dropped, as if unreachable."""
    address = fresh_address()
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind((address, PORT))
        listener.listen(0)
        for _ in range(4):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, PORT))
        yield Endpoint(address, PORT, NAME)


@contextlib.contextmanager
def lossy(target: Endpoint, every: int) -> Iterator[Endpoint]:
    """A relay to `target` that closes each `every`-th connection instead."""
    count = iter(range(1, 1_000_000))

    def relay(connection: socket.socket) -> None:
        if next(count) % every == 0:
            connection.recv(4096)
            return
        with socket.create_connection((target.address, target.port)) as beyond:
            back = threading.Thread(target=_pump, args=(beyond, connection))
            back.start()
            _pump(connection, beyond)
            back.join()

    with port(relay) as endpoint:
        yield endpoint


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(16384):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    # It ends with the tests, even when those are killed; nginx's master ends its workers.
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)


def _await_listening(
    process: subprocess.Popen[bytes], address: str, number: int, log: Callable[[], str]
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((address, number), 1).close()
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise RuntimeError(f"{process.args!r} ended with {process.wait(0.01)}:\n{log()}")
    raise RuntimeError(f"{process.args!r}: not listening after {START_TIMEOUT_S} s:\n{log()}")
