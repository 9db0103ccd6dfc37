"""Test reports in JUnit's XML, of whichever runner."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from golive.outcome import Unproven, Whose


@dataclass(frozen=True)
class TestReport:
    """What a report says. `ran` counts the tests that were not skipped; names are `class: test`.

    `commit` and `target` are its properties of these names: the sources that were tested, and
    what they were run against; None where it does not say. `began` is its earliest timestamp.
    """

    path: Path
    commit: str | None
    target: str | None
    began: datetime
    ran: int
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


def read(path: Path) -> TestReport:
    """The report in a file. Raises Unproven where it is missing, cut off, or not one."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise Unproven(f"{path}: {error.strerror}", Whose.TARGET) from error
    return parse(text, path)


def parse(text: bytes, path: Path) -> TestReport:
    """The report of this text, from `path`. Raises Unproven."""
    if not text.strip():
        raise Unproven(f"{path}: the test report is empty", Whose.TARGET)
    try:
        root = ET.fromstring(text)  # noqa: S314 (expat limits the expansion of entities)
    except ET.ParseError as error:
        raise Unproven(f"{path}: cut off, or no XML: {error}", Whose.TARGET) from error
    if root.tag not in ("testsuites", "testsuite"):
        raise Unproven(f"{path}: <{root.tag}> is no test report of JUnit", Whose.TARGET)
    cases = list(root.iter("testcase"))
    for each in (root, *_suites(root)):
        held = sum(1 for _ in each.iter("testcase"))
        if each.get("tests", str(held)) != str(held):
            reason = f"{path}: {each.tag} counts {each.get('tests')} tests and has {held}"
            raise Unproven(reason, Whose.TARGET)
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = [case for case in cases if {"failure", "error"} & {part.tag for part in case}]
    # A suite can break outside of its tests, before the first or after the last.
    broken = [suite for suite in _suites(root) if suite.find("error") is not None]
    return TestReport(
        path,
        _property(root, path, "commit"),
        _property(root, path, "target"),
        _began(root, path),
        len(cases) - len(skipped),
        tuple(_name(each) for each in (*failed, *broken)),
        tuple(_name(each) for each in skipped),
    )


def _suites(root: ET.Element) -> list[ET.Element]:
    return list(root.iter("testsuite"))


def _name(element: ET.Element) -> str:
    names = (element.get("classname"), element.get("name"))
    return ": ".join(name for name in names if name)


def _property(root: ET.Element, path: Path, name: str) -> str | None:
    values = {e.get("value") for e in root.iter("property") if e.get("name") == name}
    if len(values) > 1:
        reason = f"{path}: several values of the property {name}: {', '.join(map(str, values))}"
        raise Unproven(reason, Whose.TARGET)
    return values.pop() if values else None


def _began(root: ET.Element, path: Path) -> datetime:
    stamps = [text for each in _suites(root) if (text := each.get("timestamp"))]
    try:
        times = [datetime.fromisoformat(stamp) for stamp in stamps]
    except ValueError as error:
        raise Unproven(f"{path}: no time: {error}", Whose.TARGET) from error
    if not times:
        raise Unproven(f"{path}: no suite in it says when it was run", Whose.TARGET)
    # JUnit's own timestamps have no zone: its writers mean UTC.
    return min(t if t.tzinfo else t.replace(tzinfo=UTC) for t in times)
