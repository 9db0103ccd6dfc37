"""The verdict in a terminal: everything that matters is in it, at each width."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from golive.checklist import (
    DEVIATION,
    DeviationResult,
    Due,
    Evidence,
    Item,
    Report,
    Scenario,
    ScenarioResult,
    Verdict,
    judge,
)
from golive.outcome import Outcome
from golive.report.progress import Progress
from golive.report.terminal import render

ITEMS = tuple(Item(id=f"{n:02}", title=f"Item {n}", french=f"Point {n}") for n in (1, 2))


def result(name: str, outcome: Outcome, reason: str = "", *, blocking: bool = True):
    id_ = f"01_x.feature::{name}"
    return ScenarioResult(id_, name, "01", ("NGX-31",), blocking, outcome, reason, 0.5)


def report(*results: ScenarioResult) -> Report:
    judgement = judge(results, ITEMS)
    return Report(
        verdict=judgement.verdict,
        environment="replica",
        release="v1.0.0",
        started=datetime(2025, 4, 5, tzinfo=UTC),
        duration_s=41.5,
        items=judgement.items,
        scenarios=results,
        due=(),
        deviations=(),
    )


def rendered(what: Report, width: int = 80, *, colour: bool = False) -> str:
    file = io.StringIO()
    render(what, Console(file=file, width=width, force_terminal=colour), ["report/report.json"])
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    text = rendered(report(result("a " * 60, Outcome.FAILED, "expected " + "x" * 300)), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.count("x") >= 300  # nothing of a message is cut off


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.FAILED, Verdict.NO_GO),
        (Outcome.UNPROVEN, Verdict.INCOMPLETE),
        (Outcome.PASSED, Verdict.INCOMPLETE),
    ],
)
def test_verdict_items_and_reason(outcome, verdict):
    text = rendered(report(result("headers", outcome, "expected a, actual b")))
    last = text[text.index("┏") :]
    assert f" {verdict} " in last
    assert "report/report.json" in last
    assert "replica · v1.0.0 · 1 scenarios: 1 " in last
    assert ("expected a, actual b" in text) is (outcome is not Outcome.PASSED)
    assert "Point 1" in text
    assert "Item 1" in text
    assert "no check yet" in text


def test_scenarios_that_one_reason_keeps_back_are_told_together():
    reason = "nothing listens on 443 (fault of: target)"
    text = rendered(report(*(result(f"s{n}", Outcome.UNPROVEN, reason) for n in range(9))))
    assert text.count(reason) == 1
    assert "s4" in text
    assert "s5" not in text
    assert "and 4 more" in text


def test_every_failure_is_named():
    text = rendered(report(*(result(f"s{n}", Outcome.FAILED, "same") for n in range(9))))
    assert all(f"s{n} " in text for n in range(9))


def test_due_not_run_and_deviations():
    what = replace(
        report(result("burst", Outcome.NOT_RUN, "not permitted in production: burst")),
        due=(Due("NGX-37", "replica"), Due("NGX-43", "replica")),
        deviations=(
            DeviationResult("APP-07", "a laptop", holds=False, measured="expected: a\n  actual: b"),
            DeviationResult("APP-01", "a laptop", holds=True),
            DeviationResult("APP-02", "a laptop"),
        ),
    )
    text = rendered(what)
    assert "NGX-37 NGX-43  due in: replica" in text
    assert "1 not run: not permitted in production: burst" in text
    assert "APP-07  a laptop: expected: a actual: b" in text
    assert "APP-01  a laptop: it holds here: the deviation is not needed" in text
    assert "APP-02  a laptop: not measured" in text


def test_a_deviation_is_told_once():
    excused = replace(
        result("size", Outcome.NOT_RUN, "deviation: a laptop; measured: b"),
        evidence=(Evidence(DEVIATION, "b"),),
    )
    assert "not run: deviation" not in rendered(report(excused))


def test_no_markup_is_taken_from_results():
    assert "[bold]x[/bold]" in rendered(report(result("[red]n", Outcome.FAILED, "[bold]x[/bold]")))


def test_colour_only_for_terminals(monkeypatch):
    what = report(result("a", Outcome.FAILED, "x"))
    assert "\x1b" not in rendered(what)
    assert "\x1b[1;31m" in rendered(what, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in rendered(what, colour=True)


def scenarios(*names: str) -> list[Scenario]:
    return [Scenario(f"01_x.feature::{n}", n, "01_x.feature:1", (), True) for n in names]


def test_progress_without_a_terminal_is_a_line_a_feature():
    file = io.StringIO()
    progress = Progress(Console(file=file, width=80))
    progress.say("starting nginx")
    progress.begin(scenarios("a", "b"))
    for name in ("a", "b"):
        progress.running(f"01_x.feature::{name}")
        progress.ended(result(name, Outcome.PASSED))
    progress.end()
    progress.end()
    assert file.getvalue() == "starting nginx\n01_x.feature  2 passed  1.0 s\n"


def test_progress_tells_what_was_not_reached():
    file = io.StringIO()
    progress = Progress(Console(file=file, width=80))
    progress.begin(scenarios("a", "b"))
    progress.ended(result("a", Outcome.FAILED))
    progress.end()
    assert file.getvalue() == "01_x.feature  1 failed  0.5 s, 1 not reached\n"


def test_progress_in_a_terminal_is_one_line_that_goes_away():
    file = io.StringIO()
    progress = Progress(Console(file=file, width=40, force_terminal=True))
    progress.begin(scenarios("a", "b"))
    progress.running("01_x.feature::a long name of a scenario that does not fit into the line")
    progress.end()
    text = file.getvalue()
    assert "0 of 2" in text
    assert text.count("\n") <= 1
    assert text.endswith(("\x1b[2K", "\x1b[?25h"))
