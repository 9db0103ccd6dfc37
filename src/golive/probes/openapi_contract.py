"""Whether the deployment answers as its own description promises (see openapi_cases)."""

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.account import Database, connected, databases
from golive.probes.http import request
from golive.probes.openapi import Operation, description, program

SEED = 1
_REGISTER = "/api/auth/register"
_CREATED = 201
_TIMEOUT_S = 15  # bcrypt is slow on purpose
_COLLECTIONS = ("activities", "tracks")  # what a rider may add to


@dataclass(frozen=True)
class Break:
    """An answer that the description does not promise, and the request that caused it.

    `kind` says what the request was: the description's own example, right or wrong. `check` is
    what schemathesis calls what it looked at (status_code_conformance ...).
    """

    request: str
    kind: str
    check: str
    how: str


@dataclass(frozen=True)
class Asked:
    """An operation as it was asked: how often with which status ("right 200"), and what broke.

    `signed_in`: who asks must be signed in, says the description.
    """

    operation: Operation
    signed_in: bool
    statuses: dict[str, int]
    breaks: tuple[Break, ...]

    def answered(self, kind: str) -> tuple[int, ...]:
        """The statuses that requests of a kind were answered with."""
        return tuple(int(each.split()[1]) for each in self.statuses if each.split()[0] == kind)


@dataclass(frozen=True)
class Requests:
    """What is sent: for each operation its example, and so many right and wrong ones.

    Each operation is asked from another of `sources`; without, one request each `interval_s`.
    """

    right: int
    wrong: int
    sources: tuple[str, ...] = ()
    interval_s: float = 0


def contract(
    endpoint: Endpoint, path: str, requests: Requests, database: Database | None
) -> tuple[Asked, ...]:
    """Ask every operation that the description at `path` has, in its order, and hold it to it.

    Without `database` only what can be read without signing in is asked. With it a rider
    registers, and the database loses him and his doings again. Requests are the same each time.
    Raises Unproven as `request` does; where the document is none, or cannot be made requests of;
    and as ours where something could not be removed.
    """
    document = json.loads(description(endpoint, path).text)
    run = secrets.token_hex(6)
    asked: dict[str, Any] = {
        "document": document,
        "address": endpoint.address,
        "port": endpoint.port,
        "name": endpoint.name,
        "roots": str(endpoint.roots) if endpoint.roots else None,
        "sources": requests.sources,
        "interval_s": requests.interval_s,
        "right": requests.right,
        "wrong": requests.wrong,
        "seed": SEED,
        "run": run,
        "writing": database is not None,
        "token": None,
    }
    if database is None:
        return _seen(program("openapi_cases", asked))
    with _removed(database, run):
        asked["token"] = _registered(endpoint, f"golive-{run}{'f' * 12}@golive.invalid")
        return _seen(program("openapi_cases", asked))


def _seen(answer: list[dict[str, Any]]) -> tuple[Asked, ...]:
    if not answer:
        raise Unproven("no operation was asked: the description has none", Whose.TARGET)
    return tuple(
        Asked(
            Operation(each["path"], each["method"]),
            each["signed_in"],
            each["statuses"],
            tuple(Break(*found) for found in each["broken"]),
        )
        for each in answer
    )


def _registered(endpoint: Endpoint, email: str) -> str:
    """The access token of a new rider."""
    body = json.dumps({"email": email, "password": secrets.token_urlsafe(24)}).encode()
    answer = request(
        endpoint,
        _REGISTER,
        method="POST",
        headers=[("Content-Type", "application/json")],
        body=body,
        timeout_s=_TIMEOUT_S,
    )
    if answer.status != _CREATED:
        reason = f"{answer.url} answers {answer.status}, not {_CREATED}: nobody can sign in"
        raise Unproven(reason, Whose.TARGET)
    return str(json.loads(answer.body)["accessToken"])


@contextlib.contextmanager
def _removed(database: Database, run: str) -> Iterator[None]:
    """Afterwards no database has a rider of this run, nor what he has added."""
    try:
        yield
    finally:
        riders = {"email": {"$regex": rf"^golive-{run}[0-9a-f]{{12}}@golive\.invalid$"}}
        try:
            with connected(database) as client:
                for name in databases(client):
                    ids = [user["_id"] for user in client[name]["users"].find(riders)]
                    for collection in _COLLECTIONS:
                        client[name][collection].delete_many({"riderId": {"$in": ids}})
                    client[name]["users"].delete_many({"_id": {"$in": ids}})
        except (PyMongoError, Unproven) as error:
            reason = f"accounts golive-{run}... could not be removed, remove them by hand: {error}"
            raise Unproven(reason, Whose.OURS) from error
