import gzip
import json
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import connect, request

from .nginx_server import PLAIN_PORT, Nginx, fresh_address, make_certificates, nginx

CONFIGURATION = r"""
gzip on;
gzip_min_length 0;
gzip_types text/plain;
server {
    listen ADDRESS:8443 ssl http2;
    server_name www.golive.test;
    location / {
        add_header X-Twice first;
        add_header X-Twice second;
        return 200 '{"host": "$http_host", "client": "$remote_addr"}';
    }
    location /upload { proxy_pass http://ADDRESS:8080/echo; }
    location /closed { return 444; }
}
server {
    listen ADDRESS:8080;
    server_name www.golive.test;
    location / { return 301 https://$host$request_uri; }
    location /echo { return 200 "$request_method $content_length"; }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), CONFIGURATION) as running:
        yield running


@pytest.fixture
def www(server: Nginx) -> Endpoint:
    return server.endpoint("www")


def test_the_answer_comes_as_it_was_sent(www: Endpoint) -> None:
    answer = request(www, "/a?b=c")
    assert (answer.status, answer.http_version) == (200, "1.1")
    assert answer.url == "https://www.golive.test:8443/a?b=c"
    assert answer.values("x-twice") == ("first", "second")
    assert [name for name, _ in answer.headers].count("X-Twice") == 2
    assert answer.values("Nowhere") == ()
    assert answer.duration_s > 0


def test_the_server_sees_the_name_and_the_source(www: Endpoint) -> None:
    seen = json.loads(request(www, "/").body)
    assert seen["host"] == "www.golive.test"
    assert seen["client"] == www.source


def test_a_given_host_takes_the_place_of_the_endpoints(www: Endpoint) -> None:
    seen = json.loads(request(www, "/", headers=[("host", "evil.test")]).body)
    assert seen["host"] == "evil.test"


def test_nothing_is_decompressed(www: Endpoint) -> None:
    answer = request(www, "/", headers=[("Accept-Encoding", "gzip")])
    assert answer.values("Content-Encoding") == ("gzip",)
    assert b'"host": "www' in gzip.decompress(answer.body)


def test_the_environments_proxy_is_not_used(www: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert request(www, "/").status == 200


def test_a_body_is_sent(www: Endpoint) -> None:
    assert request(www, "/upload", method="POST", body=b"12345").body == b"POST 5"
    assert request(www, "/upload", method="POST", body=b"").body == b"POST 0"


def test_an_answer_to_head_has_no_body(www: Endpoint) -> None:
    answer = request(www, "/", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_a_redirect_of_plain_http_is_not_followed(www: Endpoint) -> None:
    answer = request(replace(www, port=PLAIN_PORT), "/x", scheme="http")
    assert answer.status == 301
    assert answer.values("Location") == ("https://www.golive.test/x",)
    assert answer.url == "http://www.golive.test:8080/x"


@contextmanager
def bare_server(
    answer: bytes, *, then_close: bool = True
) -> Iterator[tuple[Endpoint, list[bytes]]]:
    """A listener that keeps one request, answers these bytes, and closes or stays silent."""
    done = threading.Event()
    requests: list[bytes] = []
    with socket.create_server((fresh_address(), 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(answer)
                if not then_close:
                    done.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Endpoint(*listener.getsockname(), "bare.golive.test"), requests
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("path", ["//", "/a/../b", r"/api\auth#x", "/%2e%2E/%61", "/?a=%zz", "*x"])
def test_the_request_goes_out_as_it_was_written(path: str) -> None:
    headers = [("X-Sent", "a"), ("User-Agent", "other"), ("X-Sent", "b")]
    with bare_server(b"HTTP/1.1 204 No Content\r\n\r\n") as (endpoint, requests):
        answer = request(endpoint, path, headers=headers, scheme="http")
    assert answer.status == 204
    assert requests == [
        f"GET {path} HTTP/1.1\r\nHost: bare.golive.test\r\n"
        "X-Sent: a\r\nUser-Agent: other\r\nX-Sent: b\r\n\r\n".encode()
    ]


def test_a_change_of_protocol_is_an_answer() -> None:
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    upgrade = [("Connection", "upgrade"), ("Upgrade", "websocket")]
    with bare_server(switching) as (endpoint, _):
        answer = request(endpoint, "/", headers=upgrade, scheme="http")
    assert answer.status == 101
    assert answer.values("upgrade") == ("websocket",)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
    ],
)
def test_garbage_and_answers_cut_short_are_unproven(answer: bytes) -> None:
    with (
        bare_server(answer) as (endpoint, _),
        pytest.raises(Unproven, match=r"GET http://bare\.golive\.test") as caught,
    ):
        request(endpoint, "/", scheme="http")
    assert caught.value.whose is Whose.TARGET


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"])
def test_silence_once_connected_is_unproven(answer: bytes) -> None:
    with (
        bare_server(answer, then_close=False) as (endpoint, _),
        pytest.raises(Unproven, match="no full answer in time") as caught,
    ):
        request(endpoint, "/", scheme="http", timeout_s=0.2)
    assert caught.value.whose is Whose.TARGET


def test_silence_in_the_handshake_is_unproven() -> None:
    with (
        bare_server(b"", then_close=False) as (endpoint, _),
        pytest.raises(Unproven, match=r"TLS handshake with .*no full answer") as caught,
    ):
        request(endpoint, "/", timeout_s=0.2)
    assert caught.value.whose is Whose.TARGET


def test_a_reset_before_the_handshake_is_unproven_and_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = fresh_address()
    with socket.create_server((address, 0)) as server:

        def reset(endpoint: Endpoint, *, timeout_s: float) -> socket.socket:
            stream = connect(endpoint, timeout_s=timeout_s)
            peer, _ = server.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            select.select([stream], [], [])
            return stream

        monkeypatch.setattr("golive.probes.http.connect", reset)
        endpoint = Endpoint(address, server.getsockname()[1], "api.dashboard-velo.com")
        with pytest.raises(Unproven, match="reset by peer") as unproven:
            request(endpoint, "/")
    assert unproven.value.whose is Whose.TARGET
    assert not [
        each
        for each in psutil.Process().net_connections()
        if each.raddr == (address, endpoint.port)
    ]


def test_a_refused_port_is_unproven(www: Endpoint) -> None:
    with pytest.raises(Unproven, match="refused") as caught:
        request(replace(www, port=1), "/")
    assert caught.value.whose is Whose.TARGET


def test_no_answer_to_connecting_is_unproven() -> None:
    with socket.socket() as listener:
        # A listener that accepts nobody: once its queue of one is full, SYNs go unanswered.
        listener.bind((fresh_address(), 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()):
            full = Endpoint(*listener.getsockname(), "full.golive.test")
            with pytest.raises(Unproven, match="no answer to connecting") as caught:
                request(full, "/", timeout_s=0.2)
    assert caught.value.whose is Whose.NETWORK


def test_a_name_that_does_not_resolve_is_unproven() -> None:
    with pytest.raises(Unproven) as caught:
        request(Endpoint("no-such-host.invalid", 443, "no-such-host.invalid"), "/")
    assert caught.value.whose is Whose.NETWORK


def test_a_closed_connection_is_unproven(www: Endpoint) -> None:
    with pytest.raises(Unproven) as caught:
        request(www, "/closed")
    assert caught.value.whose is Whose.TARGET


def test_an_unknown_root_is_unproven(www: Endpoint, tmp_path: Path) -> None:
    with pytest.raises(Unproven, match="unable to get local issuer") as caught:
        request(replace(www, roots=make_certificates(tmp_path)), "/")
    assert caught.value.whose is Whose.TARGET


def test_a_certificate_for_another_name_is_unproven(www: Endpoint) -> None:
    with pytest.raises(Unproven, match=r"not valid for 'other\.test'") as caught:
        request(replace(www, name="other.test"), "/")
    assert caught.value.whose is Whose.TARGET


def test_tls_to_a_plain_port_is_unproven(www: Endpoint) -> None:
    with pytest.raises(Unproven, match="TLS handshake") as caught:
        request(replace(www, port=PLAIN_PORT), "/")
    assert caught.value.whose is Whose.TARGET


def test_what_we_ask_wrongly_is_our_fault(www: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("not a certificate")
    for endpoint, path in [
        (www, "/with space"),
        (www, "/é"),
        (replace(www, source="192.0.2.1"), "/"),
        (replace(www, roots=tmp_path / "missing.pem"), "/"),
        (replace(www, roots=tmp_path / "not.pem"), "/"),
    ]:
        with pytest.raises(Unproven) as caught:
            request(endpoint, path)
        assert caught.value.whose is Whose.OURS
