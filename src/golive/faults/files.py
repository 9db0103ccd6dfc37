"""Change a file of a replica's host, of its stack or its release, and put back what was there."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from golive.faults.fault import FaultError, Target


def edited(
    replica: Target, host: str, path: str, *edits: tuple[str, str]
) -> AbstractContextManager[None]:
    """With each (before, after) of `edits` replaced in the host's file `path`.

    The texts are those of the replica's file: paths, addresses and secrets are substituted.
    Raises FaultError as `edited_file` does.
    """
    return edited_file(replica.path(host, path), *edits)


def replaced(replica: Target, host: str, path: str, content: bytes) -> AbstractContextManager[None]:
    """With `content` in the host's file `path`, which exists (its owner and mode stay).

    Raises FaultError where there is no such file, or it has this content already.
    """
    return _replaced(replica.path(host, path), content)


@contextmanager
def edited_file(file: Path, *edits: tuple[str, str]) -> Iterator[None]:
    """With each (before, after) of `edits` replaced in a file.

    Raises FaultError unless each `before` is there exactly once and `after` differs from it:
    a fault that changes nothing would prove nothing.
    """
    text = _read(file).decode()
    for before, after in edits:
        if before == after:
            raise FaultError(f"{file}: replaces {before!r} by itself")
        if (found := text.count(before)) != 1:
            raise FaultError(f"{file}: has {before!r} {found} times, where one was expected")
        text = text.replace(before, after)
    with _replaced(file, text.encode()):
        yield


@contextmanager
def _replaced(file: Path, content: bytes) -> Iterator[None]:
    original = _read(file)
    if original == content:
        raise FaultError(f"{file}: has this content already")
    try:
        file.write_bytes(content)
        yield
    finally:
        file.write_bytes(original)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FaultError(f"{file}: cannot be read: {error.strerror}") from error
