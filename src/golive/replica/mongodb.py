"""Make a replica set of the MongoDB members: initiate it, elect the first, add the users.

Everything is done as the members' own internal user, who signs in with the key file.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

_POLL_S = 0.02
_ALREADY_INITIALIZED = 23  # MongoDB error code AlreadyInitialized

Client = AsyncMongoClient[dict[str, Any]]


class MemberError(Exception):
    """The members could not be made into a replica set with its users."""


async def form_replica_set(
    members: list[str], directory: Path, key: str, root: Path, within_s: float
) -> None:
    """Initiate the set of `members` (address:port) as replica-set.json in `directory` says.

    Returns once the first member is primary, all others are secondaries, and the users of
    users.json exist on all of them. Raises MemberError.
    """
    clients = [_connect(member, key, root) for member in members]
    try:
        async with asyncio.timeout(within_s):
            await _initiate(clients[0], json.loads((directory / "replica-set.json").read_text()))
            await _elect(clients)
            for user in json.loads((directory / "users.json").read_text()):
                await clients[0].admin.command(
                    "createUser",
                    user["user"],
                    pwd=user["password"],
                    roles=user["roles"],
                    writeConcern={"w": len(clients)},
                )
    except (TimeoutError, PyMongoError) as error:
        states = ", ".join(await asyncio.gather(*map(_state, clients)))
        raise MemberError(
            f"MongoDB made no replica set within {within_s:g} s: {error or 'no majority'}.\n"
            f"Members: {states}"
        ) from error
    finally:
        await asyncio.gather(*(client.close() for client in clients))


def _connect(member: str, key: str, root: Path) -> Client:
    return AsyncMongoClient(
        member,
        directConnection=True,
        username="__system",
        password=key,
        authSource="local",
        tls=True,
        tlsCAFile=str(root),
        serverSelectionTimeoutMS=10_000,
    )


async def _initiate(first: Client, configuration: dict[str, Any]) -> None:
    try:
        await first.admin.command("replSetInitiate", configuration)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise


async def _elect(clients: list[Client]) -> None:
    """Let the first member stand for election as soon as it can, not at the timeout's end."""
    first = clients[0]
    asked = False
    while True:
        roles = [_role(await client.admin.command("hello")) for client in clients]
        if roles == ["primary"] + ["secondary"] * (len(clients) - 1):
            return
        if roles == ["secondary"] * len(clients) and not asked:
            await first.admin.command("replSetStepUp", skipDryRun=True)
            asked = True
        await asyncio.sleep(_POLL_S)


def _role(hello: dict[str, Any]) -> str:
    if hello.get("isWritablePrimary"):
        return "primary"
    return "secondary" if hello.get("secondary") else "starting"


async def _state(client: Client) -> str:
    try:
        async with asyncio.timeout(1):
            return _role(await client.admin.command("hello"))
    except (TimeoutError, PyMongoError) as error:
        return f"no answer ({error})"
