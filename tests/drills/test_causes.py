"""What a drill brings about is there while it lasts, and not afterwards."""

import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from golive.drills.causes import own_redis, requests
from golive.drills.exporter import Exporter, exporting
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes import redis
from golive.probes.http import request

PAGE = """node_uname_info{nodename="a"} 1
node_cpu_seconds_total{cpu="0",mode="idle"} 1000
node_cpu_seconds_total{cpu="0",mode="iowait"} 5
node_memory_MemTotal_bytes 1000
node_memory_MemAvailable_bytes 900
node_load1 3
"""


ENOUGH = 10  # requests


class Server(ThreadingHTTPServer):
    """Answers any path with `page`, and remembers what was asked."""

    page = PAGE

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heard = threading.Event()
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append(self.path)
        if len(self.server.asked) == ENOUGH:
            self.server.heard.set()
        body = self.server.page.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def at(server: Server) -> Endpoint:
    return Endpoint("127.0.0.1", server.server_port, "localhost")


def values(page: str) -> dict[str, float]:
    return {name: float(value) for name, _, value in (x.rpartition(" ") for x in page.splitlines())}


def test_an_exporter_shows_what_a_drill_says(server: Server):
    with exporting(at(server), "127.0.0.1") as (exporter, where):
        exporter.use(cpu=100, memory=90)
        host, _, port = where.rpartition(":")
        endpoint = Endpoint(host, int(port), "localhost")
        first, second = (
            values(request(endpoint, "/metrics", scheme="http").body.decode()) for _ in range(2)
        )
    idle, user = (f'node_cpu_seconds_total{{cpu="0",mode="{m}"}}' for m in ("idle", "user"))
    assert first["node_memory_MemAvailable_bytes"] == pytest.approx(100)
    assert first['node_uname_info{nodename="a"}'] == 1
    assert second[idle] == first[idle] >= 1000
    assert second[user] > first[user]
    with pytest.raises(Unproven):
        request(endpoint, "/metrics", scheme="http")


def test_a_page_that_is_no_exporters_is_unproven():
    with pytest.raises(Unproven, match="no CPU or memory") as caught:
        Exporter("up 1\n")
    assert caught.value.whose is Whose.TARGET


def test_requests_are_sent_while_it_lasts(server: Server):
    with requests(at(server), "slow?ms=1", senders=2, pause_s=0.001):
        server.heard.wait(60)
    count = len(server.asked)
    assert count >= ENOUGH
    assert set(server.asked) == {"/__replica/slow?ms=1"}
    assert len(server.asked) == count


def test_what_goes_wrong_meanwhile_is_told():
    nobody = Endpoint("127.0.0.1", 1, "localhost")
    with pytest.raises(Unproven, match="cannot connect"), requests(nobody, "slow?ms=1", 1, 0):
        pass


def test_a_redis_of_our_own_is_filled_and_emptied_and_ends():
    address = f"127.{secrets.randbelow(50) + 200}.{secrets.randbelow(250)}.9"
    node, login = redis.Node("drill", address), redis.Login("exporter", "hush")
    with own_redis(node, login) as own:
        own.fill(0.9)
        with redis.connected(node, login) as client:
            info = client.info("memory")
            assert 0.9 <= info["used_memory"] / info["maxmemory"] < 1
        own.fill(0)
        with redis.connected(node, login) as client:
            assert client.dbsize() == 0
    with pytest.raises(Unproven), redis.connected(node, login) as client:
        client.ping()


def test_a_redis_that_does_not_start_says_why():
    login = redis.Login("exporter", "hush")
    with (
        pytest.raises(Unproven, match="does not start"),
        own_redis(redis.Node("drill", "192.0.2.1"), login),
    ):
        pass


def test_without_redis_it_is_unproven(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(Unproven, match="not installed") as caught,
        own_redis(redis.Node("drill", "127.0.0.1"), redis.Login("a", "b")),
    ):
        pass
    assert caught.value.whose is Whose.TOOL
