"""What the members of a MongoDB replica set say of it and of themselves; nothing is written."""

import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from golive.outcome import Unproven, Whose

PORT = 27017
TIMEOUT_S = 3.0  # for each wait on the network: the connection, then each answer
_POLL_S = 0.02
_AUTHENTICATION_FAILED, _UNAUTHORIZED = 18, 13  # error_codes.yml of MongoDB

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Member:
    """Where a member is, how people call it, and whom its certificate must come from.

    `roots` is a PEM file of trusted roots; None: the system's.
    """

    name: str
    address: str
    port: int = PORT
    roots: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.address}:{self.port})"


@dataclass(frozen=True)
class Login:
    """Whom to sign in as, known to the database admin."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """A member as replSetGetStatus of another (or of itself) gives it."""

    name: str
    state: str
    healthy: bool


@dataclass(frozen=True)
class View:
    """What one member says: its own state and version, and how it sees all.

    `features` is the release whose features and files it uses (featureCompatibilityVersion).
    `voting` and `majority` count the members that vote, and those that a decision needs.
    """

    state: str
    version: str
    features: str
    members: tuple[Seen, ...]
    voting: int
    majority: int


@dataclass(frozen=True)
class CatchUp:
    """How a member came to have what the primary had when it was asked.

    `within_s` is how long that took, None where it did not in time; `behind_s` is the lag by the
    times of the last entries, in whole seconds, None where the member gives none.
    """

    name: str
    within_s: float | None
    behind_s: float | None


@contextmanager
def connected(
    member: Member, login: Login | None, timeout_s: float = TIMEOUT_S
) -> Iterator[Client]:
    """A client of this member alone, over TLS, signed in or (None) not.

    Each wait on the network has an end after `timeout_s`.
    Raises Unproven for whatever goes wrong inside.
    """
    _require_listening(member)
    client: Client = MongoClient(
        member.address,
        member.port,
        directConnection=True,
        username=login.user if login else None,
        password=login.password if login else None,
        tls=True,
        tlsCAFile=str(member.roots) if member.roots else None,
        serverSelectionTimeoutMS=int(timeout_s * 1000),
        connectTimeoutMS=int(timeout_s * 1000),
        socketTimeoutMS=int(timeout_s * 1000),
        retryReads=False,
    )
    try:
        yield client
    except (PyMongoError, ConfigurationError) as error:
        raise _reason(member, login, error) from error
    finally:
        client.close()


def connect(member: Member) -> socket.socket:
    """Open a TCP connection. Raises Unproven: no answer at all is told from a wrong one."""
    try:
        return socket.create_connection((member.address, member.port), TIMEOUT_S)
    except ConnectionRefusedError as error:
        raise Unproven(f"{member}: connection refused, nothing listens", Whose.TARGET) from error
    except OSError as error:
        raise Unproven(f"{member}: cannot connect: {error}", Whose.NETWORK) from error


def _require_listening(member: Member) -> None:
    connect(member).close()


def _reason(member: Member, login: Login | None, error: PyMongoError) -> Unproven:
    who = login.user if login else "nobody"
    if isinstance(error, OperationFailure) and error.code == _AUTHENTICATION_FAILED:
        return Unproven(f"{member}: does not let {who} in", Whose.OURS)
    if isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
        reason = f"{member}: {who} may not look: {error.args[0]}"
        return Unproven(reason.partition(", full error")[0], Whose.TARGET)
    said = re.split(r" \(configured timeouts|, Timeout: |, full error", str(error))[0]
    return Unproven(f"{member}: no answer as MongoDB gives it over TLS: {said}", Whose.TARGET)


def view(member: Member, login: Login) -> View:
    """What the member says of itself and of the others. Raises Unproven."""
    with connected(member, login) as client:
        status = client.admin.command("replSetGetStatus")
        version = client.admin.command("buildInfo")["version"]
        compatible = client.admin.command("getParameter", featureCompatibilityVersion=1)
    try:
        members = tuple(
            Seen(each["name"], each["stateStr"], each["health"] == 1) for each in status["members"]
        )
        own = next(each["stateStr"] for each in status["members"] if each.get("self"))
        features = compatible["featureCompatibilityVersion"]["version"]
        voting, majority = status["votingMembersCount"], status["majorityVoteCount"]
    except (KeyError, StopIteration) as error:
        reason = f"{member}: replSetGetStatus is not as MongoDB gives it: {error!r}"
        raise Unproven(reason, Whose.TARGET) from error
    return View(own, version, features, members, voting, majority)


def primary_of(members: Iterable[Member], login: Login) -> Member:
    """The member that says it is the primary. Raises Unproven where none does."""
    for member in members:
        with suppress(Unproven):
            if view(member, login).state == "PRIMARY":
                return member
    raise Unproven("no MongoDB member says that it is the primary", Whose.TARGET)


def catch_up(primary: Member, login: Login, within_s: float) -> tuple[CatchUp, ...]:
    """How long each other member takes to have what the primary has now. Raises Unproven.

    The lag by times alone would be false: a primary that has been idle writes now, and for
    a moment its secondaries are as far behind as it was idle.
    """
    began = time.monotonic()
    with connected(primary, login) as client:
        others, here = _applied(client)
        caught: dict[str, float] = {}
        while True:
            elapsed = time.monotonic() - began
            for each in others:
                if each["name"] not in caught and each["optime"]["ts"] >= here["optime"]["ts"]:
                    caught[each["name"]] = elapsed
            if len(caught) == len(others) or elapsed > within_s:
                break
            time.sleep(_POLL_S)
            others, _ = _applied(client)
    return tuple(
        CatchUp(
            each["name"],
            round(caught[each["name"]], 3) if each["name"] in caught else None,
            (here["optimeDate"] - each["optimeDate"]).total_seconds(),
        )
        for each in others
    )


def _applied(client: Client) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The other members that hold data, and this one, with what each has applied."""
    members = client.admin.command("replSetGetStatus")["members"]
    others = [each for each in members if not each.get("self") and "optime" in each]
    return others, next(each for each in members if each.get("self"))
