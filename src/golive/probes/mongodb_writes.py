"""How an application's writes reach MongoDB: what the primary saw of them."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.probes.mongodb import Client, Login, Member, connected
from golive.probes.token import forge

_REFRESH, _OK = "/api/auth/refresh", 200
_REVOCATIONS, _PROFILE = "revocations", "system.profile"
_VALID_S = 60


@dataclass(frozen=True)
class Issuer:
    """An application server (plain HTTP), and the secret of its refresh tokens."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Write:
    """One insert of the application, as the primary got it.

    `w` is how many members must acknowledge it, None where the client left it to the server;
    `wtimeout_ms` how long it waits for them, None for ever. `retryable`: it had the number by
    which the server knows it when it comes a second time.
    """

    w: str | int | None
    wtimeout_ms: int | None
    retryable: bool


def renewals(
    servers: tuple[Issuer, ...], primary: Member, admin: Login, database: str
) -> tuple[Write, ...]:
    """Renew a session of nobody on each of `servers`: each writes down the token it used up.

    So no account is made, and no password hashed. What others renew meanwhile is among the
    writes. What was written down is removed again. Raises Unproven.
    """
    tokens = {server: f"golive-{secrets.token_hex(12)}" for server in servers}
    with connected(primary, admin) as client, _profiled(client, database):
        try:
            for server, token in tokens.items():
                _renew(server, token)
            writes = _kept(client, database)
        finally:
            client[database][_REVOCATIONS].delete_many({"_id": {"$in": [*tokens.values()]}})
    if len(writes) < len(servers):
        reason = f"{primary}: {len(writes)} inserts were seen of {len(servers)}"
        raise Unproven(reason, Whose.OURS)
    return writes


@contextmanager
def _profiled(client: Client, database: str) -> Iterator[None]:
    """Let the profiler keep inserts of used tokens; what it kept is removed afterwards."""
    inserts = {"op": "insert", "ns": f"{database}.{_REVOCATIONS}"}
    _stop(client, database)  # what a killed run left
    try:
        client[database].command("profile", 1, filter=inserts)
        yield
    finally:
        _stop(client, database)


def _stop(client: Client, database: str) -> None:
    client[database].command("profile", 0, filter="unset")
    client[database].drop_collection(_PROFILE)


def _renew(server: Issuer, token: str) -> None:
    """Use up a refresh token of this id. Raises Unproven where the server does not take it."""
    now = int(time.time())
    claims = {"session": token, "sub": token, "jti": token, "iat": now, "exp": now + _VALID_S}
    answer = request(
        server.endpoint,
        _REFRESH,
        method="POST",
        headers=[("Content-Type", "application/json")],
        body=json.dumps({"refreshToken": forge(claims, server.secret)}).encode(),
        scheme="http",
    )
    if answer.status != _OK:
        said = answer.body[:200].decode(errors="replace")
        reason = f"{answer.url} renews no session: {answer.status} {said}"
        raise Unproven(reason, Whose.TARGET)


def _kept(client: Client, database: str) -> tuple[Write, ...]:
    """The inserts until now: the profiler has each before the client has its answer."""
    commands = (each["command"] for each in client[database][_PROFILE].find())
    return tuple(_write(each) for each in commands if each.get("insert") == _REVOCATIONS)


def _write(command: dict[str, Any]) -> Write:
    concern = command.get("writeConcern", {})
    return Write(concern.get("w"), concern.get("wtimeout") or None, "txnNumber" in command)
