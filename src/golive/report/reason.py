"""The parts of a reason: what `golive.steps.expectation.require` says, and where it was said."""

import re
from dataclasses import dataclass

_AT = re.compile(r"\nat (?P<file>[^\n]+?):(?P<line>\d+)(?: \((?P<step>[^\n]*)\))?\Z")
_PARTS = ("expected: ", "\n  actual: ", "\n   where: ", "\n    look: ")


@dataclass(frozen=True)
class Reason:
    """`said` is the whole text where it is not an expectation; else it is empty.

    `file` and `line` are the step that failed (None where none had begun), `step` its words.
    """

    said: str
    expected: str = ""
    actual: str = ""
    where: str = ""
    look: str = ""
    file: str | None = None
    line: int | None = None
    step: str = ""


def parse(text: str) -> Reason:
    """Take a reason apart; whatever it is, nothing of it is lost."""
    at = _AT.search(text)
    said = text[: at.start()] if at else text
    place = (at["file"], int(at["line"]), at["step"] or "") if at else (None, None, "")
    rest, found = said, []
    for part in _PARTS:
        before, separator, rest = rest.partition(part)
        if not separator:
            return Reason(said, "", "", "", "", *place)
        found.append(before)
    if found[0]:  # something stands before it
        return Reason(said, "", "", "", "", *place)
    return Reason("", found[1], found[2], found[3], rest, *place)
