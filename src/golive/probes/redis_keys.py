"""Which keys of Redis are about a client, in whichever database, whatever they begin with."""

import re
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError

from golive.outcome import Unproven, Whose

_TIMEOUT_S = 5
_BATCH = 1000


@dataclass(frozen=True)
class RedisLogin:
    """A server of Redis, and who signs in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Key:
    """A key, with the number of its database."""

    database: int
    name: str


def keys_of(login: RedisLogin, client: str) -> tuple[Key, ...]:
    """Each key whose name contains the address of `client`, of every database that has any keys.

    Raises Unproven, the target's fault, where Redis cannot be asked.
    """
    try:
        return tuple(
            Key(database, name)
            for database in _databases(login)
            for name in _names(login, database, client)
        )
    except (RedisError, OSError) as error:
        reason = f"Redis at {login.host}:{login.port}, as {login.user}: {error}"
        raise Unproven(reason, Whose.TARGET) from error


def _databases(login: RedisLogin) -> list[int]:
    with _connected(login, 0) as redis:
        return sorted(int(name.removeprefix("db")) for name in redis.info("keyspace"))


def _names(login: RedisLogin, database: int, client: str) -> list[str]:
    whole = re.compile(rf"(?<![\d.]){re.escape(client)}(?![\d.])")  # not 10.0.0.12 for 10.0.0.1
    with _connected(login, database) as redis:
        names = {key.decode(errors="replace") for key in redis.scan_iter(f"*{client}*", _BATCH)}
    return sorted(filter(whole.search, names))


def _connected(login: RedisLogin, database: int) -> Redis:
    return Redis(
        login.host,
        login.port,
        db=database,
        username=login.user,
        password=login.password,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
    )
