"""report.sarif: valid SARIF 2.1.0 that leads to the line of the feature."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from golive.report.history import History
from golive.report.sarif import render
from golive.report.text import printable
from golive.report.words import Language

from .reports import REPORT, hostile_report, report

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.4.json").read_text())


def sarif(what=REPORT):
    return json.loads(render(printable(what), History(), Language.EN))


@pytest.mark.parametrize("what", [REPORT, hostile_report(), report()])
def test_it_is_valid(what):
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(sarif(what))] == []


def test_results_and_their_places():
    (run,) = sarif()["runs"]
    rules = run["tool"]["driver"]["rules"]
    found = [
        (
            rules[each["ruleIndex"]]["shortDescription"]["text"],
            each["level"],
            each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            each["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for each in run["results"]
    ]
    feature = "features/11_security_audit/tls.feature"
    assert found == [
        ("Only TLS 1.2 and TLS 1.3 are accepted", "error", feature, 6),
        ("It is stapled", "warning", "x.feature", 9),
        ("No odd curve", "note", feature, 6),
    ]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert "NGX-10: Statement NGX-10" in rules[0]["help"]["text"]


def test_fingerprints_last_and_differ():
    first, second = (
        [each["partialFingerprints"]["scenario/v1"] for each in sarif()["runs"][0]["results"]]
        for _ in range(2)
    )
    assert first == second
    assert len(set(first)) == 3
