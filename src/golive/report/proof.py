"""A proof as text in a terminal: a line a fault while it goes on, then what is shown by whom."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from golive.checklist import ScenarioResult
from golive.proof import Proof, Trial


def line(trial: Trial) -> str:
    """One fault: whether it is proven, its name, the statement, what turned red, seconds."""
    how = "[green]proven[/green]" if trial.proven else "[bold red]WRONG[/bold red] "
    what = trial.breaks.partition("\n\n")[0].replace("\n", " ")
    red = "; ".join(_name(id_) for id_ in trial.red) or "nothing"
    text = escape(f"{trial.fault}: {what} Red: {red}. {trial.duration_s:.1f} s")
    return "\n".join([f"{how} {text}", *(f"       {escape(each)}" for each in trial.problems)])


def reasons(trial: Trial, seen: Mapping[str, ScenarioResult]) -> Iterable[str]:
    """What the scenarios that turned red said, and those that should have ended otherwise."""
    surprising = (id_ for id_ in seen if any(each.endswith(id_) for each in trial.problems))
    for id_ in dict.fromkeys((*trial.red, *surprising)):
        yield from (f"       {escape(each)}" for each in seen[id_].reason.splitlines())


def render(proof: Proof, console: Console) -> None:
    """Print which fault shows which scenario able to fail, and what is not shown."""
    faults: dict[str, list[str]] = {}
    for trial in proof.trials:
        for id_ in trial.red if trial.proven else ():
            faults.setdefault(id_, []).append(trial.fault)
    table = Table(title="What is proven", title_justify="left")
    for column in ("scenario", "can fail: shown by"):
        table.add_column(column, overflow="fold")
    for id_ in dict.fromkeys([*proof.expected, *faults]):
        shown = escape(", ".join(faults.get(id_, ())))
        table.add_row(escape(id_), shown or "[bold red]NO FAULT[/bold red]")
    console.print(table)
    if proof.left_out:
        console.print("Slow, so run only with faults that claim them or their neighbours:")
        for id_ in proof.left_out:
            console.print(f"  {escape(id_)}")
    wrong = sum(not trial.proven for trial in proof.trials)
    console.print(
        f"{'[green]PROVEN' if proof.complete else '[bold red]NOT PROVEN'}[/]: "
        f"{len(proof.trials)} faults, {wrong} of them wrong; {len(proof.expected)} scenarios to "
        f"prove, {len(proof.unproven)} of them without a fault; {proof.duration_s:.0f} s"
    )


def _name(id_: str) -> str:
    return id_.partition("::")[2]
