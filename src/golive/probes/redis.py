"""What a Redis node says of itself, and which keys it holds.

Everything is read: INFO, CONFIG GET, SCAN and PTTL. What a node does not know, as a managed
service without CONFIG, is NotRun; whatever else keeps it from being measured is Unproven.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from golive.outcome import NotRun, Unproven, Whose

PORT = 6379
TIMEOUT_S = 3.0  # for each wait on the network: the connection, then each answer
_PAGE = 1000  # keys asked for at once
_PTTL_NONE, _PTTL_GONE = -1, -2  # answers of PTTL: no TTL; no such key any more


@dataclass(frozen=True)
class Node:
    """Where a node is, and how people call it."""

    name: str
    address: str
    port: int = PORT

    def __str__(self) -> str:
        return f"{self.name} ({self.address}:{self.port})"


@dataclass(frozen=True)
class Login:
    """Whom to sign in as."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Attached:
    """A replica as its primary sees it: `state` is `online` once it follows.

    `silent_s` is how long ago it last acknowledged what it was sent.
    """

    state: str
    silent_s: int


@dataclass(frozen=True)
class Replication:
    """A node's part in replication.

    `history` is the id of the data's history, the same on a primary and on all that follow it;
    `offset` how many bytes of it the node has. `follows` is the primary's address and port as
    the node was told, `link` the state of the link to it; both are None of a primary.
    """

    role: str
    history: str
    offset: int
    attached: tuple[Attached, ...]
    follows: str | None
    link: str | None


@dataclass(frozen=True)
class Memory:
    """What a node may use, in bytes; `maxmemory` is 0 where nothing bounds it."""

    maxmemory: int
    policy: str
    of_machine: int


@dataclass(frozen=True)
class Snapshots:
    """When a node saves its data, as CONFIG GET save says it, and how that went.

    `unsaved` counts the changes since the last save.
    """

    schedule: str
    last: datetime
    last_status: str
    unsaved: int


@dataclass(frozen=True)
class Key:
    """A key; `ttl_s` is None where it has none."""

    name: str
    ttl_s: float | None


@dataclass(frozen=True)
class Keyspace:
    """The keys of one database, and how many there are in each of all (by number).

    `complete` is False where there were more keys than were to be looked at.
    """

    keys: tuple[Key, ...]
    databases: dict[int, int]
    complete: bool


