"""The steady client against a server that is replaced, refuses, lies, and goes away."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from golive.drills.steady_client import Asked, Recording, steady
from golive.endpoint import Endpoint


class Health(BaseHTTPRequestHandler):
    """Answers with what the server is told to answer."""

    def do_GET(self):
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def release(version: str) -> tuple[int, bytes]:
    return 200, json.dumps({"status": "ok", "version": version}).encode()


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        server.answer = release("1.0.0")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def at(server: ThreadingHTTPServer) -> Endpoint:
    return Endpoint("127.0.0.1", server.server_port, "site.example")


def test_one_release_after_the_other(server):
    with steady(at(server)) as recorder:
        recorder.more(5)
        server.answer = release("1.1.0")
        recorder.more(5)
    traffic = recorder.traffic()
    assert traffic.lost == ()
    first, second = traffic.reigns
    assert (first.version, second.version) == ("1.0.0", "1.1.0")
    assert 0 <= first.first_s < first.last_s <= second.last_s
    assert sum(traffic.shares.values()) == len(traffic.requests)


def test_an_error_is_a_lost_request(server):
    with steady(at(server)) as recorder:
        recorder.more(2)
        server.answer = 502, b"bad gateway"
        recorder.more(2)
    lost = recorder.traffic().lost
    assert lost
    assert lost[-1].lost == "status 502: bad gateway"
    assert lost[-1].version is None


def test_an_answer_that_names_no_release_is_lost(server):
    server.answer = 200, b"hello"
    with steady(at(server)) as recorder:
        recorder.more(2)
    traffic = recorder.traffic()
    assert len(traffic.lost) == len(traffic.requests) >= 2
    assert traffic.reigns == ()


def test_nobody_listens(server):
    server.shutdown()
    server.socket.close()
    with steady(at(server)) as recorder:
        recorder.more(2)
    assert "refused" in str(recorder.traffic().lost[0].lost)


def test_a_release_that_comes_again_reigns_twice():
    answered = [Asked(n, n + 0.5, version, None) for n, version in enumerate("aabba")]
    assert [each.version for each in Recording(tuple(answered)).reigns] == ["a", "b", "a"]
