"""report.sarif: what blocks, at the lines of the features (SARIF 2.1.0, OASIS).

A rule is a scenario; its help is the statements that it claims. Failed is an error, unproven a
warning; what is red and advisory is a note.
"""

import json
from datetime import UTC, timedelta
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from golive.checklist import Report, ScenarioResult
from golive.outcome import Outcome
from golive.report import reason
from golive.report.history import History
from golive.report.words import Language

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Outcome.FAILED: "error", Outcome.UNPROVEN: "warning"}
Object = dict[str, Any]


def render(report: Report, _history: History, _language: Language) -> str:
    """The run as SARIF."""
    started = report.started.astimezone(UTC)
    ended = started + timedelta(seconds=report.duration_s)
    statements = {each.id: f"{each.id}: {each.statement}" for each in report.statements}
    driver = {
        "name": "golive",
        "version": version("golive"),
        "rules": [_rule(each, statements) for each in report.scenarios],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"golive/{report.environment}/"},
        "invocations": [
            {
                "executionSuccessful": True,
                "startTimeUtc": f"{started:%Y-%m-%dT%H:%M:%SZ}",
                "endTimeUtc": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
            }
        ],
        "originalUriBaseIds": {
            "%SRCROOT%": {"description": {"text": "The root of the repository."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(each, index)
            for index, each in enumerate(report.scenarios)
            if each.outcome in _LEVELS
        ],
        "properties": {"verdict": report.verdict, "release": report.release},
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _rule(result: ScenarioResult, statements: dict[str, str]) -> Object:
    claims = [statements.get(id_, id_) for id_ in result.statements]
    text = "\n".join(claims) or "Claims no statement of the document."
    return {
        "id": result.id,
        "shortDescription": {"text": result.name},
        "fullDescription": {"text": text},
        "help": {"text": f"{text}\nScenario: {result.where or result.id}"},
        "defaultConfiguration": {"level": "error" if result.blocking else "note"},
        "properties": {
            "tags": [f"item-{result.item}", *result.statements],
            "precision": "very-high",
        },
    }


def _result(result: ScenarioResult, index: int) -> Object:
    return {
        "ruleId": result.id,
        "ruleIndex": index,
        "kind": "fail",
        "level": _LEVELS[result.outcome] if result.counts else "note",
        **({"suppressions": [_suppression(result)]} if result.waived else {}),
        "message": {"text": _literal(f"{result.name}: {result.outcome}\n{result.reason}")},
        "locations": [_location(result)],
        "partialFingerprints": {"scenario/v1": sha256(result.id.encode()).hexdigest()},
        "properties": {"outcome": result.outcome, "blocking": result.blocking},
    }


def _suppression(result: ScenarioResult) -> Object:
    """A waiver (SARIF 2.1.0, 3.35): somebody accepts it, outside of the code."""
    return {"kind": "external", "justification": _literal(result.waived)}


def _location(result: ScenarioResult) -> Object:
    """The step that failed; else the scenario; else its file."""
    told = reason.parse(result.reason)
    file, _, line = result.where.rpartition(":")
    if told.file:
        file, line = told.file, str(told.line)
    file = file or result.id.partition("::")[0]
    artifact = {"uri": quote(file), "uriBaseId": "%SRCROOT%"}
    if file.startswith("/"):  # features from elsewhere
        artifact = {"uri": f"file://{quote(file)}"}
    place: Object = {"artifactLocation": artifact}
    if line.isdecimal() and int(line):
        place["region"] = {"startLine": int(line)}
    return {
        "physicalLocation": place,
        "logicalLocations": [{"fullyQualifiedName": result.id, "kind": "member"}],
    }


def _literal(text: str) -> str:
    """Braces stand for themselves (SARIF 2.1.0, 3.11.5: they mark placeholders)."""
    return text.replace("{", "{{").replace("}", "}}")
