"""Let a drill break a replica, and bring it back to order: at once, or when it was killed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.replica.journal import Journal, held
from golive.replica.order import remove_written, restore
from golive.replica.reload import reload
from golive.replica.restart import server


@contextmanager
def drilling(directory: Path) -> Iterator[Journal]:
    """The replica in `directory` may be broken in the block; it is in order again after it.

    Where we are killed, the journal tells `heal`. Raises BusyError, RestartError, ReloadError.
    """
    with held(directory) as journal:
        journal.begin()
        try:
            yield journal
        finally:
            _heal(directory, journal)


def heal(directory: Path) -> float:
    """Bring the replica to order that a killed drill has left; the seconds that took.

    Raises BusyError while a drill is going on, RestartError or ReloadError where it cannot.
    """
    began = time.monotonic()
    with held(directory) as journal:
        if journal.exists:  # nobody else has healed it meanwhile
            _heal(directory, journal)
    return time.monotonic() - began


def _heal(directory: Path, journal: Journal) -> None:
    changed = journal.undo()
    restore(directory)
    remove_written(directory)
    if changed:
        reload(directory / "hosts/edge", server(directory, "edge").pid)
    journal.end()
