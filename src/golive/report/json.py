"""report.json: what other programs read of a run (its schema stands in DESIGN.md)."""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from golive.checklist import Report

NAME = "report.json"


class ReportFileError(Exception):
    """There is no such report, or it is none of ours."""


@dataclass(frozen=True, kw_only=True)
class _File(Report):
    schema: Literal[1] = 1


_ADAPTER = TypeAdapter(_File)
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: in no UTF-8 file, in some names


def write(report: Report, directory: Path, name: str = NAME) -> Path:
    """Write `report` into `directory` (made if needed), whole or not at all; its path."""
    data = {"schema": 1, **dump(report)}
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    return write_text(directory / name, _SURROGATE.sub(_written_out, text))


def _written_out(found: re.Match[str]) -> str:
    return f"\\\\u{ord(found[0]):04x}"


def dump(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    fields = {name: getattr(report, name) for name in Report.__dataclass_fields__}
    data: dict[str, Any] = _ADAPTER.dump_python(_File(**fields), mode="json")
    return data


def load(data: dict[str, Any]) -> Report:
    """The report of which this is the JSON data. Raises pydantic.ValidationError."""
    file = _ADAPTER.validate_python(data)
    return Report(**{name: getattr(file, name) for name in Report.__dataclass_fields__})


def write_text(path: Path, text: str) -> Path:
    """Write a file, whole or not at all, readable by all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
    return path


def read(directory: Path, name: str = NAME) -> Report:
    """The report in `directory`. Raises ReportFileError."""
    path = directory / name
    try:
        file = _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise ReportFileError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ReportFileError(f"{path}: not a report:\n" + "\n".join(lines)) from None
    return Report(**{name: getattr(file, name) for name in Report.__dataclass_fields__})
