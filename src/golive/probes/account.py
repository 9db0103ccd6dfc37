"""Make an account, look at what the application makes of it, and remove it again.

Everything is looked at while the account exists, which is about a second: nothing of it is left
when the probe returns, however that ends.
"""

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import Response, Scheme, request
from golive.probes.token import TokenFacts, claims, facts, forge

_REGISTER, _SIGN_IN, _REFRESH = "/api/auth/register", "/api/auth/login", "/api/auth/refresh"
_OWN_DATA = "/api/v1/riders/me/statistics"  # for who is signed in, alone
_DOMAIN = "golive.invalid"  # RFC 2606: nobody gets its mail
_OURS = r"^golive-[0-9a-f]{24}@golive\.invalid$"
_LEFT_OVER = timedelta(minutes=10)  # no audit takes so long
_LENT = r"^golive-load-[0-9a-f]{24}@golive\.invalid$"
_LENT_LEFT_OVER = timedelta(hours=4)  # nor a load test so long
_USERS, _REVOCATIONS = "users", "revocations"
_IDS = ("jti", "session")  # of what the application notes when a token was used, or a session ended
_SYSTEM = {"admin", "config", "local"}
_JSON = ("Content-Type", "application/json")
_MINUTE_S = 60
_WITHIN_MS = 5000
_LATE_S, _POLL_S = 5, 0.1
_SLOW_S = 15  # bcrypt is slow on purpose
_HASH_COST = len("$2b$12$")
_CREATED, _OK = 201, 200

Document = dict[str, Any]


@dataclass(frozen=True)
class Database:
    """MongoDB, as somebody who may read and remove accounts."""

    members: tuple[str, ...]
    user: str
    password: str = field(repr=False)
    roots: Path | None


@dataclass(frozen=True)
class AccountAudit:
    """What one application server made of an account.

    `access` and `refresh` are the tokens of a sign-in, compared with the secrets of the file.
    `answers` has, for each kind of token, the status it was answered with where one must be
    signed in; `refresh_answers` likewise where a session is renewed.
    `databases` are those that have the account, `hash` the first characters of its password's
    hash: kind and cost of bcrypt, nothing of the hash. Empty where no hash was found.
    """

    server: str
    access: TokenFacts
    refresh: TokenFacts
    answers: dict[str, int]
    refresh_answers: dict[str, int]
    databases: tuple[str, ...]
    hash: str


def audit(server: Endpoint, database: Database, access: str, refresh: str) -> AccountAudit:
    """Register at `server` (plain HTTP), sign in, and try tokens, good and forged.

    `access` and `refresh` are the secrets that tokens must be signed with. Raises Unproven where
    an account cannot be made or signed in, where MongoDB cannot be asked, and as ours where the
    account could not be removed: the message then says which it is.
    """
    email = f"golive-{secrets.token_hex(12)}@{_DOMAIN}"
    sign_in = {"email": email, "password": secrets.token_urlsafe(24)}
    with connected(database) as client, _removed(client, email) as made:
        _expect(_post(server, _REGISTER, sign_in), _CREATED)
        made.certainly = True
        tokens = json.loads(_expect(_post(server, _SIGN_IN, sign_in), _OK).body)
        issued, renewing = str(tokens.get("accessToken")), str(tokens.get("refreshToken"))
        made.tokens += [claims(each).get(id_) for each in (issued, renewing) for id_ in _IDS]
        holding = _holding(client, email)
        return AccountAudit(
            server=str(server),
            access=facts(issued, access),
            refresh=facts(renewing, refresh),
            answers={
                kind: _signed_in(server, token).status
                for kind, token in _tokens(issued, renewing, access).items()
            },
            refresh_answers={
                kind: _post(server, _REFRESH, {"refreshToken": token}).status
                for kind, token in _renewing(issued, renewing, refresh).items()
            },
            databases=tuple(holding),
            hash=_hash(next(iter(holding.values()), {})),
        )


@contextlib.contextmanager
def lent(site: Endpoint, database: Database) -> Iterator[tuple[str, str]]:
    """The e-mail address and password of an account that exists as long as the block.

    It is made at the public `site` (HTTPS). Raises Unproven as `audit` does.
    """
    email = f"golive-load-{secrets.token_hex(12)}@{_DOMAIN}"
    password = secrets.token_urlsafe(24)
    with connected(database) as client, _removed(client, email) as made:
        sign_in = {"email": email, "password": password}
        _expect(_post(site, _REGISTER, sign_in, "https"), _CREATED)
        made.certainly = True
        yield email, password


