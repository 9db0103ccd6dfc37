from collections.abc import Iterator

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.redis_keys import Key, RedisLogin, keys_of

from .test_redis import ADMIN, LOCKED, Server, running

CLIENT = "127.85.128.1"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*LOCKED) as redis_server:
        yield redis_server


def login(server: Server, password: str = ADMIN.password) -> RedisLogin:
    return RedisLogin(server.node.address, server.node.port, ADMIN.user, password)


def test_keys_of_a_client_in_every_database(server: Server):
    with server.client(0) as first, server.client(3) as third:
        first.mset({f"dv:rate:{CLIENT}": 1, f"dv:rate:{CLIENT}2": 1, "dv:other": 1})
        third.set(f"rate:{CLIENT}:x", 1)
        try:
            seen = keys_of(login(server), CLIENT)
        finally:
            first.flushall()
    assert seen == (Key(0, f"dv:rate:{CLIENT}"), Key(3, f"rate:{CLIENT}:x"))


def test_a_client_without_keys_has_none(server: Server):
    assert keys_of(login(server), "127.85.128.2") == ()


def test_who_may_not_sign_in_has_measured_nothing(server: Server):
    with pytest.raises(Unproven) as error:
        keys_of(login(server, "wrong-hush"), CLIENT)
    assert error.value.whose is Whose.TARGET
    assert "hush" not in str(error.value)


def test_a_server_that_is_not_there_is_unproven():
    with pytest.raises(Unproven, match=r"Redis at 127\.85\.255\.1:1"):
        keys_of(RedisLogin("127.85.255.1", 1, "admin", "hush"), CLIENT)


def test_a_password_is_not_shown(server: Server):
    assert ADMIN.password not in repr(login(server))
