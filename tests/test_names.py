"""Names that the environment has an address for."""

import socket
from collections.abc import Iterator

import pytest

from golive import names


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    asked = socket.getaddrinfo
    yield
    names.resolve({})
    socket.getaddrinfo = asked


def test_a_name_of_the_environment_has_its_address():
    names.resolve({"redis-1.dashboard-velo.internal": "127.0.99.2"})

    with socket.create_server(("127.0.99.2", 0)) as server:
        at = ("redis-1.dashboard-velo.internal", server.getsockname()[1])
        with socket.create_connection(at, timeout=5) as client:
            assert client.getpeername()[0] == "127.0.99.2"


def test_other_names_are_as_ever():
    before = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)

    names.resolve({"redis-1.dashboard-velo.internal": "127.0.99.2"})

    assert socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM) == before


def test_the_names_of_an_environment_replace_those_of_another():
    names.resolve({"one.invalid": "127.0.99.2"})
    names.resolve({})

    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("one.invalid", 80)
