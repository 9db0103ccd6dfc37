"""The verifiable statements of the production document, by id (`features/statements.tsv`)."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Statement:
    """One thing that the document promises.

    `kind` is how it is shown: probe, host, static, drill, load, item or signoff. `quote` is the
    document's own wording.
    """

    id: str
    kind: str
    statement: str
    quote: str


class StatementsError(Exception):
    """The list of statements cannot be read."""


def load(path: Path) -> dict[str, Statement]:
    """The statements by id, in the file's order. Raises StatementsError with file and line."""
    columns = [field.name for field in fields(Statement)]
    statements: dict[str, Statement] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if next(rows, None) != columns:
                raise StatementsError(f"{path}:1: the columns must be {', '.join(columns)}")
            for row in rows:
                where = f"{path}:{rows.line_num}"
                if len(row) != len(columns) or not all(row):
                    raise StatementsError(f"{where}: {len(columns)} filled columns are needed")
                if row[0] in statements:
                    raise StatementsError(f"{where}: {row[0]} stands there twice")
                statements[row[0]] = Statement(*row)
    except (OSError, UnicodeDecodeError) as error:
        raise StatementsError(f"{path}: cannot be read: {error}") from None
    if not statements:
        raise StatementsError(f"{path}: no statement in it")
    return statements
