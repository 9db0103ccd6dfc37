import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http2 import http2

from .nginx_server import DOMAIN, Nginx, fresh_address, make_certificates, nginx

CONFIGURATION = """
server {
    listen ADDRESS:8443 ssl http2;
    server_name www.golive.test;
    location / {
        add_header X-Twice first;
        add_header X-Twice second;
        return 200 "$request_method $http_host $request_uri $remote_addr";
    }
    location /upload { proxy_pass http://ADDRESS:8080; }
    location /large { root .; }
}
server {
    listen ADDRESS:8443 ssl http2;
    server_name few.golive.test;
    keepalive_requests 5;
    location / { return 200; }
}
server {
    listen ADDRESS:8444 ssl;
    server_name old.golive.test;
    location / { return 200; }
}
server {
    listen ADDRESS:8080;
    location / { return 200 "$request_method $content_length $http_user_agent"; }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    directory = tmp_path_factory.mktemp("nginx")
    (directory / "large").write_bytes(bytes(300_000))
    with nginx(directory, CONFIGURATION) as running:
        yield running


@pytest.fixture
def www(server: Nginx) -> Endpoint:
    return server.endpoint("www")


def test_many_requests_on_one_connection(www: Endpoint) -> None:
    with http2(www) as connection:
        first = connection.ask("/a", count=100)
        second = connection.ask(r"//b\..", headers=[("Host", "other.test")])
    assert len(first) == 100
    for one in first:
        assert one is not None
        assert one.response.body == f"GET www.golive.test /a {www.source}".encode()
        assert one.response.values("x-twice") == ("first", "second")
        assert (one.response.status, one.response.http_version) == (200, "2")
        assert one.response.url == "https://www.golive.test:8443/a"
        assert one.sent_s < one.headed_s
    (other,) = second
    assert other is not None
    assert other.response.body.startswith(rb"GET other.test //b\.. ")


def test_a_body_is_sent(www: Endpoint) -> None:
    with http2(www) as connection:
        answers = connection.ask("/upload", count=3, method="POST", body=b"12345")
    assert [one and one.response.body for one in answers] == [b"POST 5 golive"] * 3


def test_large_answers_are_not_held_up(www: Endpoint) -> None:
    with http2(www) as connection:
        answers = connection.ask("/large", count=5)
    assert [one and len(one.response.body) for one in answers] == [300_000] * 5


def test_a_server_without_http2_is_unproven(server: Nginx) -> None:
    with (
        pytest.raises(Unproven, match="does not negotiate HTTP/2") as caught,
        http2(replace(server.endpoint("old"), port=8444)),
    ):
        pass
    assert caught.value.whose is Whose.TOOL


@pytest.mark.parametrize("count", [0, 129])
def test_more_streams_than_are_allowed_are_our_fault(www: Endpoint, count: int) -> None:
    with (
        http2(www) as connection,
        pytest.raises(Unproven, match="1 to 128 are possible") as caught,
    ):
        connection.ask("/", count=count)
    assert caught.value.whose is Whose.OURS


def test_a_body_beyond_the_servers_window_is_our_fault(www: Endpoint) -> None:
    with http2(www) as connection, pytest.raises(Unproven, match="not a request") as caught:
        connection.ask("/", method="POST", body=bytes(100_000))
    assert caught.value.whose is Whose.OURS


def test_a_connection_that_the_server_ends_is_unproven(server: Nginx) -> None:
    with (
        http2(server.endpoint("few")) as connection,
        pytest.raises(Unproven, match="connection ended by the server") as caught,
    ):
        connection.ask("/", count=20)
    assert caught.value.whose is Whose.TARGET


@contextlib.contextmanager
def tls_server(directory: Path, answer: bytes) -> Iterator[Endpoint]:
    """Negotiates h2, sends these bytes to whatever comes, and is silent."""
    roots = make_certificates(directory)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "leaf.pem", directory / "leaf.key")
    context.set_alpn_protocols(["h2"])
    done = threading.Event()
    with socket.create_server((fresh_address(), 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            connection = context.wrap_socket(listener.accept()[0], server_side=True)
            with connection:
                connection.sendall(answer)
                done.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Endpoint(*listener.getsockname(), f"bare.{DOMAIN}", roots)
        finally:
            done.set()
            thread.join()


def test_garbage_is_unproven(tmp_path: Path) -> None:
    data_of_no_stream = bytes([0, 0, 1, 0, 0, 0, 0, 0, 1, 0])
    with (
        tls_server(tmp_path, data_of_no_stream) as endpoint,
        pytest.raises(Unproven, match="or not HTTP/2") as caught,
        http2(endpoint),
    ):
        pass
    assert caught.value.whose is Whose.TARGET


def test_silence_is_unproven(tmp_path: Path) -> None:
    empty_settings = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    with (
        tls_server(tmp_path, empty_settings) as endpoint,
        http2(endpoint, timeout_s=0.2) as connection,
        pytest.raises(Unproven, match="no full answer in time") as caught,
    ):
        connection.ask("/")
    assert caught.value.whose is Whose.TARGET
