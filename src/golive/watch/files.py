"""The file of a watch: read, written whole, put aside; and only one watch writes it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from golive.replica.control import free_lock
from golive.report.json import write_text
from golive.watch.record import Record


class RecordError(Exception):
    """The file of a watch cannot be read, or is another watch's; nothing was changed."""


def file_of(directory: Path, environment: str) -> Path:
    """Where the record of an environment's last watch is."""
    return directory / f"watch-{environment}.json"


def read(path: Path) -> Record | None:
    """The record in a file; None where there is no file. Raises RecordError."""
    try:
        return Record.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        if isinstance(error, ValidationError):
            first = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RecordError(f"{path}: no record of a watch ({first[:300]}); move it away") from error


def write(record: Record, path: Path) -> None:
    """Write the whole record, or nothing of it."""
    write_text(path, record.model_dump_json(indent=1))


def put_aside(record: Record, path: Path) -> Path:
    """Give the file of a record, and its page, a name of their own; the file's."""
    tag = re.sub(r"[^\w.-]", "-", record.release.tag)
    name = f"{path.stem}-{tag}-{record.began:%Y%m%dT%H%M%S}"
    taken = {each.stem for each in path.parent.glob(f"{name}*.json")}
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    free = path.with_name(f"{next(n for n in (name, *numbered) if n not in taken)}.json")
    if (page := path.with_suffix(".html")).exists():
        page.replace(free.with_suffix(".html"))
    path.replace(free)
    return free


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only watch that writes this file, until the block ends. Raises RecordError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with free_lock(path.with_name(f".{path.stem}.lock")) as free:
        if free is None:
            raise RecordError(f"{path}: another watch writes it just now; nothing was done")
        yield
