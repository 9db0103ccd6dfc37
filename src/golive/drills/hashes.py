"""What a MongoDB database holds, in a form that can be compared with another server's."""

from dataclasses import dataclass
from typing import Any

from bson import json_util
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
