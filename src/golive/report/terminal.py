"""A report as text in a terminal: what is wrong, the items, what is due, the verdict."""

from collections.abc import Iterable, Sequence

from rich.box import HEAVY
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from golive.checklist import DEVIATION, DeviationResult, ItemResult, Report, ScenarioResult, Verdict
from golive.outcome import Outcome
from golive.report.history import Turned
from golive.report.text import utc

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.UNPROVEN: "bold yellow",
    Outcome.NOT_RUN: "cyan",
}
_VERDICT_STYLES = {
    Verdict.GO: "bold green",
    Verdict.NO_GO: "bold red",
    Verdict.INCOMPLETE: "bold yellow",
}
_ALIKE = 5  # scenarios that are named where one reason keeps many from being measured
_TURNED = 20  # of those that turned red, how many are named
_WIDE = 110  # columns from which on both titles of an item stand in one line


def render(
    report: Report,
    console: Console,
    files: Iterable[str] = (),
    turned: Sequence[Turned] = (),
) -> None:
    """Print `report`; `files` are where it was written, `turned` what has turned red."""
    for outcome in (Outcome.UNPROVEN, Outcome.FAILED):  # the worst last, nearest to the verdict
        for reason, results in _by_reason(report.scenarios, outcome).items():
            console.print(_trouble(outcome, reason, results))
    render_items(report, console)
    parts = (*_elsewhere(report), *_turned(turned), *_waivers(report), *_sources(report))
    for part in parts:
        console.print(part)
    render_verdict(report, console, files)


def render_items(report: Report, console: Console) -> None:
    """Print how each item of the checklist stands."""
    console.print(_heading("Checklist de mise en production", "go-live checklist"))
    console.print(_items(report, wide=console.width >= _WIDE))


def render_verdict(report: Report, console: Console, files: Iterable[str] = ()) -> None:
    """Print the verdict."""
    console.print(_verdict(report, files))


def counts(results: Iterable[ScenarioResult]) -> Text:
    """How many ended how, the worst first: `1 failed, 4 passed`."""
    outcomes = [result.outcome for result in results]
    parts = [
        (f"{outcomes.count(outcome)} {outcome}", STYLES[outcome])
        for outcome in (Outcome.FAILED, Outcome.UNPROVEN, Outcome.NOT_RUN, Outcome.PASSED)
        if outcome in outcomes
    ]
    return Text(", ").join(Text(*part) for part in parts)


def _by_reason(
    results: Iterable[ScenarioResult], outcome: Outcome
) -> dict[str, list[ScenarioResult]]:
    """Results that ended so, together where one reason is behind several."""
    grouped: dict[str, list[ScenarioResult]] = {}
    for result in results:
        if result.outcome is outcome:
            grouped.setdefault(result.reason, []).append(result)
    return grouped


def _trouble(outcome: Outcome, reason: str, results: Sequence[ScenarioResult]) -> RenderableType:
    shown = results if outcome is Outcome.FAILED else results[:_ALIKE]
    table = Table.grid(padding=(0, 1))
    table.add_column(width=9)
    table.add_column(overflow="fold")  # an expected value is never cut off
    for result in shown:
        line = Text(result.name, "bold")
        if not result.blocking:
            line.append("  (advisory)", "dim")
        if result.waived:
            line.append(f"  (waived {result.waived})", STYLES[Outcome.UNPROVEN])
        if result.statements:
            line.append(f"  {' '.join(result.statements)}", "cyan")
        table.add_row(Text(outcome.upper(), STYLES[outcome]), line)
    if more := len(results) - len(shown):
        table.add_row("", Text(f"and {more} more", "bold"))
    table.add_row("", Text(reason))
    return Group(Text(), table)


def _heading(french: str, english: str) -> RenderableType:
    return Group(Text(), Rule(Text.assemble((french, "bold"), (f"  {english}", "dim"))))


def _items(report: Report, *, wide: bool) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), expand=True)
    table.add_column(width=2)
    table.add_column(ratio=1)
    if wide:
        table.add_column(ratio=1, style="dim")
    table.add_column(no_wrap=True)
    for item in report.items:
        number = item.id if item.id.isdecimal() else ""
        outcome = Text(f"{item.outcome.upper():<8}", STYLES[item.outcome])
        proof = Text(_proof(report, item), "dim")
        if wide:
            table.add_row(number, item.french, item.title, Text("  ").join([outcome, proof]))
        else:
            titles = Group(item.french, Text(item.title, "dim"))
            table.add_row(number, titles, Group(outcome, proof))
    return table


