"""A Redis of golive's own, with the deployment's file: on a Unix socket, reached by nobody else."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from golive.outcome import Unproven, Whose

_READY_WITHIN_S = 10


class NotStarted(Unproven):
    """The server ended, or did not answer; the reason has its last words."""


@contextmanager
def started(
    server: Path, configuration: Path, directory: Path, changes: Mapping[str, str]
) -> Iterator[Path]:
    """The Unix socket of a server that works in `directory`, with `changes` of its settings.

    It ends with the block, or with this thread. Raises NotStarted; Unproven where it cannot be run.
    """
    path, log = directory / "socket", directory / "log"
    settings = {
        **{"port": "0", "unixsocket": str(path), "dir": str(directory), "daemonize": "no"},
        **changes,
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    command = ["setpriv", "--pdeathsig", "KILL", str(server), str(configuration), *options]
    with log.open("w") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        except OSError as error:
            raise Unproven(f"cannot run setpriv (util-linux): {error}", Whose.TOOL) from error
    try:
        _await_ready(process, path, log)
        yield path
    finally:
        process.kill()
        process.wait()


def _await_ready(process: "subprocess.Popen[bytes]", path: Path, log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    client = redis.Redis(unix_socket_path=str(path), protocol=2, retry=Retry(NoBackoff(), 0))
    try:
        while process.poll() is None and time.monotonic() < until:
            try:
                client.ping()
            except AuthenticationError:
                return
            except RedisError:  # it does not listen yet, or loads its data
                time.sleep(0.01)
            else:
                return
    finally:
        client.close()
    said = log.read_text(errors="replace").strip()[-500:]
    raise NotStarted(f"a Redis with the deployment's file does not start: {said}", Whose.TOOL)