@contextmanager
def connected(node: Node, login: Login, database: int = 0) -> Iterator["redis.Redis"]:
    """A client, signed in. Raises Unproven or NotRun for whatever goes wrong inside."""
    client = redis.Redis(
        host=node.address,
        port=node.port,
        db=database,
        username=login.user,
        password=login.password,
        protocol=2,
        decode_responses=True,
        encoding_errors="surrogateescape",  # so that a key of any bytes can be asked for again
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield client
    except exceptions.RedisError as error:
        raise _reason(node, login, error) from error
    except OSError as error:
        raise unreachable(node, error) from error
    finally:
        client.close()


def unreachable(node: Node, error: OSError) -> Unproven:
    """Why there is no connection, and whose fault that is."""
    if isinstance(error, ConnectionRefusedError):
        return Unproven(f"{node}: connection refused, nothing listens", Whose.TARGET)
    return Unproven(f"{node}: cannot connect: {error}", Whose.NETWORK)


def _reason(node: Node, login: Login, error: exceptions.RedisError) -> Unproven | NotRun:
    cause = error.__cause__ or error.__context__
    if isinstance(error, exceptions.AuthenticationError):
        return Unproven(f"{node}: does not let {login.user} in: {error}", Whose.OURS)
    if isinstance(error, exceptions.NoPermissionError):
        return Unproven(f"{node}: {login.user} may not look: {error}", Whose.TARGET)
    if isinstance(error, exceptions.BusyLoadingError):
        return Unproven(f"{node}: still loads its data", Whose.TARGET)
    if isinstance(error, exceptions.ResponseError) and str(error).startswith("unknown command"):
        return NotRun(f"{node}: {error} (a managed service?)")
    if isinstance(error, exceptions.TimeoutError) and str(error) != "Timeout connecting to server":
        return Unproven(f"{node}: no answer within {TIMEOUT_S:g} s", Whose.TARGET)
    if isinstance(error, exceptions.TimeoutError):
        return Unproven(f"{node}: no connection within {TIMEOUT_S:g} s", Whose.NETWORK)
    if isinstance(error, exceptions.ConnectionError) and isinstance(cause, ConnectionRefusedError):
        return unreachable(node, cause)
    if isinstance(error, exceptions.ConnectionError) and isinstance(cause, socket.gaierror):
        return Unproven(f"{node}: the address has no answer: {cause}", Whose.NETWORK)
    return Unproven(f"{node}: does not answer as Redis does: {error}", Whose.TARGET)


def replication(node: Node, login: Login) -> Replication:
    """The node's part in replication, now. Raises Unproven."""
    said = _info(node, login, "replication")
    with _understood(node, "INFO replication"):
        slaves = [value for key, value in said.items() if key.removeprefix("slave").isdigit()]
        primary = said["role"] == "master"
        return Replication(
            role=said["role"],
            history=said["master_replid"],
            offset=said["master_repl_offset" if primary else "slave_repl_offset"],
            attached=tuple(Attached(each["state"], each["lag"]) for each in slaves),
            follows=None if primary else f"{said['master_host']}:{said['master_port']}",
            link=None if primary else said["master_link_status"],
        )


def memory(node: Node, login: Login) -> Memory:
    """What the running node may use, and what it does when that is used up. Raises Unproven."""
    said = _info(node, login, "memory")
    with _understood(node, "INFO memory"):
        return Memory(said["maxmemory"], said["maxmemory_policy"], said["total_system_memory"])


def snapshots(node: Node, login: Login) -> Snapshots:
    """When the running node saves, and how the last time went. Raises Unproven, NotRun."""
    with connected(node, login) as client:
        configured: Any = client.config_get("save")
    said = _info(node, login, "persistence")
    with _understood(node, "INFO persistence"):
        return Snapshots(
            schedule=configured["save"],
            last=datetime.fromtimestamp(said["rdb_last_save_time"], UTC),
            last_status=said["rdb_last_bgsave_status"],
            unsaved=said["rdb_changes_since_last_save"],
        )


def keyspace(node: Node, login: Login, database: int, at_most: int) -> Keyspace:
    """The first `at_most` keys of a database, with what is left of their TTL. Raises Unproven.

    SCAN goes through the keys in pages, so that the node serves others in between.
    """
    said = _info(node, login, "keyspace")
    keys: dict[str, Key] = {}
    cursor = 0
    with connected(node, login, database) as client:
        while True:
            page: Any = client.scan(cursor, count=_PAGE)
            cursor, names = page
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.pttl(name)
            for name, ttl_ms in zip(names, pipeline.execute(), strict=True):
                if ttl_ms != _PTTL_GONE:
                    keys[name] = Key(_shown(name), None if ttl_ms == _PTTL_NONE else ttl_ms / 1000)
            if cursor == 0 or len(keys) >= at_most:
                break
    with _understood(node, "INFO keyspace"):
        databases = {int(name.removeprefix("db")): of["keys"] for name, of in said.items()}
    return Keyspace(tuple(keys.values()), databases, complete=cursor == 0)


def _shown(name: str) -> str:
    """A key's name, with what is no UTF-8 in it as a backslash and its number."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _info(node: Node, login: Login, section: str) -> dict[str, Any]:
    with connected(node, login) as client:
        said: Any = client.info(section)
    return dict(said)


@contextmanager
def _understood(node: Node, what: str) -> Iterator[None]:
    """Say which answer lacks what a Redis server's has."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise Unproven(
            f"{node}: {what} is not as Redis gives it: {error!r}", Whose.TARGET
        ) from None