def _proof(report: Report, item: ItemResult) -> str:
    """How many scenarios are behind the item's outcome."""
    results = [r for r in report.scenarios if r.item == item.id and r.counts]
    alike = sum(r.outcome is item.outcome for r in results)
    return f"{alike} of {len(results)}" if results else "no check yet"


def _elsewhere(report: Report) -> Iterable[RenderableType]:
    if report.due:
        yield _heading("Reste à prouver ailleurs", "still due elsewhere")
        wheres = dict.fromkeys(due.where for due in report.due)
        for where in wheres:
            ids = " ".join(due.statement for due in report.due if due.where == where)
            yield Text.assemble(f" {ids}", (f"  due in: {where}", "cyan"))
    untried = [r for r in report.scenarios if DEVIATION not in {e.what for e in r.evidence}]
    for reason, results in _by_reason(untried, Outcome.NOT_RUN).items():
        yield Text(f" {len(results)} not run: {reason}", "dim")
    if report.deviations:
        yield _heading("Écarts déclarés", "declared deviations")
        for deviation in report.deviations:
            yield _deviation(deviation)


def _deviation(deviation: DeviationResult) -> Text:
    found = {
        True: ("it holds here: the deviation is not needed", STYLES[Outcome.UNPROVEN]),
        False: (" ".join(deviation.measured.split()), "dim"),
        None: ("not measured", "dim"),
    }[deviation.holds]
    return Text.assemble((f" {deviation.statement}", "cyan"), f"  {deviation.why}: ", found)


def _waivers(report: Report) -> Iterable[RenderableType]:
    if report.waivers:
        yield _heading("Dérogations", "waivers")
    for each in report.waivers:
        found: tuple[str, str] = ("waives nothing here", "dim")
        if each.unused:
            found = ("unused: all that it names passes", STYLES[Outcome.FAILED])
        elif each.scenarios:
            found = (f"fails, and does not count: {'; '.join(each.scenarios)}", "bold yellow")
        about = f"  {each.reason} ({each.role}, until {each.expires}): "
        yield Text.assemble((f" {each.of}", "cyan"), about, found)


def _sources(report: Report) -> Iterable[RenderableType]:
    if report.sources:
        yield _heading("Réuni de", "joined from")
    for each in report.sources:
        about = f"  {utc(each.started)}, signed by {' and '.join(each.signers)}"
        verdict = (f" {each.verdict}", _VERDICT_STYLES[each.verdict])
        digest = (f"  {each.sha256[:16]}…", "dim")
        yield Text.assemble(verdict, f"  {each.environment}", about, digest)


def _turned(turned: Sequence[Turned]) -> Iterable[RenderableType]:
    if turned:
        yield _heading("Passés au rouge", "turned red since they were last run")
    for each in turned[:_TURNED]:
        yield Text.assemble(
            (f" {each.result.outcome}", STYLES[each.result.outcome]),
            f"  {each.result.name}",
            (f"  {each.before} on {utc(each.when)}", "dim"),
        )
    if (more := len(turned) - _TURNED) > 0:
        yield Text(f" and {more} more", "bold")


def _verdict(report: Report, files: Iterable[str]) -> RenderableType:
    style = _VERDICT_STYLES[report.verdict]
    about = [report.environment, *([report.release] if report.release else [])]
    facts = Text.assemble(
        f"{' · '.join(about)} · {len(report.scenarios)} scenarios: ",
        counts(report.scenarios),
        f" · {report.duration_s:.1f} s",
    )
    parts = [Text(f" {report.verdict} ", f"{style} reverse"), facts]
    if waived := sum(bool(result.waived) for result in report.scenarios):
        parts.append(Text(f"waived, and failing: {waived}", STYLES[Outcome.UNPROVEN]))
    if waiting := [i.id for i in report.items if i.outcome is Outcome.UNPROVEN]:
        parts.append(Text(f"unproven items: {' '.join(waiting)}", STYLES[Outcome.UNPROVEN]))
    if where := list(files):
        parts.append(Text("  ".join(where), "dim"))
    return Group(Text(), Panel(Group(*parts), box=HEAVY, border_style=style, padding=(0, 2)))
