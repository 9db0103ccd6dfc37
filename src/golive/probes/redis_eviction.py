"""What Redis does when its memory is full, seen on a server of golive's own.

It is started with the deployment's own file, less memory, and the policy that the deployment's
server has now; it listens on a Unix socket only, and saves nothing.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry

from golive.outcome import Unproven, Whose
from golive.probes.redis import Login
from golive.probes.redis_server import started

_MAXMEMORY = 3 * 2**20  # bytes; an empty server needs a third of it
_VALUE = "x" * 4096
_WITHOUT_TTL = 100
_MORE = 1200  # more of these values than fit
_TTL_S = 3600


@dataclass(frozen=True)
class Kept:
    """Of `written` keys so many are there; `refused` more had the answer OOM."""

    written: int
    kept: int
    refused: int


@dataclass(frozen=True)
class Eviction:
    """First some keys without a TTL were written, then more with one than the memory holds.

    `without_ttl` and `with_ttl` say what was left then. After that keys without a TTL were
    written until nothing else was left to evict: `full` counts all without a TTL.
    """

    without_ttl: Kept
    with_ttl: Kept
    full: Kept


def evict(
    server: Path, configuration: Path, policy: str, login: Login, prefix: str, below: Path
) -> Eviction:
    """Fill a Redis `server` of its own, as the user `login`, until it evicts and is full.

    `configuration` is the file of the deployment, `policy` replaces its maxmemory-policy; keys
    begin with `prefix`. A temporary directory is made `below`. Raises Unproven.
    """
    changes = {"save": "", "maxmemory": str(_MAXMEMORY), "maxmemory-policy": policy}
    with (
        tempfile.TemporaryDirectory(prefix="golive-", dir=below) as directory,
        started(server, configuration, Path(directory), changes) as path,
    ):
        client = redis.Redis(
            unix_socket_path=str(path),
            username=login.user,
            password=login.password,
            protocol=2,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            first = [f"{prefix}kept:{number}" for number in range(_WITHOUT_TTL)]
            second = [f"{prefix}cache:{number}" for number in range(_MORE)]
            third = [f"{prefix}more:{number}" for number in range(_MORE)]
            refused = [_write(client, first, None), _write(client, second, _TTL_S)]
            without_ttl, with_ttl = (
                Kept(len(names) - count, _there(client, names), count)
                for names, count in zip((first, second), refused, strict=True)
            )
            more = _write(client, third, None)
            all_without = first + third
            full = Kept(len(all_without) - refused[0] - more, _there(client, all_without), more)
            return Eviction(without_ttl, with_ttl, full)
        except RedisError as error:
            raise Unproven(f"golive's own Redis: {error!r}", Whose.TOOL) from error
        finally:
            client.close()


def _write(client: "redis.Redis", names: list[str], ttl_s: int | None) -> int:
    """Write the keys; how many were refused for want of memory."""
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.set(name, _VALUE, ex=ttl_s)
    errors = [each for each in pipeline.execute(raise_on_error=False) if each is not True]
    for error in errors:
        if not isinstance(error, OutOfMemoryError):
            raise error
    return len(errors)


def _there(client: "redis.Redis", names: list[str]) -> int:
    """How many of the keys there are."""
    there: Any = client.exists(*names)
    return int(there)
