"""Write to MongoDB all the time, and remember what was acknowledged, and when.

Each write is one transaction on two collections, the first and the last that a backup comes to:
a backup that is not of one moment has halves.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bson.timestamp import Timestamp
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from golive.outcome import Unproven, Whose

FIRST, LAST = "a_golive_drill", "z_golive_drill"  # in the order of names
_THREADS = 2
_WITHIN_S = 30.0
_PAUSE_S = 0.02  # between two writes: there are others on this machine
_POLL_S = 0.005

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Acknowledged:
    """A write: it came into effect after `after` (None: not known) and not after `at`.

    Both are times of the cluster, as its oplog has them.
    """

    number: int
    after: Timestamp | None
    at: Timestamp


@dataclass
class Writer:
    """Writes in threads of its own; `acknowledged` grows meanwhile."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    error: PyMongoError | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def more(self, count: int) -> None:
        """Return when `count` more are acknowledged. Raises Unproven."""
        wanted = len(self.acknowledged) + count
        until = time.monotonic() + _WITHIN_S
        while len(self.acknowledged) < wanted:
            if self.error is not None or time.monotonic() > until:
                raise Unproven(f"writes are not acknowledged: {self.error}", Whose.TARGET)
            time.sleep(_POLL_S)

    def _write(self, client: Client, database: str, thread: int) -> None:
        number, before = thread, None
        collections = [client[database][name] for name in (FIRST, LAST)]
        try:
            while not self._stopped.wait(_PAUSE_S):
                with client.start_session() as session:
                    with session.start_transaction(write_concern=WriteConcern("majority")):
                        for collection in collections:
                            collection.insert_one({"_id": number}, session=session)
                    at = session.operation_time
                if at is None:
                    raise PyMongoError("a commit without a time")
                self.acknowledged.append(Acknowledged(number, before, at))
                number, before = number + _THREADS, at
        except PyMongoError as error:
            self.error = error


@contextmanager
def writing(client: Client, database: str) -> Iterator[Writer]:
    """Write until the end of the block; then what was written is removed again."""
    writer = Writer()
    threads = [
        threading.Thread(target=writer._write, args=(client, database, number), daemon=True)
        for number in range(_THREADS)
    ]
    try:
        for name in (FIRST, LAST):
            client[database].drop_collection(name)  # what a killed run left
            client[database].create_collection(name)
        for each in threads:
            each.start()
        yield writer
    finally:
        writer._stopped.set()
        for each in threads:
            if each.ident is not None:
                each.join()
        for name in (FIRST, LAST):
            client[database].drop_collection(name)
