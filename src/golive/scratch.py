"""Temporary files of a run: below one directory, which the next run removes where this one cannot.

A killed process removes nothing, but the kernel lets go of its lock: that tells what is left over.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "golive-run-"
_LOCK = "lock"


@contextmanager
def scratch() -> Iterator[Path]:
    """Have the temporary files of this process below a directory, which is gone after the block.

    Removes what killed runs of the same user have left.
    """
    before = tempfile.tempdir
    place = Path(tempfile.gettempdir())
    _sweep(place)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    directory.chmod(0o711)  # servers of other users find what is theirs below it
    fresh = directory / "new"
    with fresh.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh.rename(directory / _LOCK)  # locked already when others see it
        tempfile.tempdir = str(directory)
        try:
            yield directory
        finally:
            tempfile.tempdir = before
            shutil.rmtree(directory, ignore_errors=True)


def _sweep(place: Path) -> None:
    for lock in place.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            if lock.lstat().st_uid != os.getuid():
                continue
            with lock.open() as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:  # its run lives, or has just ended
            continue
