"""Read a YAML file into a pydantic model; every error names its file and line, all at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]  # keys and indexes from the root of the file, as in pydantic's errors


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file; `line` and `column` count from 1, None where unknown."""

    path: Path
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """The problem as editors and compilers write it: file:line:column: message."""
        where = [str(self.path), *(str(n) for n in (self.line, self.column) if n is not None)]
        return f"{':'.join(where)}: {self.message}"


class FileError(Exception):
    """A file cannot be read, is not YAML, or does not say what it must."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def read(path: Path, model: type[Model], context: Mapping[str, object] | None = None) -> Model:
    """The file as `model`; `context` goes to the model's validators. Raises FileError."""
    root = _compose(path)
    lines: dict[Place, int] = {(): 1}
    twice = []
    for place, line in _places(root):
        if place in lines:
            message = f"{_dotted(place)}: given twice, first on line {lines[place]}"
            twice.append(Problem(path, message, line))
        lines.setdefault(place, line)
    try:
        data = yaml.SafeLoader("").construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise FileError(_syntax_problem(path, error)) from None
    try:
        value = model.model_validate(data, context=dict(context or {}))
    except ValidationError as error:
        found = [_problem(path, model, lines, e) for e in error.errors(include_url=False)]
        raise FileError(*sorted(twice + found, key=lambda p: p.line or 0)) from None
    if twice:
        raise FileError(*twice)
    return value


def _compose(path: Path) -> yaml.MappingNode:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise FileError(Problem(path, f"cannot be read: {error}")) from None
    except yaml.MarkedYAMLError as error:
        raise FileError(_syntax_problem(path, error)) from None
    if not isinstance(root, yaml.MappingNode):
        raise FileError(Problem(path, "must be a mapping of names to values", 1))
    return root


def _syntax_problem(path: Path, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    at = (mark.line + 1, mark.column + 1) if mark else ()
    return Problem(path, f"not YAML: {error.problem or error.context}", *at)


def _places(
    node: yaml.Node, at: Place = (), above: tuple[yaml.Node, ...] = ()
) -> Iterator[tuple[Place, int]]:
    """Each place in the file with its line; an alias of itself is not followed."""
    if node in above:
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, str(key.value))
            yield place, key.start_mark.line + 1
            yield from _places(value, place, (*above, node))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*at, index), value.start_mark.line + 1
            yield from _places(value, (*at, index), (*above, node))


def _problem(
    path: Path, model: type[BaseModel], lines: Mapping[Place, int], error: ErrorDetails
) -> Problem:
    place: Place = tuple(part for part in error["loc"] if part != "[key]")
    known = place
    while known not in lines:  # what is missing has no line: its parent has
        known = known[:-1]
    message = error["msg"].removeprefix("Value error, ")
    message = re.sub(r"^(Input|String) should", "must", message).removeprefix("Input ")
    if error["type"] == "extra_forbidden":
        names = _names_at(model, place[:-1])
        near = get_close_matches(str(place[-1]), names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(names)}"
        message = f"unknown name; {hint}"
    elif error["type"] == "missing":
        message = "is missing"
    elif not isinstance(error["input"], (dict, list, type(None))):
        message = f"{message}: {error['input']!r}"
    return Problem(path, f"{_dotted(place)}: {message}", lines[known])


def _names_at(model: type[BaseModel], place: Place) -> list[str]:
    """The names that a mapping at `place` may have."""
    here: Any = model
    for part in place:
        if _is_model(here):
            fields = here.model_fields.items()
            here = next(f.annotation for name, f in fields if part in (name, f.alias))
        else:  # the values of a dict, the members of a tuple
            here = next(arg for arg in reversed(get_args(here)) if arg is not Ellipsis)
    return [field.alias or name for name, field in here.model_fields.items()]


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)
