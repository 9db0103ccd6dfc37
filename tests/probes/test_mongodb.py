import contextlib
import json
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from golive import toolchain
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.mongodb import Login, Member, catch_up, view
from golive.probes.mongodb_access import answers, answers_plain_text, privileges
from golive.probes.mongodb_writes import Issuer, Write, renewals
from golive.replica.authority import Authority

ADMIN = Login("admin", "admin-password")
EXPORTER = Login("exporter", "exporter-password")
APPLICATION = Login("application", "application-password")
DATABASE = "dashboard-velo"
LIST, HELLO = ("admin", '{"listDatabases": 1}'), ("admin", '{"hello": 1}')
MAKE_USER = ("admin", '{"createUser": "none", "roles": []}')
START_TIMEOUT_S = 30
SET = "test"


def fresh_address() -> str:
    return f"127.84.{random.randrange(130, 256)}.{random.randrange(1, 255)}"


@dataclass(frozen=True)
class Mongod:
    member: Member
    process: "subprocess.Popen[bytes]"

    @contextlib.contextmanager
    def client(self, login: Login | None = ADMIN, *, tls: bool = True) -> Iterator[MongoClient]:
        client = MongoClient(
            self.member.address,
            directConnection=True,
            username=login.user if login else None,
            password=login.password if login else None,
            tls=tls or None,
            tlsCAFile=str(self.member.roots) if tls else None,
        )
        with contextlib.closing(client):
            yield client


@contextlib.contextmanager
def mongod(
    directory: Path, authority: Authority, *options: str, name: str = "mongo-1"
) -> Iterator[Mongod]:
    """A mongod with a certificate, on an address of its own; it dies with the tests."""
    directory.mkdir()
    address = fresh_address()
    (directory / "data").mkdir()
    roots = directory / "root.pem"
    authority.write(directory)
    authority.issue([name], [address], client=True).write_combined(directory / "member.pem")
    log = directory / "log"
    command = [
        *("setpriv", "--pdeathsig", "KILL", toolchain.ensure(lambda _: None).mongod),
        *("--dbpath", directory / "data", "--bind_ip", address, "--nounixsocket"),
        *("--tlsCertificateKeyFile", directory / "member.pem", "--tlsCAFile", roots),
        *("--tlsAllowConnectionsWithoutCertificates", "--wiredTigerCacheSizeGB", "0.25"),
        *options,
    ]
    with log.open("w") as output:
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output)
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while "Waiting for connections" not in log.read_text():
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.02)
        yield Mongod(Member(name, address, roots=roots), process)
    finally:
        process.kill()
        process.wait()


def initiate(members: list[Mongod]) -> None:
    """One set of the members, the first of them primary, with its users."""
    hosts = [{"_id": i, "host": f"{m.member.address}:27017"} for i, m in enumerate(members)]
    hosts[0]["priority"] = 5
    with members[0].client(None) as client:
        client.admin.command("replSetInitiate", {"_id": SET, "members": hosts})
        eventually(lambda: client.admin.command("hello")["isWritablePrimary"])
        client.admin.command("createUser", ADMIN.user, pwd=ADMIN.password, roles=["root"])
    users = {EXPORTER: ["clusterMonitor"], APPLICATION: [{"role": "readWrite", "db": DATABASE}]}
    with members[0].client() as client:
        for login, roles in users.items():
            client.admin.command("createUser", login.user, pwd=login.password, roles=roles)
    for member in members[1:]:
        eventually(lambda member=member: view(member.member, EXPORTER).state == "SECONDARY")


def eventually(holds) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        with contextlib.suppress(Unproven, PyMongoError):
            if holds():
                return
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


