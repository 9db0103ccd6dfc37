"""Start a Redis of our own from the primary's snapshot, as it would start again itself (RDS-05).

Keys of every type are written first, and the snapshot that is due within the hour is made now.
"""

import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.redis import Login, Node, connected
from golive.probes.redis_server import NotStarted, started

_TTL_S = 3000  # under what keys may live at most, and far more than the drill takes
_SAVED_WITHIN_S = 30.0
_POLL_S = 0.02

_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "string": lambda client, key: client.get(key),
    "hash": lambda client, key: sorted(client.hgetall(key).items()),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: sorted(client.smembers(key)),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
}


@dataclass(frozen=True)
class SnapshotDrill:
    """What a server that was started from the snapshot has, of `written` keys of all types.

    `status` is what the primary says of the save, which took `save_s`. `file` is where a server
    with the deployment's file looks for the snapshot; `age_s` how old it was then, None where
    there was none. `refused` is why it did not start from it; then nothing is known of the rest,
    as without a file. `loaded` counts all keys that the
    server came up with after `start_s`; `missing`, `changed` (values) and `moved` (the time at
    which they expire) name keys.
    """

    written: int
    status: str
    save_s: float
    file: str
    age_s: float | None
    refused: str
    loaded: int
    start_s: float
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    moved: tuple[str, ...]


def restart(
    machine: Machine, node: Node, admin: Login, configuration: str, server: Path, prefix: str
) -> SnapshotDrill:
    """Save the primary `node`, and start `server` with its file and snapshot. Raises Unproven."""
    name = f"{prefix}golive-{secrets.token_hex(4)}:"
    with connected(node, admin) as client:
        try:
            _write(client, name)
            status, save_s = _save(client)
            expected = _read(client, name)
        finally:
            with suppress(ResponseError):  # MISCONF, after a save that failed: they expire anyway
                for key in client.scan_iter(f"{name}*"):
                    client.delete(key)
    file = Path(machine.path(configuration))
    snapshot = _snapshot(file)
    age_s = None
    loaded, start_s, there = 0, 0.0, expected
    refused = ""
    if snapshot.is_file():
        age_s = round(time.time() - snapshot.stat().st_mtime, 3)
        try:
            loaded, start_s, there = _started_from(snapshot, file, server, admin, name, machine)
        except NotStarted as error:
            refused = error.reason
    return SnapshotDrill(
        written=len(expected),
        status=status,
        save_s=save_s,
        file=str(snapshot),
        age_s=age_s,
        refused=refused,
        loaded=loaded,
        start_s=start_s,
        missing=tuple(sorted(expected.keys() - there.keys())),
        changed=_differing(expected, there, 0),
        moved=_differing(expected, there, 1),
    )


Keys = dict[str, tuple[Any, int]]  # the value of each, and when it expires (ms since 1970)


def _write(client: Any, name: str) -> None:  # noqa: ANN401 (redis-py's types fit no server)
    client.set(f"{name}string", "é\n\0" * 100)
    client.hset(f"{name}hash", mapping={f"field-{n}": n * 1.5 for n in range(200)})
    client.rpush(f"{name}list", *range(300))
    client.sadd(f"{name}set", *(f"member-{n}" for n in range(200)))
    client.zadd(f"{name}zset", {f"member-{n}": n / 3 for n in range(200)})
    for number, key in enumerate(sorted(client.scan_iter(f"{name}*"))):
        client.expire(key, _TTL_S + number)


def _read(client: Any, name: str) -> Keys:  # noqa: ANN401
    return {
        key: (_READ[client.type(key)](client, key), client.pexpiretime(key))
        for key in client.scan_iter(f"{name}*")
    }


def _save(client: Any) -> tuple[str, float]:  # noqa: ANN401
    """How the save of now ended, and after how long. Raises Unproven."""
    began = time.monotonic()
    saves = client.info("persistence").get("rdb_saves", 0)
    client.execute_command("BGSAVE", "SCHEDULE")  # after one that runs, if there is one
    while time.monotonic() < began + _SAVED_WITHIN_S:
        said = client.info("persistence")
        over = not said["rdb_bgsave_in_progress"]
        if over and (said["rdb_saves"] > saves or said["rdb_last_bgsave_status"] != "ok"):
            return said["rdb_last_bgsave_status"], round(time.monotonic() - began, 3)
        time.sleep(_POLL_S)
    raise Unproven(f"BGSAVE did not end within {_SAVED_WITHIN_S:g} s", Whose.TARGET)


def _snapshot(configuration: Path) -> Path:
    """Where a server with this file reads its data when it starts. Raises Unproven."""
    settings: dict[str, str] = dict(
        re.findall(r"(?m)^[ \t]*(dir|dbfilename)[ \t]+\"?([^\s\"]+)", configuration.read_text())
    )
    if "dir" not in settings:
        raise Unproven(f"{configuration} names no dir", Whose.TARGET)
    return Path(settings["dir"]) / settings.get("dbfilename", "dump.rdb")


def _started_from(
    snapshot: Path, configuration: Path, server: Path, admin: Login, name: str, machine: Machine
) -> tuple[int, float, Keys]:
    with tempfile.TemporaryDirectory(prefix="golive-", dir=machine.host.root) as directory:
        shutil.copy(snapshot, Path(directory) / snapshot.name)
        began = time.monotonic()
        with started(server, configuration, Path(directory), {}) as path:
            start_s = round(time.monotonic() - began, 3)
            client = redis.Redis(
                unix_socket_path=str(path),
                username=admin.user,
                password=admin.password,
                protocol=2,
                decode_responses=True,
                retry=Retry(NoBackoff(), 0),
            )
            try:
                size: Any = client.dbsize()
                return size, start_s, _read(client, name)
            except RedisError as error:
                raise Unproven(f"golive's own Redis: {error!r}", Whose.TOOL) from error
            finally:
                client.close()


def _differing(expected: Keys, there: Keys, part: int) -> tuple[str, ...]:
    return tuple(
        sorted(
            key for key in expected.keys() & there.keys() if expected[key][part] != there[key][part]
        )
    )
