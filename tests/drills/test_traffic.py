"""Traffic against a real server that answers, refuses, hangs and goes away as it is told."""

import json
import random
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from golive.drills.traffic import Kind, Traffic
from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.token import facts
from golive.replica.authority import Authority

NAME, SECRET = "api.dashboard-velo.com", "secret"


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, context):
        self.refused = set()  # paths that are answered 503
        self.held = threading.Event()  # while it is set, status is not answered
        self.released = threading.Event()
        self.tokens, self.clients = [], set()
        super().__init__((address, 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.clients.add(self.client_address[0])
        if self.path == "/health" and self.server.held.is_set():
            self.server.released.wait(10)
        self._answer(200, {})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.tokens.append(self.headers["Authorization"])
        self._answer(201, {"_id": f"id-{len(self.server.tokens)}"})

    def _answer(self, status, body):
        status = 503 if self.path in self.server.refused else status
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path):
    authority = Authority.create()
    authority.write(tmp_path)
    authority.issue([NAME]).write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")
    server = Site(f"127.84.{random.randrange(130, 256)}.1", context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address, port = server.server_address
    yield server, Endpoint(address, port, NAME, tmp_path / "root.pem")
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def traffic(site):
    _, endpoint = site
    numbers = iter(range(1, 10_000))
    traffic = Traffic(endpoint, lambda: f"127.84.99.{next(numbers) % 250 + 1}", SECRET)
    traffic.start()
    yield traffic
    traffic.stop()


def test_all_is_answered_and_what_was_written_is_known(site, traffic):
    server, _ = site
    traffic.more(20)
    traffic.stop()

    seen = traffic.share(Kind, 0, traffic.now())
    assert seen.asked >= 20
    assert seen.lost == 0
    assert {each.id for each in traffic.acknowledged()} == {
        f"id-{n + 1}" for n in range(len(server.tokens))
    }
    assert len(server.clients) > 5
    assert facts(server.tokens[0].removeprefix("Bearer "), SECRET).signed


def test_what_is_refused_is_lost_and_counted_by_its_kind(site, traffic):
    server, _ = site
    server.refused.add("/api/v1/riders/me/activities")
    begin = traffic.now()
    traffic.more(20)
    traffic.stop()

    writes = traffic.share((Kind.WRITE,), begin, traffic.now())
    assert writes.lost == writes.asked > 0
    assert all(why.startswith("write: status 503") for why in writes.why)
    assert traffic.share((Kind.STATUS, Kind.READ), begin, traffic.now()).lost == 0


def test_a_request_that_hangs_holds_no_other_back(site, traffic):
    server, _ = site
    server.held.set()
    begin = traffic.now()
    writes = len(traffic.acknowledged())
    traffic.until(lambda: len(traffic.acknowledged()) >= writes + 5, "five more writes")
    server.released.set()
    traffic.stop()

    held = traffic.share((Kind.STATUS,), begin, traffic.now())
    assert held.lost == 0
    assert held.asked > 5
    assert held.longest_s > 0.3


def test_a_server_that_is_gone_loses_every_request(site, traffic):
    server, _ = site
    server.shutdown()
    server.server_close()
    begin = traffic.now()
    traffic.more(10)
    traffic.stop()

    seen = traffic.share(Kind, begin, traffic.now())
    assert seen.lost == seen.asked > 0


def test_what_does_not_work_before_anything_is_broken_proves_nothing(site):
    server, endpoint = site
    server.refused.add("/health")
    traffic = Traffic(endpoint, lambda: None, SECRET)
    try:
        with pytest.raises(Unproven, match="before anything is broken"):
            traffic.start()
    finally:
        traffic.stop()


def test_a_wait_has_an_end(traffic):
    with pytest.raises(Unproven, match=r"not within 0\.1 s: a miracle"):
        traffic.until(lambda: False, "a miracle", within_s=0.1)