@pytest.fixture(scope="module")
def members(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[list[Mongod]]:
    """As the stack's: TLS and a user for everyone; a primary and a secondary."""
    directory = tmp_path_factory.mktemp("set")
    key = directory / "keyfile"
    key.write_text("golivekey" * 4)
    key.chmod(0o600)
    options = ("--tlsMode", "requireTLS", "--replSet", SET, "--keyFile", str(key))
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:
        starts = [
            mongod(directory / f"mongo-{i}", authority, *options, name=f"mongo-{i}") for i in (1, 2)
        ]
        started = list(pool.map(stack.enter_context, starts))
        initiate(started)
        yield started


@pytest.fixture(scope="module")
def primary(members: list[Mongod]) -> Mongod:
    return members[0]


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Mongod]:
    """Open to all, with and without TLS; a set of its own."""
    directory = tmp_path_factory.mktemp("careless") / "mongod"
    with mongod(directory, authority, "--tlsMode", "preferTLS", "--replSet", "other") as server:
        with server.client(None) as client:
            host = f"{server.member.address}:27017"
            configuration = {"_id": "other", "members": [{"_id": 0, "host": host}]}
            client.admin.command("replSetInitiate", configuration)
            eventually(lambda: client.admin.command("hello")["isWritablePrimary"])
            client.admin.command("createUser", ADMIN.user, pwd=ADMIN.password, roles=["root"])
        yield server


def test_members_see_each_other_and_themselves(members: list[Mongod]) -> None:
    seen = [view(each.member, EXPORTER) for each in members]
    assert [each.state for each in seen] == ["PRIMARY", "SECONDARY"]
    for each in seen:
        assert [member.state for member in each.members] == ["PRIMARY", "SECONDARY"]
        assert all(member.healthy for member in each.members)
        assert (each.voting, each.majority) == (2, 2)
        assert each.version.startswith("6.0.")
        assert each.features == "6.0"


def test_two_primaries_are_seen(primary: Mongod, careless: Mongod) -> None:
    assert view(primary.member, EXPORTER).state == "PRIMARY"
    assert view(careless.member, ADMIN).state == "PRIMARY"


def test_a_secondary_catches_up(primary: Mongod) -> None:
    with primary.client() as client:
        client[DATABASE].things.insert_one({})
    (seen,) = catch_up(primary.member, EXPORTER, 20)
    assert seen.within_s is not None


def test_a_secondary_that_lags_and_one_in_maintenance(members: list[Mongod]) -> None:
    first, second = members
    with second.client() as client, first.client() as writer:
        client.admin.command("fsync", lock=True)
        try:
            # Locked, it applies nothing. The primary alone acknowledges: the other cannot.
            things = writer[DATABASE].get_collection("things", write_concern=WriteConcern(1))
            things.insert_one({})
            (seen,) = catch_up(first.member, EXPORTER, 0.5)
        finally:
            client.admin.command("fsyncUnlock")
        assert seen.within_s is None
        (healed,) = catch_up(first.member, EXPORTER, 20)
        assert healed.within_s is not None
        client.admin.command("replSetMaintenance", True)
        try:
            assert view(second.member, EXPORTER).state == "RECOVERING"
        finally:
            client.admin.command("replSetMaintenance", False)
        eventually(lambda: view(second.member, EXPORTER).state == "SECONDARY")


def test_a_secondary_that_is_down_is_not_healthy(tmp_path: Path, authority: Authority) -> None:
    key = tmp_path / "keyfile"
    key.write_text("golivekey" * 4)
    key.chmod(0o600)
    options = ("--tlsMode", "requireTLS", "--replSet", SET, "--keyFile", str(key))
    with (
        mongod(tmp_path / "1", authority, *options) as first,
        mongod(tmp_path / "2", authority, *options) as second,
        mongod(tmp_path / "3", authority, *options) as third,
    ):
        initiate([first, second, third])
        third.process.kill()
        third.process.wait()
        eventually(lambda: not view(first.member, EXPORTER).members[2].healthy)
        assert view(first.member, EXPORTER).state == "PRIMARY"
        with pytest.raises(Unproven, match="connection refused"):
            view(third.member, EXPORTER)


