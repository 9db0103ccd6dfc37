from collections.abc import Iterator

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.virtual_host import called, shown_names

from .nginx_server import Nginx, nginx

CONFIGURATION = r"""
server {
    listen ADDRESS:8443 ssl default_server;
    listen ADDRESS:8080 default_server;
    server_name _;
    ssl_reject_handshake on;
    if ($host = closed.golive.test) { return 444; }
    return 421;
}
server {
    listen ADDRESS:8443 ssl;
    listen ADDRESS:8080;
    server_name www.golive.test;
    return 200 "$host";
}
server {
    listen ADDRESS:8444 ssl;
    return 200 "$host";
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), CONFIGURATION) as running:
        yield running


@pytest.fixture
def www(server: Nginx) -> Endpoint:
    return server.endpoint("www")


@pytest.mark.parametrize(
    ("host", "status"),
    [("www.golive.test", 200), ("WWW.golive.TEST:8443", 200), ("other.golive.test", 421)],
)
def test_the_host_decides_who_answers(www: Endpoint, host: str, status: int) -> None:
    answer = called(www, "/", host)
    assert answer is not None
    assert answer.status == status


def test_closed_without_an_answer_is_none(www: Endpoint) -> None:
    assert called(www, "/", "closed.golive.test") is None


def test_plain_http(server: Nginx) -> None:
    answer = called(server.endpoint("www", port=8080), "/", "other.golive.test", "http")
    assert answer is not None
    assert answer.status == 421


def test_who_is_not_there_is_unproven(server: Nginx) -> None:
    with pytest.raises(Unproven, match="refused"):
        called(server.endpoint("www", port=1), "/", "www.golive.test")


def test_a_certificate_is_shown_to_whom_asks_for_its_name(www: Endpoint) -> None:
    assert shown_names(www, "www.golive.test") == ("*.golive.test",)


@pytest.mark.parametrize("asked", [None, "attacker.example"])
def test_a_refused_handshake_shows_no_name(www: Endpoint, asked: str | None) -> None:
    assert shown_names(www, asked) == ()


@pytest.mark.parametrize("asked", [None, "attacker.example"])
def test_a_server_that_shows_its_certificate_to_everybody(server: Nginx, asked: str | None) -> None:
    assert shown_names(server.endpoint("www", port=8444), asked) == ("*.golive.test",)


def test_a_port_without_tls_is_unproven(server: Nginx) -> None:
    with pytest.raises(Unproven):
        shown_names(server.endpoint("www", port=8080), None)
