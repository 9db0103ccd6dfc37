"""Break Redis: replication, memory, keys, access, snapshots."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.exceptions import RedisError

from golive.faults.fault import FaultError, Target, fault
from golive.machine import credential

_REDIS = "platform/redis.feature::"
_ROLES = f"{_REDIS}One primary, and two replicas that follow it"
_LAG = f"{_REDIS}No replica is far behind"
_LIMIT = f"{_REDIS}Each node has a limit of its memory, under its 8 GB"
_ROOM = f"{_REDIS}A quarter of the 6.4 GiB of a cache.m5.large is left for snapshots and buffers"
_POLICY = f"{_REDIS}The policy of each node that runs is volatile-lru"
_SPARED = f"{_REDIS}A full memory evicts keys with a TTL, and none without"
_FULL = f"{_REDIS}A memory full of keys without a TTL refuses to write, and loses none"
_PREFIX = f"{_REDIS}Every key has the application's prefix"
_TTL = f"{_REDIS}Every key can be evicted: it has a TTL"
_DATABASE = f"{_REDIS}Only one database is used"
_ANONYMOUS = f"{_REDIS}Nobody is served without the password"
_WRONG = f"{_REDIS}A wrong password is refused"
_COMMANDS = f"{_REDIS}The application may run no command that is dangerous"
_KEYS = f"{_REDIS}The application may touch no key of another prefix"
_SCHEDULE = f"{_REDIS}A snapshot is made every 60 minutes when anything has changed"

_WITHIN_S = 15
_POLL_S = 0.02


@fault(_ROLES)
@contextmanager
def replica_of_a_replica(replica: Target) -> Iterator[None]:
    """RDS-01: a replica follows the other replica, so that the primary has one."""
    with _client(replica, "redis-3") as third, _client(replica, "redis-2") as second:
        address, port = replica.subnet.hosts["redis-1"], 6379
        try:
            third.replicaof(replica.subnet.hosts["redis-2"], port)
            _await(lambda: _online(second) == 1 and _linked(third), "redis-3 follows redis-2")
            yield
        finally:
            third.replicaof(address, port)
            with _client(replica, "redis-1") as first:
                _await(lambda: _online(first) == 2 and _linked(third), "redis-3 follows redis-1")


@fault(_ROLES, _LAG)
@contextmanager
def replica_left_behind(replica: Target) -> Iterator[None]:
    """RDS-01: a replica has lost its link, and the primary has written 2 MB since.

    Behind and unlinked at once: over a link that is up, 2 MB come within milliseconds.
    """
    key = "dv:cache:golive-fault"
    with _client(replica, "redis-1") as first, _client(replica, "redis-3") as third:
        right = credential(replica.environment, "redis-replication-password")
        try:
            third.config_set("masterauth", "wrong")
            first.client_kill_filter(_type="replica")
            _await(lambda: not _linked(third) and _online(first) == 1, "redis-3 has no link")
            first.set(key, "x" * 2 * 2**20, ex=600)
            yield
        finally:
            third.config_set("masterauth", right)
            first.delete(key)
            _await(lambda: _online(first) == 2 and _linked(third), "redis-3 follows redis-1")


@fault(_LIMIT, _ROOM)
@contextmanager
def memory_unlimited(replica: Target) -> Iterator[None]:
    """RDS-03: a node has no maxmemory, and so leaves no room either."""
    with _configured(replica, "redis-2", "maxmemory", "0"):
        yield


@fault(_ROOM)
@contextmanager
def memory_without_room(replica: Target) -> Iterator[None]:
    """RDS-03: maxmemory is nearly all that a cache.m5.large has."""
    with _configured(replica, "redis-2", "maxmemory", str(6 * 2**30)):
        yield


@fault(_POLICY)
@contextmanager
def replica_never_evicts(replica: Target) -> Iterator[None]:
    """RDS-04: a replica, the primary of tomorrow, has the policy noeviction."""
    with _configured(replica, "redis-2", "maxmemory-policy", "noeviction"):
        yield


@fault(_POLICY, _SPARED, _FULL)
@contextmanager
def every_key_is_evicted(replica: Target) -> Iterator[None]:
    """RDS-04: the primary's policy is allkeys-lru: another name, and other behaviour."""
    with _configured(replica, "redis-1", "maxmemory-policy", "allkeys-lru"):
        yield


