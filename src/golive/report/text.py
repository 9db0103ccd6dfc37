"""Text that came from outside, made fit to be shown: nothing in it acts, nothing is hidden."""

import re
import unicodedata
from datetime import UTC, datetime

from pydantic import JsonValue

from golive.checklist import Report
from golive.report import json

# Besides control characters: what turns the direction of writing round, so that a line reads
# other than it is (CVE-2021-42574), halves of surrogate pairs, and what is no character.
_UNSEEN = "\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"
_ODD = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{_UNSEEN}]")


def visible(text: str) -> str:
    r"""`text`, its control and direction characters written out, such as \x1b or \u202e."""
    text = text.replace("\r\n", "\n")
    return _ODD.sub(lambda found: found[0].encode("unicode-escape").decode("ascii"), text)


def printable(report: Report) -> Report:
    """The report with all its text made `visible`: names, reasons, evidence and its keys."""
    cleaned = _clean(json.dump(report))
    assert isinstance(cleaned, dict)  # noqa: S101 (a dict stays a dict)
    return json.load(cleaned)


def _clean(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {visible(key): _clean(each) for key, each in value.items()}
    return value


def cut(text: str, most: int) -> str:
    """`text`, or its first `most` characters and how many are left out."""
    if len(text) <= most:
        return text
    end = most
    while end and unicodedata.combining(text[end]):  # an accent stays on its letter
        end -= 1
    return f"{text[:end]}… [{len(text) - end:,} more characters in report.json]"


def utc(when: datetime) -> str:
    """An instant in words, to the minute."""
    return f"{when.astimezone(UTC):%F %R} UTC"


def duration(seconds: float) -> str:
    """A time in the largest unit that has a whole number of it: 24 h, 90 s."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def number(value: float, digits: int = 4) -> str:
    """A number to so many significant digits, and never fewer than its whole part has."""
    short = f"{value:.{digits}g}"
    return f"{value:,.0f}" if "e+" in short else short
