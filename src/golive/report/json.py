"""report.json: what other programs read of a run (its schema stands in DESIGN.md)."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from golive.checklist import Report

NAME = "report.json"


class ReportFileError(Exception):
    """There is no such report, or it is none of ours."""


@dataclass(frozen=True, kw_only=True)
class _File(Report):
    schema: Literal[1] = 1


_ADAPTER = TypeAdapter(_File)


def write(report: Report, directory: Path) -> Path:
    """Write `report` into `directory` (made if needed), whole or not at all; its path."""
    fields = {name: getattr(report, name) for name in Report.__dataclass_fields__}
    data = {"schema": 1, **_ADAPTER.dump_python(_File(**fields), mode="json")}
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / NAME
    handle, name = tempfile.mkstemp(dir=directory, prefix=f".{NAME}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)
            file.write("\n")
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
    return path


def read(directory: Path) -> Report:
    """The report in `directory`. Raises ReportFileError."""
    path = directory / NAME
    try:
        file = _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise ReportFileError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ReportFileError(f"{path}: not a report:\n" + "\n".join(lines)) from None
    return Report(**{name: getattr(file, name) for name in Report.__dataclass_fields__})