def _tokens(issued: str, renewing: str, secret: str) -> dict[str, str]:
    """What is tried where one must be signed in. The second shows that forging is done right."""
    claimed = claims(issued)
    return {
        "as issued": issued,
        "made with the secret of the file": forge(claimed, secret),
        "expired a minute ago": forge(_expired(claimed), secret),
        "signed with another secret": forge(claimed, secrets.token_hex(32)),
        "not signed": forge(claimed, None),
        "the refresh token": renewing,
    }


def _renewing(issued: str, renewing: str, secret: str) -> dict[str, str]:
    """What is tried where a session is renewed; the good one last, as it is used up."""
    claimed = claims(renewing)
    return {
        "expired a minute ago": forge(_expired(claimed), secret),
        "signed with another secret": forge(claimed, secrets.token_hex(32)),
        "not signed": forge(claimed, None),
        "the access token": issued,
        "as issued": renewing,
    }


def _expired(claimed: dict[str, Any]) -> dict[str, Any]:
    return {**claimed, "exp": int(time.time()) - _MINUTE_S}


def _signed_in(server: Endpoint, token: str) -> Response:
    return request(server, _OWN_DATA, headers=[("Authorization", f"Bearer {token}")], scheme="http")


def _post(server: Endpoint, path: str, body: dict[str, str], scheme: Scheme = "http") -> Response:
    content = json.dumps(body).encode()
    return request(
        server,
        path,
        method="POST",
        headers=[_JSON],
        body=content,
        scheme=scheme,
        timeout_s=_SLOW_S,
    )


def _expect(answer: Response, status: int) -> Response:
    if answer.status != status:
        said = answer.body[:200].decode(errors="replace")
        reason = f"{answer.url} answers {answer.status}, not {status}: {said}"
        raise Unproven(reason, Whose.TARGET)
    return answer


@contextlib.contextmanager
def connected(database: Database) -> Iterator[MongoClient[Document]]:
    """MongoDB, signed in. Raises Unproven where it does not answer, or refuses."""
    with MongoClient[Document](
        list(database.members),
        username=database.user,
        password=database.password,
        authSource="admin",
        tls=True,
        tlsCAFile=None if database.roots is None else str(database.roots),
        serverSelectionTimeoutMS=_WITHIN_MS,
        w="majority",
        wTimeoutMS=_WITHIN_MS,
    ) as client:
        try:
            client.admin.command("ping")
        except PyMongoError as error:
            where = ", ".join(database.members)
            raise Unproven(f"MongoDB at {where}: {error}", Whose.TARGET) from error
        yield client


@dataclass
class _Made:
    """What is to be removed: an account that may come late, and notes of tokens (by id)."""

    certainly: bool = False
    tokens: list[object] = field(default_factory=list)


@contextlib.contextmanager
def _removed(client: MongoClient[Document], email: str) -> Iterator[_Made]:
    """Afterwards no database has the account, nor anything that its tokens left."""
    made = _Made()
    _sweep(client)
    try:
        yield made
    finally:
        until = time.monotonic() + (0 if made.certainly else _LATE_S)
        try:
            while not (holding := _holding(client, email)) and time.monotonic() < until:
                time.sleep(_POLL_S)  # an application that gave no answer may still be writing
            for name, user in holding.items():
                client[name][_REVOCATIONS].delete_many({"_id": {"$in": made.tokens}})
                client[name][_USERS].delete_one({"_id": user["_id"]})
        except (PyMongoError, Unproven) as error:
            reason = f"the account {email} could not be removed, remove it by hand: {error}"
            raise Unproven(reason, Whose.OURS) from error


def _sweep(client: MongoClient[Document]) -> None:
    """Remove what runs left that were killed in the middle."""
    now = datetime.now(UTC)
    left = [
        {"email": {"$regex": pattern}, "createdAt": {"$lt": now - age}}
        for pattern, age in ((_OURS, _LEFT_OVER), (_LENT, _LENT_LEFT_OVER))
    ]
    try:
        for name in databases(client):
            client[name][_USERS].delete_many({"$or": left})
    except PyMongoError as error:
        raise Unproven(f"MongoDB: old accounts of golive: {error}", Whose.TARGET) from error


def databases(client: MongoClient[Document]) -> list[str]:
    """The names of all databases but MongoDB's own."""
    return [name for name in client.list_database_names() if name not in _SYSTEM]


def _holding(client: MongoClient[Document], email: str) -> dict[str, Document]:
    """The account's document in each database that has it."""
    try:
        found = {
            name: client[name][_USERS].find_one({"email": email}) for name in databases(client)
        }
    except PyMongoError as error:
        raise Unproven(f"MongoDB cannot be asked for an account: {error}", Whose.TARGET) from error
    return {name: user for name, user in found.items() if user is not None}


def _hash(user: Document) -> str:
    hashes = [v for v in user.values() if isinstance(v, str) and v.startswith("$2")]
    return hashes[0][:_HASH_COST] if hashes else ""
