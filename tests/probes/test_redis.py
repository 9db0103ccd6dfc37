import contextlib
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from golive import toolchain
from golive.outcome import NotRun, Unproven, Whose
from golive.probes import redis as probe
from golive.probes.redis import Attached, Key, Login, Node
from golive.probes.redis_access import answers, permissions
from golive.probes.redis_eviction import evict

ADMIN, EXPORTER = Login("admin", "admin-password"), Login("exporter", "exporter-password")
APPLICATION = "application-password"
USERS = [
    f"default on >{APPLICATION} ~dv:* &dv:* +@all -@admin -@dangerous +info",
    f"admin on >{ADMIN.password} ~* &* +@all",
    f"exporter on >{EXPORTER.password} ~* +info +ping +config|get",
]
START_TIMEOUT_S = 10
LOCKED = [word for user in USERS for word in ("--user", *user.split())]


def fresh_address() -> str:
    return f"127.84.{random.randrange(130, 256)}.{random.randrange(1, 255)}"


@dataclass(frozen=True)
class Server:
    node: Node

    @contextlib.contextmanager
    def client(self, database: int = 0) -> Iterator[redis.Redis]:
        client = redis.Redis(
            self.node.address, self.node.port, database, username="admin", password=ADMIN.password
        )
        with contextlib.closing(client):
            yield client


@contextlib.contextmanager
def running(*options: str, name: str = "redis-1") -> Iterator[Server]:
    """A redis-server on an address of its own; it dies with the tests, even killed ones."""
    node = Node(name, fresh_address(), 6379)
    with tempfile.TemporaryDirectory(prefix="golive-test-") as directory:
        log = Path(directory) / "log"
        own = ["--bind", node.address, "--dir", directory, "--logfile", str(log)]
        command = ["redis-server", *own, "--repl-diskless-sync-delay", "0", *options]
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command])
        try:
            until = time.monotonic() + START_TIMEOUT_S
            while not (log.exists() and "Ready to accept" in log.read_text()):
                assert process.poll() is None, log.read_text() if log.exists() else command
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.01)
            yield Server(node)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def good() -> Iterator[Server]:
    """As the stack's: a user for everyone, a limit, a policy, a schedule."""
    limits = ["--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru", "--save", "3600 1"]
    with running(*limits, *LOCKED) as server:
        yield server


@pytest.fixture(scope="module")
def careless() -> Iterator[Server]:
    """As Redis is when nobody has configured it, and open to all."""
    with running("--protected-mode", "no", "--save", "", name="redis-2") as server:
        yield server


@pytest.fixture(scope="module")
def replica(good: Server) -> Iterator[Server]:
    follow = ["--replicaof", good.node.address, str(good.node.port), "--masteruser", ADMIN.user]
    with running(*follow, "--masterauth", ADMIN.password, *LOCKED, name="redis-3") as server:
        eventually(lambda: probe.replication(server.node, EXPORTER).link == "up")
        eventually(lambda: online(probe.replication(good.node, EXPORTER).attached))
        yield server


def online(attached: tuple[Attached, ...]) -> bool:
    return [each.state for each in attached] == ["online"]


def eventually(holds) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


