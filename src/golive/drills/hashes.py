"""What a MongoDB server holds, in a form that can be compared with another server's."""

from dataclasses import dataclass
from typing import Any

from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database


@dataclass(frozen=True)
class Held:
    """One collection: how many documents, their hash (dbHash), its indexes as JSON, in order."""

    name: str
    documents: int
    md5: str
    indexes: tuple[str, ...]


def held(database: Database[dict[str, Any]]) -> frozenset[Held]:
    """Every collection of a database, without the server's own. Raises PyMongoError."""
    hashes = database.command("dbHash")["collections"]
    return frozenset(
        Held(
            name,
            database[name].count_documents({}),
            md5,
            tuple(sorted(map(json_util.dumps, database[name].list_indexes()))),
        )
        for name, md5 in hashes.items()
        if not name.startswith("system.")
    )


@dataclass(frozen=True)
class Account:
    """A user or a role of its own: the roles that it has, as role@database, and as JSON the
    privileges that it has beside them.
    """

    name: str
    roles: tuple[str, ...]
    privileges: tuple[str, ...]


def accounts(client: MongoClient[dict[str, Any]]) -> frozenset[Account]:
    """Every user of a server and every role that somebody made. Raises PyMongoError."""
    users = client.admin.command("usersInfo", {"forAllDBs": True})["users"]
    roles = client.admin.command("rolesInfo", 1, showPrivileges=True)["roles"]
    return frozenset(
        Account(
            each.get("user") or f"role {each['role']}",
            tuple(sorted(f"{role['role']}@{role['db']}" for role in each["roles"])),
            tuple(sorted(map(json_util.dumps, each.get("privileges", ())))),
        )
        for each in (*users, *roles)
    )
