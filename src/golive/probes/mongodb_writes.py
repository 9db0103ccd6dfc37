"""How an application's writes reach MongoDB: what the server saw of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from golive.probes.mongodb import Client, Login, Member, connected


@dataclass(frozen=True)
class Write:
    """One insert, as the primary got it.

    `w` is how many members must acknowledge it, None where the client left it to the server;
    `wtimeout_ms` how long it waits for them, None for ever. `retryable`: it had the number by
    which the server knows it when it comes a second time.
    """

    w: str | int | None
    wtimeout_ms: int | None
    retryable: bool


class Profile:
    """Collects the inserts of one collection while they are profiled."""

    def __init__(self, client: Client, database: str, collection: str) -> None:
        self._profile = client[database]["system.profile"]
        self._collection = collection

    def writes(self) -> tuple[Write, ...]:
        """The inserts until now. Raises Unproven (see `profiled`)."""
        found = self._profile.find({"command.insert": self._collection})
        return tuple(_write(each["command"]) for each in found)


@contextmanager
def profiled(primary: Member, admin: Login, database: str, collection: str) -> Iterator[Profile]:
    """Let the primary's profiler keep inserts into a collection until the block ends.

    What it kept is removed then. It keeps them before they are acknowledged. Raises Unproven.
    """
    inserts = {"op": "insert", "ns": f"{database}.{collection}"}
    with connected(primary, admin) as client:
        _stop(client, database)  # what a killed run left
        try:
            client[database].command("profile", 1, filter=inserts)
            yield Profile(client, database, collection)
        finally:
            _stop(client, database)


def _stop(client: Client, database: str) -> None:
    client[database].command("profile", 0, filter="unset")
    client[database].drop_collection("system.profile")


def _write(command: dict[str, Any]) -> Write:
    concern = command.get("writeConcern", {})
    return Write(concern.get("w"), concern.get("wtimeout") or None, "txnNumber" in command)
