"""What a drill is changing, written down before it does: whoever finds it later can undo it.

The journal is locked as long as the drill is alive, so that one which nobody holds is that of a
drill which was killed.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_JOURNAL, _LOCK = "drill.json", "drill.lock"


class BusyError(Exception):
    """Somebody is drilling this replica just now."""


class Journal:
    """The files that a drill changes, with what was in them before."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / _JOURNAL
        self._kept: dict[str, str] = json.loads(self._file.read_text()) if self.exists else {}

    @property
    def exists(self) -> bool:
        """Whether a drill is going on, or was killed."""
        return self._file.exists()

    def begin(self) -> None:
        """From now on the replica may be out of order."""
        making = self._file.with_suffix(".making")
        making.touch(mode=0o600)
        making.write_text(json.dumps(self._kept))
        making.rename(self._file)

    def keep(self, file: Path) -> str:
        """Remember what is in `file`, which is about to be changed; the text."""
        text = file.read_text()
        self._kept.setdefault(str(file), text)
        self.begin()
        return text

    def undo(self) -> list[Path]:
        """Put back what was in the files; those that had been changed."""
        changed = [
            Path(each) for each, text in self._kept.items() if Path(each).read_text() != text
        ]
        for file in changed:
            file.write_text(self._kept[str(file)])
        return changed

    def end(self) -> None:
        """The replica is in order."""
        self._file.unlink()


@contextmanager
def held(directory: Path) -> Iterator[Journal]:
    """The journal of the replica in `directory`, ours alone in the block. Raises BusyError."""
    descriptor = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError("somebody is drilling this replica just now: try again") from error
        yield Journal(directory)
    finally:
        os.close(descriptor)
