"""The account audit against a real mongod and small applications, right and wrong ones."""

import contextlib
import json
import random
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from golive import toolchain
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.account import Database, audit
from golive.probes.token import TokenFacts, claims, facts, forge
from golive.replica.authority import Authority

ACCESS, REFRESH = "access-" + "a" * 32, "refresh-" + "r" * 32
PASSWORD = "admin-hush"
NAME = "dashboard-velo"
START_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A mongod with TLS and one user; it dies with the tests, even killed ones."""
    directory = tmp_path_factory.mktemp("mongod")
    address = f"127.85.{random.randrange(1, 128)}.{random.randrange(1, 255)}"
    authority = Authority.create()
    authority.issue(["mongo"], [address], client=True).write_combined(directory / "member.pem")
    authority.write(directory)
    log = directory / "log"
    command: list[str | Path] = [toolchain.ensure(lambda _: None).mongod, "--dbpath", directory]
    command += ["--bind_ip", address, "--nounixsocket", "--logpath", log, "--tlsMode", "requireTLS"]
    command += ["--tlsCertificateKeyFile", directory / "member.pem"]
    command += ["--tlsCAFile", directory / "root.pem", "--tlsAllowConnectionsWithoutCertificates"]
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not (log.exists() and "Waiting for connections" in log.read_text()):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        running = Database((f"{address}:27017",), "admin", PASSWORD, directory / "root.pem")
        with connected(running, signed_in=False) as client:
            client.admin.command("createUser", "admin", pwd=PASSWORD, roles=["root"])
        yield running
    finally:
        process.kill()
        process.wait()


def connected(database: Database, *, signed_in: bool = True) -> MongoClient[dict[str, Any]]:
    user = {"username": "admin", "password": PASSWORD} if signed_in else {}
    return MongoClient(
        database.members[0], tls=True, tlsCAFile=str(database.roots), directConnection=True, **user
    )


class Application(BaseHTTPRequestHandler):
    """As the application should do it; what is wrong in a subclass is its name."""

    client: MongoClient[dict[str, Any]]
    databases = (NAME,)
    algorithms: tuple[str, ...] = ("HS256",)
    access, refresh = ACCESS, REFRESH
    life_s = 1800
    hash = "$2b$12$" + "x" * 53
    registers = 201
    expires = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/auth/register":
            for name in self.databases:
                user = {"email": body["email"], "passwordHash": self.hash}
                self.client[name].users.insert_one(user)
            self.answer(self.registers, {})
        elif self.path == "/api/auth/login":
            now = int(time.time())
            self.answer(
                200,
                {
                    "accessToken": forge(
                        {"iat": now, "exp": now + self.life_s, "jti": "access"}, self.access
                    ),
                    "refreshToken": forge(
                        {"iat": now, "exp": now + 604800, "jti": "refresh"}, self.refresh
                    ),
                },
            )
        elif self.path == "/api/auth/refresh":
            token = body["refreshToken"]
            if self.valid(token, self.refresh):
                used = {"_id": claims(token)["jti"]}
                self.client[NAME].revocations.replace_one(used, {}, upsert=True)
                self.answer(200, {})
            else:
                self.answer(401, {})

    def do_GET(self) -> None:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        self.answer(200 if self.valid(token, self.access) else 401, {})

    def valid(self, token: str, secret: str) -> bool:
        seen = facts(token, secret)
        right = seen.algorithm == "none" or seen.signed
        fresh = claims(token)["exp"] > time.time() or not self.expires
        return seen.algorithm in self.algorithms and right and fresh

    def answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextlib.contextmanager
def serving(application: type[Application], database: Database) -> Iterator[Endpoint]:
    with connected(database) as client:
        bound = type("Bound", (application,), {"client": client})
        with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield Endpoint("127.0.0.1", server.server_port, "application.test")
            finally:
                server.shutdown()
                thread.join()


def left(database: Database) -> dict[str, int]:
    """How many documents each collection of accounts has."""
    with connected(database) as client:
        return {
            f"{name}.{collection}": count
            for name in client.list_database_names()
            if name not in ("admin", "config", "local")
            for collection in ("users", "revocations")
            if (count := client[name][collection].count_documents({}))
        }


def test_an_application_that_does_it_right(database: Database):
    with serving(Application, database) as server:
        seen = audit(server, database, ACCESS, REFRESH)
    assert seen.access == TokenFacts("HS256", 1800, signed=True)
    assert seen.refresh == TokenFacts("HS256", 604800, signed=True)
    assert seen.answers == {
        "as issued": 200,
        "made with the secret of the file": 200,
        "expired a minute ago": 401,
        "signed with another secret": 401,
        "not signed": 401,
        "the refresh token": 401,
    }
    assert seen.refresh_answers == {
        "expired a minute ago": 401,
        "signed with another secret": 401,
        "not signed": 401,
        "the access token": 401,
        "as issued": 200,
    }
    assert (seen.databases, seen.hash) == ((NAME,), "$2b$12$")
    assert left(database) == {}


class AcceptsUnsigned(Application):
    algorithms = ("HS256", "none")


class NeverExpires(Application):
    expires = False


class OneSecret(Application):
    refresh = ACCESS


class AnotherSecret(Application):
    access = "another"


@pytest.mark.parametrize(
    ("application", "token", "status"),
    [
        (AcceptsUnsigned, "not signed", 200),
        (NeverExpires, "expired a minute ago", 200),
        (OneSecret, "the refresh token", 200),
        (AnotherSecret, "made with the secret of the file", 401),
    ],
)
def test_a_token_that_is_judged_wrongly_is_seen(
    database: Database, application: type[Application], token: str, status: int
):
    with serving(application, database) as server:
        seen = audit(server, database, ACCESS, REFRESH)
    assert seen.answers[token] == status
    assert left(database) == {}


def test_a_secret_that_is_not_the_files_is_seen(database: Database):
    with serving(AnotherSecret, database) as server:
        seen = audit(server, database, ACCESS, REFRESH)
    assert (seen.access.signed, seen.refresh.signed) == (False, True)


class TwoDatabases(Application):
    databases = (NAME, "other")
    hash = "in plain text"


def test_wherever_the_account_is_it_is_seen_and_removed(database: Database):
    with serving(TwoDatabases, database) as server:
        seen = audit(server, database, ACCESS, REFRESH)
    assert set(seen.databases) == {NAME, "other"}
    assert seen.hash == ""
    assert left(database) == {}


class Fails(Application):
    registers = 500


def test_an_account_that_was_made_though_the_answer_says_not_is_removed(database: Database):
    with serving(Fails, database) as server, pytest.raises(Unproven, match="answers 500, not 201"):
        audit(server, database, ACCESS, REFRESH)
    assert left(database) == {}


def test_what_a_killed_run_left_is_removed_and_nothing_else(database: Database):
    old, now = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC)
    ours = [f"golive-{secrets.token_hex(12)}@golive.invalid" for _ in range(2)]
    accounts = [(ours[0], old), (ours[1], now), ("golive-rider@example.org", old)]
    with connected(database) as client, serving(Application, database) as server:
        users = client[NAME].users
        users.insert_many([{"email": email, "createdAt": at} for email, at in accounts])
        try:
            audit(server, database, ACCESS, REFRESH)
            assert [user["email"] for user in users.find()] == [ours[1], "golive-rider@example.org"]
        finally:
            users.delete_many({})


def test_nothing_is_made_where_it_could_not_be_removed(database: Database):
    with (
        serving(Application, database) as server,
        pytest.raises(Unproven, match="MongoDB at") as error,
    ):
        audit(server, replace(database, password="wrong-hush"), ACCESS, REFRESH)
    assert error.value.whose is Whose.TARGET
    assert "hush" not in str(error.value)
    assert left(database) == {}


def test_neither_secrets_nor_passwords_are_shown(database: Database):
    with serving(Application, database) as server:
        shown = f"{audit(server, database, ACCESS, REFRESH)!r} {database!r}"
    assert not any(secret in shown for secret in (ACCESS, REFRESH, PASSWORD))