def test_nobody_is_served_without_signing_in(members: list[Mongod]) -> None:
    for each in members:
        seen = answers(each.member, None, (LIST, MAKE_USER, HELLO))
        assert [answer.refusal for answer in seen] == ["Unauthorized", "Unauthorized", None]


def test_a_server_open_to_all(careless: Mongod) -> None:
    seen = answers(careless.member, None, (LIST, MAKE_USER))
    assert [answer.refusal for answer in seen] == [None, "BadValue"]


def test_a_member_that_cannot_be_written_to_has_let_nobody_in_or_all(
    tmp_path: Path, authority: Authority, members: list[Mongod]
) -> None:
    assert answers(members[1].member, None, (MAKE_USER,))[0].refusal == "Unauthorized"
    options = ("--tlsMode", "requireTLS", "--replSet", SET)
    with mongod(tmp_path / "open", authority, *options) as server:
        (seen,) = answers(server.member, None, (MAKE_USER,))
    assert seen.refusal == "NotWritablePrimary"


def test_a_server_of_which_nobody_is_a_user_yet(tmp_path: Path, authority: Authority) -> None:
    with mongod(tmp_path / "new", authority, "--tlsMode", "requireTLS", "--auth") as server:
        (seen,) = answers(server.member, None, (MAKE_USER,))
        with server.client(None) as client:  # only as long as there is no user
            client.admin.command("createUser", ADMIN.user, pwd=ADMIN.password, roles=["root"])
        with server.client() as client:
            users = client.admin.command("usersInfo")["users"]
        assert [user["user"] for user in users] == [ADMIN.user]
        assert answers(server.member, None, (MAKE_USER,))[0].refusal == "Unauthorized"
    assert seen.refusal == "BadValue"


def test_plain_text(primary: Mongod, careless: Mongod) -> None:
    assert not answers_plain_text(primary.member)
    assert answers_plain_text(careless.member)


def test_what_users_may(primary: Mongod) -> None:
    application = privileges(primary.member, APPLICATION)
    assert application.roles == {f"readWrite@{DATABASE}"}
    assert {each.database for each in application.grants} == {DATABASE}
    exporter = privileges(primary.member, EXPORTER)
    assert exporter.roles == {"clusterMonitor@admin"}
    assert "the cluster" in {each.database for each in exporter.grants}
    assert not any("insert" in each.actions for each in exporter.grants)
    root = privileges(primary.member, ADMIN)
    assert any("dropDatabase" in each.actions and each.database == "" for each in root.grants)


def test_a_role_more_is_seen(primary: Mongod) -> None:
    grant = {"roles": [{"role": "__system", "db": "admin"}]}
    with primary.client() as client:
        client.admin.command("grantRolesToUser", APPLICATION.user, **grant)
        try:
            seen = privileges(primary.member, APPLICATION)
        finally:
            client.admin.command("revokeRolesFromUser", APPLICATION.user, **grant)
    assert "__system@admin" in seen.roles
    assert "everything" in {each.database for each in seen.grants}


def test_what_a_user_is_refused(primary: Mongod) -> None:
    other = ("golive", '{"listCollections": 1}')
    own = (DATABASE, '{"find": "users", "limit": 1}')
    seen = answers(primary.member, APPLICATION, (other, own))
    assert [each.refusal for each in seen] == ["Unauthorized", None]


