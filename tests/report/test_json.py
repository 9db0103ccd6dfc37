"""report.json is written whole, and read back as it was."""

import json
from datetime import UTC, datetime

import pytest

from golive.checklist import (
    DeviationResult,
    Due,
    Evidence,
    ItemResult,
    Report,
    ScenarioResult,
    Verdict,
)
from golive.outcome import Outcome
from golive.report.json import ReportFileError, read, write

REPORT = Report(
    verdict=Verdict.NO_GO,
    environment="replica",
    release="v1.0.0",
    started=datetime(2025, 4, 5, 12, 30, tzinfo=UTC),
    duration_s=41.5,
    items=(ItemResult("11", "Security", "Sécurité", Outcome.FAILED, ("11_x.feature::s",)),),
    scenarios=(
        ScenarioResult(
            id="11_x.feature::s",
            name="s",
            item="11",
            statements=("NGX-10",),
            blocking=True,
            outcome=Outcome.FAILED,
            reason="expected a\nactual b",
            duration_s=0.5,
            evidence=(Evidence("versions", {"accepted": ["TLSv1.2"], "none": None}),),
        ),
    ),
    due=(Due("NGX-37", "staging"),),
    deviations=(DeviationResult("APP-07", "a laptop", holds=False, measured="2 CPUs"),),
)


def test_round_trip(tmp_path):
    path = write(REPORT, tmp_path / "new" / "directory")
    assert read(path.parent) == REPORT
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]
    assert json.loads(path.read_text())["schema"] == 1
    assert path.stat().st_mode & 0o777 == 0o644


def test_names_added_later_are_ignored(tmp_path):
    path = write(REPORT, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "waivers": []}))
    assert read(tmp_path) == REPORT


def test_a_failed_write_leaves_the_old_report(tmp_path, monkeypatch):
    write(REPORT, tmp_path)

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        write(REPORT, tmp_path)
    assert read(tmp_path) == REPORT
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema: Input should be 1"),
        ({"verdict": "MAYBE"}, "verdict: Input should be"),
        ({"scenarios": [{}]}, "scenarios.0.id: Field required"),
        ({"started": "yesterday"}, "started: Input should be"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path, change, message):
    path = write(REPORT, tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ReportFileError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("text", [None, "", "{", '{"schema": 1}'])
def test_a_missing_or_cut_report_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(ReportFileError, match=r"report\.json"):
        read(tmp_path)
