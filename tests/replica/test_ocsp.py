"""The OCSP responder as a program, asked by OpenSSL's client and with what is no request."""

import base64
import datetime
import http.client
import itertools
import random
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from golive.replica.authority import Authority, Issued
from golive.replica.ocsp import REVOKED, Responder, read_revoked, server

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority.create()
    authority.write(tmp_path)
    return authority


@pytest.fixture
def issued(authority: Authority) -> Issued:
    return authority.issue(["api.dashboard-velo.com"])


@pytest.fixture
def responder(authority: Authority, tmp_path: Path) -> Responder:
    return Responder(authority, tmp_path)


@pytest.fixture
def where(responder: Responder) -> Iterator[tuple[str, int]]:
    with server("127.0.0.1", 0, responder) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield "127.0.0.1", listening.server_port
        finally:
            listening.shutdown()
            thread.join()


def request_for(issued: Issued) -> bytes:
    builder = ocsp.OCSPRequestBuilder()
    request = builder.add_certificate(issued.leaf, issued.intermediate, hashes.SHA1()).build()
    return request.public_bytes(serialization.Encoding.DER)


def ask(where: tuple[str, int], method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection(*where, timeout=5)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/ocsp-response"
        return response.read()
    finally:
        connection.close()


def status_of(response: bytes) -> str:
    loaded = ocsp.load_der_ocsp_response(response)
    if loaded.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return loaded.response_status.name
    return loaded.certificate_status.name


def test_good_by_get_and_by_post(where: tuple[str, int], issued: Issued) -> None:
    request = request_for(issued)
    path = "/" + urllib.parse.quote(base64.b64encode(request), safe="")
    assert status_of(ask(where, "GET", path)) == "GOOD"
    assert status_of(ask(where, "POST", "/", request)) == "GOOD"


def test_revoked_from_the_next_request_on(
    where: tuple[str, int], issued: Issued, tmp_path: Path
) -> None:
    request = request_for(issued)
    before = status_of(ask(where, "POST", "/", request))
    (tmp_path / REVOKED).write_text(f"{issued.leaf.serial_number:X}\n")
    assert (before, status_of(ask(where, "POST", "/", request))) == ("GOOD", "REVOKED")


def test_unknown_where_another_authority_issued_it(where: tuple[str, int]) -> None:
    stranger = Authority.create().issue(["api.dashboard-velo.com"])
    assert status_of(ask(where, "POST", "/", request_for(stranger))) == "UNKNOWN"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/", None),
        ("GET", "/not-base64!", None),
        ("GET", "/AAAA", None),
        ("POST", "/", b""),
        ("POST", "/", b"garbage"),
    ],
    ids=["GET nothing", "GET no base64", "GET garbage", "POST nothing", "POST garbage"],
)
def test_malformed(where: tuple[str, int], method: str, path: str, body: bytes | None) -> None:
    assert status_of(ask(where, method, path, body)) == "MALFORMED_REQUEST"


def test_good_is_never_said_where_the_list_cannot_be_read(
    responder: Responder, issued: Issued, tmp_path: Path
) -> None:
    (tmp_path / REVOKED).write_text("not a number\n")
    assert status_of(responder.respond(request_for(issued))) == "INTERNAL_ERROR"


def test_no_list_revokes_nothing(tmp_path: Path) -> None:
    assert read_revoked(tmp_path) == frozenset()


def test_a_response_can_be_stale(authority: Authority, issued: Issued, tmp_path: Path) -> None:
    responder = Responder(authority, tmp_path, valid=HOUR, age=3 * HOUR)
    response = ocsp.load_der_ocsp_response(responder.respond(request_for(issued)))
    assert response.next_update_utc is not None
    assert response.next_update_utc - response.this_update_utc == HOUR
    assert response.next_update_utc < datetime.datetime.now(datetime.UTC)


def test_openssl_verifies_the_program_s_answer(issued: Issued, tmp_path: Path) -> None:
    """Signature, nonce and validity: `openssl ocsp` warns of each that it misses."""
    issued.write(tmp_path)
    address, port = f"127.90.{random.randrange(256)}.{random.randrange(1, 255)}", 8080
    responder = subprocess.Popen(
        f"setpriv --pdeathsig TERM {sys.executable} -m golive.replica.ocsp"
        f" --listen {address}:{port} --authority {tmp_path} --valid-hours 2".split(),
    )
    try:
        await_listening(responder, address, port)
        asked = subprocess.run(
            "openssl ocsp -issuer intermediate.pem -cert fullchain.pem -CAfile root.pem"
            f" -verify_other intermediate.pem -url http://{address}:{port}/".split(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        responder.terminate()
        responder.wait(10)
    assert asked.stdout.startswith("fullchain.pem: good\n"), asked
    assert (asked.returncode, asked.stderr) == (0, "Response verify OK\n")


def await_listening(process: subprocess.Popen[bytes], address: str, port: int) -> None:
    for _ in itertools.repeat(None, 500):
        try:
            socket.create_connection((address, port), 1).close()
        except ConnectionRefusedError:
            try:
                status = process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"the responder ended with {status}")
        else:
            return
    pytest.fail("the responder does not listen after 10 s")