@fault(_PREFIX)
@contextmanager
def key_of_another_prefix(replica: Target) -> Iterator[None]:
    """ENV-11: there is a key without the application's prefix."""
    with _key(replica, "weather:golive-fault", ttl_s=600):
        yield


@fault(_TTL)
@contextmanager
def key_without_ttl(replica: Target) -> Iterator[None]:
    """RDS-04: there is a key that volatile-lru never evicts."""
    with _key(replica, "dv:cache:golive-fault", ttl_s=None):
        yield


@fault(_DATABASE)
@contextmanager
def second_database(replica: Target) -> Iterator[None]:
    """ENV-10: there is a key in another database."""
    with _key(replica, "dv:cache:golive-fault", ttl_s=600, database=1):
        yield


@fault(_ANONYMOUS, _WRONG)
@contextmanager
def no_password_needed(replica: Target) -> Iterator[None]:
    """ENV-09: a node serves everybody. Whatever password they give is accepted too."""
    # Redis refuses a server without a password to other hosts, unless it is told not to.
    open_to_all = _configured(replica, "redis-2", "protected-mode", "no")
    with open_to_all, _permitted(replica, "redis-2", "nopass"):
        yield


@fault(_COMMANDS)
@contextmanager
def application_may_all(replica: Target) -> Iterator[None]:
    """ENV-09: the application's user may run every command."""
    with _permitted(replica, "redis-1", "+@all"):
        yield


@fault(_KEYS)
@contextmanager
def application_may_touch_all_keys(replica: Target) -> Iterator[None]:
    """ENV-11: the application's user may use keys of every prefix."""
    with _permitted(replica, "redis-1", "allkeys"):
        yield


@fault(_SCHEDULE)
@contextmanager
def no_snapshots(replica: Target) -> Iterator[None]:
    """RDS-05: the primary saves nothing."""
    with _configured(replica, "redis-1", "save", ""):
        yield


@contextmanager
def _client(replica: Target, host: str, database: int = 0) -> Iterator["redis.Redis"]:
    client = redis.Redis(
        host=replica.subnet.hosts[host],
        db=database,
        username="admin",
        password=credential(replica.environment, "redis-admin-password"),
        decode_responses=True,
    )
    try:
        yield client
    except RedisError as error:
        raise FaultError(f"{host}: {error}") from error
    finally:
        client.close()


@contextmanager
def _configured(replica: Target, host: str, name: str, value: str) -> Iterator[None]:
    with _client(replica, host) as client:
        configured: Any = client.config_get(name)
        if configured[name] == value:
            raise FaultError(f"{host}: {name} is {value!r} already")
        try:
            client.config_set(name, value)
            yield
        finally:
            client.config_set(name, configured[name])


@contextmanager
def _key(replica: Target, name: str, ttl_s: int | None, database: int = 0) -> Iterator[None]:
    with _client(replica, "redis-1", database) as client:
        try:
            if not client.set(name, "{}", ex=ttl_s, nx=True):
                raise FaultError(f"there is a key {name} already")
            yield
        finally:
            client.delete(name)


@contextmanager
def _permitted(replica: Target, host: str, rule: str) -> Iterator[None]:
    """With one more rule of the application's user, `default`; then it has its own ones again."""
    with _client(replica, host) as client:
        users: Any = client.acl_list()
        rules = next(each.split()[2:] for each in users if each.startswith("user default "))
        try:
            _set_rules(client, rule)
            yield
        finally:
            _set_rules(client, "reset", *rules)


def _set_rules(client: Any, *rules: str) -> None:  # noqa: ANN401 (redis-py has no type for it)
    client.execute_command("ACL", "SETUSER", "default", *rules)


def _online(client: "redis.Redis") -> int:
    said: Any = client.info("replication")
    return sum(said.get(f"slave{i}", {}).get("state") == "online" for i in range(3))


def _linked(client: "redis.Redis") -> bool:
    said: Any = client.info("replication")
    return bool(said.get("master_link_status") == "up")


def _await(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _WITHIN_S
    while not holds():
        if time.monotonic() > until:
            raise FaultError(f"not within {_WITHIN_S} s: {what}")
        time.sleep(_POLL_S)