@contextlib.contextmanager
def speaking(answer: bytes | None, to: bytes = b"") -> Iterator[Node]:
    """A server that gives this answer, or (None) none at all; OK to what has not `to` in it."""
    address = fresh_address()
    with socket.create_server((address, 6379)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    held.append(connection)
                    while answer is not None and (asked := connection.recv(4096)):
                        commands = sum(line.startswith(b"*") for line in asked.splitlines())
                        connection.sendall(answer if to in asked else b"+OK\r\n" * commands)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Node("redis-1", address)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def test_a_primary_and_its_replica(good: Server, replica: Server) -> None:
    primary = probe.replication(good.node, EXPORTER)
    follower = probe.replication(replica.node, EXPORTER)
    assert (primary.role, primary.follows, primary.link) == ("master", None, None)
    assert online(primary.attached)
    assert follower.role == "slave"
    assert follower.link == "up"
    assert follower.follows == f"{good.node.address}:6379"
    assert follower.history == primary.history
    assert follower.attached == ()


def test_the_offset_grows_with_what_is_written(good: Server, replica: Server) -> None:
    before = probe.replication(good.node, EXPORTER).offset
    with good.client() as client:
        client.set("dv:offset", "x" * 10_000, ex=60)
        client.wait(1, 5000)
    after = probe.replication(good.node, EXPORTER).offset
    assert after > before + 10_000
    assert probe.replication(replica.node, EXPORTER).offset >= after


def test_a_promoted_replica_is_a_primary_of_another_history(good: Server) -> None:
    follow = ["--replicaof", good.node.address, "6379", "--masteruser", ADMIN.user]
    with running(*follow, "--masterauth", ADMIN.password, *LOCKED) as server:
        eventually(lambda: probe.replication(server.node, EXPORTER).link == "up")
        with server.client() as client:
            client.replicaof("NO", "ONE")
        seen = probe.replication(server.node, EXPORTER)
    assert seen.role == "master"
    assert seen.history != probe.replication(good.node, EXPORTER).history


def test_a_replica_that_its_primary_refuses_has_no_link(good: Server) -> None:
    follow = ["--replicaof", good.node.address, "6379", "--masterauth", "wrong"]
    with running(*follow, *LOCKED) as server:
        assert probe.replication(server.node, EXPORTER).link == "down"


def test_memory(good: Server, careless: Server) -> None:
    seen = probe.memory(good.node, EXPORTER)
    assert (seen.maxmemory, seen.policy) == (64 * 2**20, "volatile-lru")
    assert seen.of_machine > seen.maxmemory
    bare = probe.memory(careless.node, Login("default", ""))
    assert (bare.maxmemory, bare.policy) == (0, "noeviction")


def test_snapshots(good: Server, careless: Server) -> None:
    seen = probe.snapshots(good.node, EXPORTER)
    assert (seen.schedule, seen.last_status) == ("3600 1", "ok")
    assert probe.snapshots(careless.node, Login("default", "")).schedule == ""


def test_a_failed_snapshot_is_seen(careless: Server) -> None:
    with redis.Redis(careless.node.address) as client:
        Path(client.config_get("dir")["dir"], "dump.rdb").mkdir()
        client.set("dv:unsaved", 1, ex=60)
        client.bgsave()
        eventually(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
    seen = probe.snapshots(careless.node, Login("default", ""))
    assert seen.last_status == "err"
    assert seen.unsaved > 0


def test_keys_of_every_kind() -> None:
    with running(*LOCKED) as server:
        with server.client() as client, server.client(3) as other:
            client.set("dv:cache:a", 1, ex=600)
            client.set("kept", 1)
            client.set(b"\xff\n", 1, px=90_000)
            other.set("dv:other", 1)
        seen = probe.keyspace(server.node, ADMIN, 0, 100)
    keys = {key.name: key.ttl_s for key in seen.keys}
    assert keys.keys() == {"dv:cache:a", "kept", r"\xff" + "\n"}
    assert keys["kept"] is None
    assert 590 < (keys["dv:cache:a"] or 0) <= 600
    assert seen.databases == {0: 3, 3: 1}
    assert seen.complete
    assert Key("kept", None) in seen.keys


def test_of_many_keys_a_part_is_looked_at() -> None:
    with running(*LOCKED) as server:
        with server.client() as client:
            client.mset({f"dv:{number}": 1 for number in range(5000)})
        seen = probe.keyspace(server.node, ADMIN, 0, 1000)
    assert not seen.complete
    assert 1000 <= len(seen.keys) < 5000
    assert seen.databases == {0: 5000}


def test_nobody_and_a_wrong_password_are_refused(good: Server) -> None:
    commands = ("PING", "GET dv:a", "INFO server")
    assert [each.refusal for each in answers(good.node, commands)] == ["NOAUTH"] * 3
    assert [each.refusal for each in answers(good.node, commands, "wrong")] == ["WRONGPASS"] * 3


def test_a_server_without_a_password_serves_everybody(careless: Server) -> None:
    seen = answers(careless.node, ("PING", "GET dv:a", "INFO server", "NONSENSE"))
    assert [each.refusal for each in seen] == [None, None, None, "ERR"]


def test_what_the_application_may_and_may_not(good: Server) -> None:
    sent = answers(good.node, ("CONFIG GET port", "GET other", "GET dv:a"), APPLICATION)
    assert [each.refusal for each in sent] == ["NOPERM", "NOPERM", None]
    commands = ("FLUSHALL", "SHUTDOWN NOSAVE", "SET other 1", "SET dv:a 1", "FUNCTION FLUSH")
    seen = permissions(good.node, ADMIN, APPLICATION, commands)
    assert [each.refusal is None for each in seen] == [False, False, False, True, True]
    assert {each.user for each in seen} == {"default"}


def test_what_may_be_is_asked_and_not_done() -> None:
    with running(*LOCKED) as server:
        with server.client() as client:
            client.set("dv:a", 1)
            client.execute_command("ACL", "SETUSER", "default", "+@all")
        seen = permissions(server.node, ADMIN, APPLICATION, ("FLUSHALL", "SHUTDOWN NOSAVE"))
        assert [each.refusal for each in seen] == [None, None]
        with server.client() as client:
            assert client.get("dv:a") == b"1"


def test_a_command_that_there_is_not_is_our_mistake(good: Server) -> None:
    with pytest.raises(Unproven, match="FLUSHAL") as error:
        permissions(good.node, ADMIN, APPLICATION, ("FLUSHAL",))
    assert error.value.whose is Whose.OURS


@pytest.mark.parametrize(
    ("policy", "spared", "evicted", "oom"),
    [
        ("volatile-lru", True, True, True),
        ("volatile-ttl", True, True, True),
        ("allkeys-lru", False, True, False),
        ("noeviction", True, False, True),
    ],
)
def test_eviction(tmp_path: Path, policy: str, spared: bool, evicted: bool, oom: bool) -> None:
    configuration = tmp_path / "redis.conf"
    configuration.write_text("".join(f"user {user}\n" for user in USERS))
    login = Login("default", APPLICATION)
    with tempfile.TemporaryDirectory(prefix="golive-test-") as directory:
        server = toolchain.ensure(lambda _: None).redis_server
        seen = evict(server, configuration, policy, login, "dv:", Path(directory))
        assert not list(Path(directory).iterdir())
    assert seen.without_ttl.written == 100
    assert (seen.without_ttl.kept == seen.without_ttl.written) is spared
    assert (0 < seen.with_ttl.kept < seen.with_ttl.written) is evicted
    assert (seen.with_ttl.refused == 0) is evicted
    assert (seen.full.refused > 0) is oom
    assert (seen.full.kept == seen.full.written) is spared


@pytest.mark.parametrize(
    ("text", "login", "said"),
    [
        ("nonsense yes\n", Login("default", ""), "nonsense"),
        ("user default on nopass ~other:* +@all\n", Login("default", "x"), "NoPermission"),
        ("requirepass right\n", Login("default", "wrong"), "Authentication"),
    ],
)
def test_a_file_with_which_nothing_can_be_written(
    tmp_path: Path, text: str, login: Login, said: str
) -> None:
    configuration = tmp_path / "redis.conf"
    configuration.write_text(text)
    with tempfile.TemporaryDirectory(prefix="golive-test-") as directory:
        server = toolchain.ensure(lambda _: None).redis_server
        with pytest.raises(Unproven, match=said) as error:
            evict(server, configuration, "volatile-lru", login, "dv:", Path(directory))
    assert error.value.whose is Whose.TOOL


def test_who_may_not_in_or_not_look(good: Server) -> None:
    with pytest.raises(Unproven, match="does not let exporter in") as error:
        probe.memory(good.node, Login("exporter", "wrong"))
    assert error.value.whose is Whose.OURS
    assert "wrong" not in str(error.value)
    with pytest.raises(Unproven, match="may not look") as error:
        probe.keyspace(good.node, EXPORTER, 0, 10)
    assert error.value.whose is Whose.TARGET


def test_a_managed_service_without_config() -> None:
    with (
        running(*LOCKED, "--rename-command", "CONFIG", "") as server,
        pytest.raises(NotRun, match="unknown command"),
    ):
        probe.snapshots(server.node, EXPORTER)


def test_nobody_listens() -> None:
    node = Node("redis-1", fresh_address())
    for measure in (lambda: probe.memory(node, EXPORTER), lambda: answers(node, ("PING",))):
        with pytest.raises(Unproven, match="connection refused") as error:
            measure()
        assert error.value.whose is Whose.TARGET


def test_a_name_that_nobody_has() -> None:
    node = Node("redis-1", "redis-1.golive.invalid")
    for measure in (lambda: probe.memory(node, EXPORTER), lambda: answers(node, ("PING",))):
        with pytest.raises(Unproven) as error:
            measure()
        assert error.value.whose is Whose.NETWORK


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\1\2\r\n"])
def test_garbage_is_no_answer(answer: bytes) -> None:
    with speaking(answer) as node:
        for measure in (lambda: probe.memory(node, EXPORTER), lambda: answers(node, ("PING",))):
            with pytest.raises(Unproven, match="does not answer as Redis does") as error:
                measure()
            assert error.value.whose is Whose.TARGET


def test_an_answer_without_what_redis_says() -> None:
    answer = b"$11\r\nrole:master\r\n"
    with (
        speaking(answer, to=b"INFO\r\n") as node,
        pytest.raises(Unproven, match="INFO replication is not as Redis gives it") as error,
    ):
        probe.replication(node, EXPORTER)
    assert error.value.whose is Whose.TARGET


def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("redis", "redis_access"):
        monkeypatch.setattr(f"golive.probes.{module}.TIMEOUT_S", 0.2)
    with speaking(None) as node:
        for measure in (lambda: probe.memory(node, EXPORTER), lambda: answers(node, ("PING",))):
            with pytest.raises(Unproven, match="no answer within") as error:
                measure()
            assert error.value.whose is Whose.TARGET
