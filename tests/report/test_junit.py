"""junit.xml: valid, and what a CI reads of it agrees with the verdict."""

from pathlib import Path

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped

from golive.outcome import Outcome
from golive.report.history import History
from golive.report.junit import render
from golive.report.text import printable
from golive.report.words import Language

from .reports import REPORT, hostile_report, report, scenario

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "junit-10.xsd")


def xml(what=REPORT) -> str:
    return render(printable(what), History(), Language.EN)


@pytest.mark.parametrize("what", [REPORT, hostile_report(), report()])
def test_it_is_valid(what):
    SCHEMA.validate(xml(what))


def test_outcomes():
    (suite,) = JUnitXml.fromstring(xml().encode())
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == (
        "11_security_audit/tls.feature", 5, 1, 1, 2,
    )  # fmt: skip
    results = {case.name: [type(each) for each in case.result] for case in suite}
    assert results == {
        "Only TLS 1.2 and TLS 1.3 are accepted": [Failure],
        "It is stapled": [Error],
        "A burst is refused": [Skipped],
        "The chain is complete": [],
        "No odd curve": [Skipped],  # advisory: a CI is not to refuse what the verdict does not
    }
    reasons = {case.name: case.result[0].message for case in suite if case.result}
    assert reasons["No odd curve"].startswith("advisory, failed: expected: exactly")
    assert {each.name: each.value for each in suite.properties()} == {
        "environment": "replica", "release": "v1.0.0", "verdict": "NO-GO",
        "NGX-10": "Only TLS 1.2 and TLS 1.3 are accepted; It is stapled; A burst is refused",
        "NGX-30": "The chain is complete", "NGX-31": "The chain is complete",
    }  # fmt: skip


def test_steps_and_evidence_are_the_output():
    (suite,) = JUnitXml.fromstring(xml().encode())
    first = next(iter(suite))
    assert first.time == 0.5
    assert first.classname == "11_security_audit.tls"
    assert first.system_out.splitlines() == [
        "statements: NGX-10",
        "at features/11_security_audit/tls.feature:5",
        "         before any step: 1",
        "failed   Then the accepted versions are exactly  [0.2500 s]",
        '         accepted versions: ["TLSv1.1", "TLSv1.2"]',
    ]


def test_hostile_text_comes_back():
    (suite, *_) = JUnitXml.fromstring(xml(hostile_report()).encode())
    assert "<script>alert(1)</script>" in next(iter(suite)).name


def test_sums():
    made = report(*(scenario(f"s{n}", Outcome.UNPROVEN, "x") for n in range(1500)))
    suites = JUnitXml.fromstring(xml(made).encode())
    assert (suites.tests, suites.errors, suites.time) == (1500, 1500, 750)
