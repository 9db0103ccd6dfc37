"""The last runs are remembered, and what turned red since is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from golive.outcome import Outcome
from golive.report import history
from golive.report.history import KEEP, History, keep, read, turned_red

from .reports import REPORT, report, scenario


def run(days: int, *results, environment: str = "replica"):
    started = REPORT.started + timedelta(days=days)
    return report(*results, started=started, environment=environment)


def test_the_last_runs_are_kept_without_their_evidence(tmp_path):
    for day in range(KEEP + 3):
        keep(replace(REPORT, started=REPORT.started + timedelta(days=day)), tmp_path)
    found = read(run(99), tmp_path)
    assert len(found.runs) == KEEP
    assert found.runs[0].started - found.runs[-1].started == timedelta(days=KEEP - 1)
    assert found.unread == ()
    assert not any(result.evidence for result in found.runs[0].scenarios)
    assert [r.outcome for r in found.runs[0].scenarios] == [r.outcome for r in REPORT.scenarios]


def test_only_earlier_runs_of_this_environment_are_compared(tmp_path):
    for each in (run(0), run(1, environment="staging"), run(2), run(3)):
        keep(each, tmp_path)
    assert [each.started.day for each in read(run(2), tmp_path).runs] == [5]


def test_what_cannot_be_read_is_told(tmp_path):
    keep(run(0), tmp_path)
    (tmp_path / history.DIRECTORY / "odd.json").write_text("{")
    found = read(run(1), tmp_path)
    assert len(found.runs) == 1
    assert "odd.json: not a report" in found.unread[0]


def test_nothing_is_remembered_at_first(tmp_path):
    assert read(REPORT, tmp_path) == History()


@pytest.mark.parametrize(
    ("before", "now", "turned"),
    [
        (Outcome.PASSED, Outcome.FAILED, True),
        (Outcome.PASSED, Outcome.UNPROVEN, True),
        (Outcome.NOT_RUN, Outcome.FAILED, True),
        (Outcome.FAILED, Outcome.FAILED, False),
        (Outcome.UNPROVEN, Outcome.FAILED, False),
        (Outcome.PASSED, Outcome.PASSED, False),
    ],
)
def test_turned_red(before, now, turned):
    past = History((run(0, scenario("a", before)),))
    assert [t.before for t in turned_red(run(1, scenario("a", now)), past)] == [before] * turned


def test_runs_for_which_it_was_not_chosen_do_not_count():
    not_chosen = scenario("a", Outcome.UNPROVEN, "not chosen for this run", duration_s=0)
    past = History((run(1, not_chosen), run(0, scenario("a", Outcome.PASSED))))
    (turned,) = turned_red(run(2, scenario("a", Outcome.FAILED)), past)
    assert turned.when.day == 5
    assert turned_red(run(2, not_chosen), past) == ()


def test_new_and_advisory_scenarios_do_not_turn():
    past = History((run(0, scenario("b", Outcome.PASSED)),))
    assert turned_red(run(1, scenario("a", Outcome.FAILED)), past) == ()
    assert turned_red(run(1, scenario("b", Outcome.FAILED, blocking=False)), past) == ()
