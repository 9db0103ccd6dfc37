"""The directory where golive keeps what it installs once and finds again without the network."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """The cache directory, made where it is missing, readable by its owner only.

    $GOLIVE_CACHE, else $XDG_CACHE_HOME/golive, else ~/.cache/golive. Relative values of
    XDG_CACHE_HOME are ignored, as the XDG Base Directory Specification asks.
    """
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    default = (xdg if xdg.is_absolute() else Path.home() / ".cache") / "golive"
    directory = Path(os.environ.get("GOLIVE_CACHE") or default).absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on `file` (made if missing); the kernel frees it if we are killed."""
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def entry(name: str, make: Callable[[Path], None]) -> Path:
    """The directory `name` of the cache; where it is missing, `make(directory)` fills it first.

    All or nothing: it is filled under a temporary name and renamed, so that a killed or
    failed `make` leaves no entry. Of several callers at once, one makes it, the rest wait.
    """
    target = root() / name
    if target.is_dir():
        return target
    with locked(root() / f".{name}.lock"):
        if target.is_dir():
            return target
        for abandoned in root().glob(f".{name}.making-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=f".{name}.making-", dir=root()))
        try:
            make(making)
            making.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return target
