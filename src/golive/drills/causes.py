"""Bring about what the document's alerts warn of: each a context manager that ends it again."""

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pymongo.errors import NetworkTimeout

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes import mongodb, redis
from golive.probes.http import request

_PATIENT_S = 60
_MAXMEMORY = 16 * 2**20
_FILLER = "golive-drill"
_PART = "x" * 2**16


@contextmanager
def requests(application: Endpoint, switch: str, senders: int, pause_s: float) -> Iterator[None]:
    """Ask one application server's switch (replica/switches.js), again and again.

    `senders` ask at the same time, each `pause_s` seconds after its last answer.
    """

    def ask() -> None:
        request(application, f"/__replica/{switch}", scheme="http", timeout_s=_PATIENT_S)

    with _repeated(ask, senders, pause_s):
        yield


@contextmanager
def slow_reads(member: mongodb.Member, login: mongodb.Login, ms: int) -> Iterator[None]:
    """Read from one MongoDB member so that each read takes `ms` milliseconds at least.

    The members' own version is read, one document: nothing is changed.
    """
    slowly = {"_id": "featureCompatibilityVersion", "$where": f"sleep({ms}) || true"}
    with mongodb.connected(member, login) as client:
        collection = client.admin["system.version"]

        def read() -> None:
            with suppress(NetworkTimeout):  # slower still, on a busy machine
                collection.find_one(slowly)

        with _repeated(read, senders=6, pause_s=0):
            yield


class OwnRedis:
    """A Redis of our own, which may be filled."""

    def __init__(self, node: redis.Node, login: redis.Login) -> None:
        self._node, self._login = node, login

    def fill(self, share: float) -> None:
        """Let it use about this share of its memory, 0 to 1; none of ours at 0."""
        with redis.connected(self._node, self._login) as client:
            client.delete(_FILLER)
            # In parts: Redis needs memory for what it is being sent, too.
            while share and int(client.info("memory")["used_memory"]) < _MAXMEMORY * share:
                client.rpush(_FILLER, _PART)


@contextmanager
def own_redis(node: redis.Node, login: redis.Login) -> Iterator[OwnRedis]:
    """A Redis of 16 MiB where `node` says; it ends with the block, or with our thread."""
    program = shutil.which("redis-server")
    if program is None:
        raise Unproven("redis-server is not installed (Debian: redis-server)", Whose.TOOL)
    with tempfile.TemporaryDirectory(prefix="golive-drill-") as directory:
        settings = Path(directory, "redis.conf")
        settings.write_text(
            f'bind {node.address}\nport {node.port}\nmaxmemory {_MAXMEMORY}\nsave ""\n'
            f"user default off\nuser {login.user} on >{login.password} ~* &* +@all\n"
        )
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", program, settings],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said = ""
            for line in process.stdout or ():  # until it says so, or has ended
                said += line
                if "Ready to accept connections" in line:
                    break
            else:
                raise Unproven(f"our Redis at {node} does not start: {said[-500:]}", Whose.OURS)
            yield OwnRedis(node, login)
        finally:
            process.kill()
            process.communicate()


@contextmanager
def _repeated(work: Callable[[], None], senders: int, pause_s: float) -> Iterator[None]:
    """Do something again and again in several threads; what goes wrong there is told at the end."""
    ended = threading.Event()
    problems: list[Exception] = []

    def repeat() -> None:
        while not ended.is_set():
            try:
                work()
            except Exception as error:  # of whatever kind: raised by the block's end
                problems.append(error)
                return
            ended.wait(pause_s)

    threads = [threading.Thread(target=repeat, daemon=True) for _ in range(senders)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    if problems:
        raise problems[0]
