"""The relay that stands for a store, and what is read of /ready."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from golive.endpoint import Endpoint
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.readiness import Readiness, readiness, readiness_inside
from golive.probes.relay import Relay


class Application(BaseHTTPRequestHandler):
    """Answers what its server is told to."""

    def do_GET(self):
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def application():
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(application) -> list[Readiness]:
    port = application.server_port
    machine = Machine("app-1", Host(address="127.0.0.1", connection="local://"))
    return [readiness(Endpoint("127.0.0.1", port, "app-1")), readiness_inside(machine, port)]


@pytest.mark.parametrize(("status", "redis"), [(200, "up"), (503, "down")])
def test_readiness_from_outside_and_inside(application, status, redis):
    body = json.dumps({"status": "x", "checks": {"redis": redis, "mongodb": "up"}}, indent=1)
    application.answer = (status, body.encode())
    outside, inside = asked(application)
    assert outside == inside == Readiness(status, (("mongodb", "up"), ("redis", redis)))
    assert outside.down() == ([] if redis == "up" else ["redis"])


@pytest.mark.parametrize("body", [b"ok", b"{}", b'{"checks": 1}', b"[]", b""])
def test_an_answer_without_checks_is_unproven(application, body):
    application.answer = (200, body)
    with pytest.raises(Unproven, match="no checks") as raised:
        readiness(Endpoint("127.0.0.1", application.server_port, "app-1"))
    assert raised.value.whose is Whose.TARGET


def test_a_server_without_curl(application, monkeypatch, tmp_path):
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    machine = Machine("app-1", Host(address="127.0.0.1", connection="local://"))
    with pytest.raises(Unproven, match="no such command: curl") as raised:
        readiness_inside(machine, application.server_port)
    assert raised.value.whose is Whose.TOOL


def test_nothing_listens():
    with pytest.raises(Unproven):
        readiness(Endpoint("127.99.9.9", 3000, "app-1"))


@pytest.fixture
def echo():
    """A store that says back whatever it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                with client:
                    while part := client.recv(100):
                        client.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def says_back(relay: Relay) -> socket.socket:
    connection = socket.create_connection((relay.address, relay.port), 5)
    connection.sendall(b"ping")
    assert connection.recv(100) == b"ping"
    return connection


def test_a_relay_is_cut_and_restored(echo):
    with Relay("127.0.0.1", echo) as relay:
        assert relay.quiet_s() is None
        with says_back(relay) as open_one:
            assert relay.quiet_s() >= 0
            relay.cut()
            assert open_one.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((relay.address, relay.port), 5)
        relay.restore()
        says_back(relay).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((relay.address, relay.port), 5)


def test_a_relay_to_nothing():
    with (
        Relay("127.0.0.1", ("127.99.9.9", 9)) as relay,
        socket.create_connection((relay.address, relay.port), 5) as connection,
    ):
        assert connection.recv(100) == b""
