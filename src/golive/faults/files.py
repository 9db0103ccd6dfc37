"""Change a file of a replica's host, and put back what was there."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import FaultError, Target


@contextmanager
def edited(replica: Target, host: str, path: str, *edits: tuple[str, str]) -> Iterator[None]:
    """With each (before, after) of `edits` replaced in the host's file `path`.

    The texts are those of the replica's file: paths, addresses and secrets are substituted.
    Raises FaultError unless each `before` is there exactly once and `after` differs from it:
    a fault that changes nothing would prove nothing.
    """
    file = replica.path(host, path)
    text = _read(replica, host, path).decode()
    for before, after in edits:
        if before == after:
            raise FaultError(f"{file}: replaces {before!r} by itself")
        if (found := text.count(before)) != 1:
            raise FaultError(f"{file}: has {before!r} {found} times, where one was expected")
        text = text.replace(before, after)
    with replaced(replica, host, path, text.encode()):
        yield


@contextmanager
def replaced(replica: Target, host: str, path: str, content: bytes) -> Iterator[None]:
    """With `content` in the host's file `path`, which exists (its owner and mode stay).

    Raises FaultError where there is no such file, or it has this content already.
    """
    file = replica.path(host, path)
    original = _read(replica, host, path)
    if original == content:
        raise FaultError(f"{file}: has this content already")
    try:
        file.write_bytes(content)
        yield
    finally:
        file.write_bytes(original)


def _read(replica: Target, host: str, path: str) -> bytes:
    file = replica.path(host, path)
    try:
        return file.read_bytes()
    except OSError as error:
        raise FaultError(f"{file}: cannot be read: {error.strerror}") from error
