"""The record of a watch is judged: none, one that goes on, one that has ended in each way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from golive.gate.evidence import EvidenceLog
from golive.outcome import NotRun, Unproven
from golive.steps.watch import was_watched
from golive.watch.files import file_of, write
from golive.watch.record import Before, Look, Record, Release, Verdict

BEGAN = datetime(2025, 4, 5, 12, tzinfo=UTC)


RELEASE = Release(tag="v1.2.0", commit="a" * 40)


def judge(directory: Path) -> None:
    config: Any = SimpleNamespace(getoption={"report_dir": directory}.get)
    environment: Any = SimpleNamespace(name="production")
    path = Path("releases/v1.2.0.yaml")
    release: Any = SimpleNamespace(path=path, record=RELEASE)
    was_watched(release, environment, config, EvidenceLog(), 24)


def recorded(
    directory: Path, verdict: Verdict | None, hours: float = 24, release: Release = RELEASE
) -> None:
    ends = BEGAN + timedelta(hours=24)
    record = Record(
        environment="production",
        release=release,
        released_at=BEGAN,
        began=BEGAN,
        ends=ends,
        every_s=60,
        before=Before(seconds=0),
        looks=(Look(at=BEGAN + timedelta(hours=hours)),),
        verdict=verdict,
        reasons=("why",),
    )
    write(record, file_of(directory, "production"))


@pytest.mark.parametrize(
    "other",
    [Release(tag="v1.1.0", commit="a" * 40), Release(tag="v1.2.0", commit="b" * 40)],
)
def test_the_watch_of_another_release_says_nothing_of_this_one(tmp_path: Path, other: Release):
    recorded(tmp_path, Verdict.GO, release=other)
    with pytest.raises(NotRun, match=r"another release: .* --release releases/v1\.2\.0\.yaml"):
        judge(tmp_path)


def test_a_watch_that_ended_with_go_passes(tmp_path: Path):
    recorded(tmp_path, Verdict.GO)
    judge(tmp_path)


@pytest.mark.parametrize(("verdict", "hours"), [(Verdict.NO_GO, 24), (Verdict.GO, 1)])
def test_a_breach_and_a_short_watch_fail(tmp_path: Path, verdict: Verdict, hours: float):
    recorded(tmp_path, verdict, hours)
    with pytest.raises(AssertionError, match="expected: GO, after 24 h"):
        judge(tmp_path)


def test_without_a_watch_it_is_due(tmp_path: Path):
    with pytest.raises(
        NotRun, match=r"golive watch --environment production --release releases/.* --for 24h"
    ):
        judge(tmp_path)


def test_a_watch_that_goes_on_is_due(tmp_path: Path):
    recorded(tmp_path, None)
    with pytest.raises(NotRun, match="goes on until 2025-04-06 12:00 UTC"):
        judge(tmp_path)


def test_a_watch_that_saw_too_little_proves_nothing(tmp_path: Path):
    recorded(tmp_path, Verdict.INCOMPLETE)
    with pytest.raises(Unproven, match="why"):
        judge(tmp_path)


def test_a_file_that_is_no_record_proves_nothing(tmp_path: Path):
    file_of(tmp_path, "production").write_text("{")
    with pytest.raises(Unproven, match="no record of a watch"):
        judge(tmp_path)
