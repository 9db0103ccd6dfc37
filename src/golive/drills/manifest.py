"""What a backup says that it holds: its manifest.json."""

import json
from dataclasses import dataclass
from pathlib import Path

from golive.outcome import Unproven, Whose


@dataclass(frozen=True)
class Collection:
    """One collection; `md5` is what MongoDB's dbHash says of these documents."""

    database: str
    name: str
    documents: int
    indexes: int
    md5: str


@dataclass(frozen=True)
class Manifest:
    """The content of a backup, and its moment, as the oplog has times: second and number in it."""

    seconds: int
    increment: int
    collections: tuple[Collection, ...]


def manifest(directory: Path) -> Manifest:
    """What the backup in `directory` says. Raises Unproven."""
    file = directory / "manifest.json"
    try:
        said = json.loads(file.read_text())
        return Manifest(
            int(said["snapshot"]["seconds"]),
            int(said["snapshot"]["increment"]),
            tuple(
                Collection(*(each[name] for name in Collection.__dataclass_fields__))
                for each in said["collections"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unproven(f"{file}: is no manifest of a backup: {error!r}", Whose.TARGET) from error
