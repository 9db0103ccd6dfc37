"""JUnit files, right ones of several writers, and each way of being none."""

from datetime import UTC, datetime

import pytest

from golive.outcome import Unproven
from golive.probes.test_reports import read

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
PYTEST = (
    HEAD + '<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" '
    'skipped="1" tests="4" time="0.1" timestamp="2026-11-22T14:00:00.5+01:00" hostname="ci">'
    '<properties><property name="commit" value="abc" /></properties>'
    '<testcase classname="t" name="good" time="0.0" />'
    '<testcase classname="t" name="bad"><failure message="x">no</failure></testcase>'
    '<testcase classname="t" name="broken"><error message="x">no</error></testcase>'
    '<testcase classname="t" name="later"><skipped type="x" message="y">z</skipped></testcase>'
    "</testsuite></testsuites>"
)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "unit.xml"
        path.write_text(text)
        return path

    return write


def test_a_report_of_pytest(file):
    report = read(file(PYTEST))

    assert (report.commit, report.target, report.ran) == ("abc", None, 3)
    assert report.failed == ("t: bad", "t: broken")
    assert report.skipped == ("t: later",)
    assert report.began == datetime(2026, 11, 22, 13, 0, 0, 500000, tzinfo=UTC)


def test_a_single_suite_is_a_report_and_its_time_is_utc(file):
    text = '<testsuite name="s" timestamp="2026-11-22T14:00:00"><testcase name="a"/></testsuite>'

    report = read(file(text))

    assert (report.ran, report.commit) == (1, None)
    assert report.began == datetime(2026, 11, 22, 14, tzinfo=UTC)


def test_a_suite_that_breaks_outside_of_its_tests_has_failed(file):
    text = (
        '<testsuites><testsuite name="s" timestamp="2026-11-22T14:00:00"><testcase name="a"/>'
        "<error>tear-down</error></testsuite></testsuites>"
    )
    assert read(file(text)).failed == ("s",)


def test_suites_within_suites(file):
    inner = '<testsuite name="i" tests="1"><testcase name="a"/></testsuite>'
    text = f'<testsuite name="o" tests="1" timestamp="2026-11-22T14:00:00Z">{inner}</testsuite>'
    assert read(file(text)).ran == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the test report is empty"),
        (" \n", "the test report is empty"),
        (PYTEST[:-30], "cut off, or no XML"),
        ("all tests passed", "cut off, or no XML"),
        ("<html><body/></html>", "<html> is no test report of JUnit"),
        (PYTEST.replace('tests="4"', 'tests="40"'), "testsuite counts 40 tests and has 4"),
        (PYTEST.replace("timestamp", "when"), "no suite in it says when it was run"),
        (PYTEST.replace("2026-11-22T", "today "), "no time: "),
        (
            PYTEST.replace("</properties>", '<property name="commit" value="d"/></properties>'),
            "several values of the property commit",
        ),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
            + "".join(f'<!ENTITY b{i} "{f"&b{i - 1};" * 9}">' for i in range(1, 12)).replace(
                "&b0;", "&b;"
            )
            + "]><testsuites>&b11;</testsuites>",
            "cut off, or no XML",
        ),
    ],
)
def test_what_is_none(file, text, message):
    with pytest.raises(Unproven) as raised:
        read(file(text))
    assert message in raised.value.reason


def test_no_file(tmp_path):
    with pytest.raises(Unproven, match="No such file"):
        read(tmp_path / "unit.xml")