@contextlib.contextmanager
def application(primary: Mongod, status: int = 200, **options: object) -> Iterator[Issuer]:
    """An application that writes each token down: with these options of its driver."""
    with MongoClient(
        primary.member.address,
        directConnection=True,
        username=APPLICATION.user,
        password=APPLICATION.password,
        authSource="admin",
        tls=True,
        tlsCAFile=str(primary.member.roots),
        **options,
    ) as client:

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if status == 200 and self.path == "/api/auth/refresh":
                    client[DATABASE].revocations.insert_one({"token": body["refreshToken"]})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        address = fresh_address()
        server = ThreadingHTTPServer((address, 0), Handler)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Issuer(Endpoint(address, server.server_port, "golive.test", None), "secret")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.mark.parametrize(
    ("options", "write"),
    [
        ({"w": "majority", "wTimeoutMS": 3000}, Write("majority", 3000, True)),
        ({"w": "majority"}, Write("majority", None, True)),
        ({"w": 1, "retryWrites": False}, Write(1, None, False)),
        ({}, Write(None, None, True)),
    ],
)
def test_how_an_application_writes(
    primary: Mongod, options: dict[str, object], write: Write
) -> None:
    with application(primary, **options) as first, application(primary, **options) as second:
        assert renewals((first, second), primary.member, ADMIN, DATABASE) == (write, write)
    with primary.client() as client:
        assert client[DATABASE].command("profile", -1)["was"] == 0
        assert "system.profile" not in client[DATABASE].list_collection_names()


def test_an_application_that_renews_nothing(primary: Mongod) -> None:
    with (
        application(primary, status=503) as server,
        pytest.raises(Unproven, match="renews no session: 503") as error,
    ):
        renewals((server,), primary.member, ADMIN, DATABASE)
    assert error.value.whose is Whose.TARGET
    with primary.client() as client:
        assert client[DATABASE].command("profile", -1)["was"] == 0


def test_an_application_that_writes_nothing(primary: Mongod) -> None:
    with (
        application(primary) as server,
        pytest.raises(Unproven, match="0 inserts were seen of 1") as error,
    ):
        renewals((server,), primary.member, ADMIN, "elsewhere")
    assert error.value.whose is Whose.OURS


def test_who_may_not_in_or_not_look(primary: Mongod) -> None:
    with pytest.raises(Unproven, match="does not let exporter in") as error:
        view(primary.member, Login("exporter", "wrong"))
    assert error.value.whose is Whose.OURS
    with pytest.raises(Unproven, match="application may not look") as error:
        view(primary.member, APPLICATION)
    assert error.value.whose is Whose.TARGET
    with pytest.raises(Unproven, match="does not let application in"):
        answers(primary.member, Login("application", "wrong"), (LIST,))


def test_nobody_listens_and_a_name_that_nobody_has() -> None:
    nobody = {fresh_address(): Whose.TARGET, "mongo-1.golive.invalid": Whose.NETWORK}
    for address, whose in nobody.items():
        member = Member("mongo-1", address)
        for measure in (lambda: view(member, EXPORTER), lambda: answers_plain_text(member)):  # noqa: B023
            with pytest.raises(Unproven, match=r"connection refused|cannot connect") as error:
                measure()
            assert error.value.whose is whose


def test_a_member_whose_certificate_nobody_trusts(
    primary: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golive.probes.mongodb.TIMEOUT_S", 0.5)
    member = Member("mongo-1", primary.member.address)
    with pytest.raises(Unproven, match="certificate verify failed") as error:
        view(member, EXPORTER)
    assert error.value.whose is Whose.TARGET


@contextlib.contextmanager
def speaking(answer: bytes | None) -> Iterator[Member]:
    """A server that gives everybody this answer, and to None none at all."""
    address = fresh_address()
    with socket.create_server((address, 27017)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    held.append(connection)
                    if answer is not None:
                        connection.recv(4096)
                        connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield Member("mongo-1", address)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR\r\n", None])
def test_what_is_no_mongodb(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("mongodb", "mongodb_access"):
        monkeypatch.setattr(f"golive.probes.{module}.TIMEOUT_S", 0.5)
    with speaking(answer) as member:
        for measure in (lambda: view(member, EXPORTER), lambda: answers_plain_text(member)):
            with pytest.raises(Unproven) as error:
                measure()
            assert error.value.whose is Whose.TARGET
