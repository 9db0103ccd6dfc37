"""`golive load`: run a profile, say how it goes, judge it by the features' values, keep it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from golive import environment as environments
from golive.environment import Environment, EnvironmentFileError, Kind
from golive.load import compare, files, judgement, knee, profile, target, thresholds
from golive.load.confidence import Answer, looks
from golive.load.explain import explain
from golive.load.lines import Line, judged
from golive.load.measure import Measured, Request, measure
from golive.load.run import Fleet, serve
from golive.load.samples import Samples
from golive.load.thresholds import Thresholds
from golive.outcome import Unproven
from golive.replica.control import ReplicaError

FEATURES = Path("features")
_GRACE_S = 3  # after a stage, until it is looked at: some of its answers are still to come
ERRORS = (
    EnvironmentFileError,
    ReplicaError,
    profile.ProfileError,
    target.RefusedError,
    thresholds.ThresholdsError,
    compare.CompareError,
)
"""Why a load test could not run, in words."""

_STATUS = {Answer.BELOW: 0, Answer.ABOVE: 1, Answer.OPEN: 3}
_SHOWN = {
    Answer.BELOW: "[green]holds",
    Answer.ABOVE: "[bold red]does not hold",
    Answer.OPEN: "[yellow]unproven",
}


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    profile: str
    environment: str
    report_dir: Path
    replica: int | None
    processes: int
    workers: int | None
    worker: bool
    master_host: str
    master_port: int
    yes: bool
    accept: bool

    def fleet(self) -> Fleet:
        """Who generates the load."""
        if self.workers is None:
            return Fleet(self.processes)
        return Fleet(self.workers, (self.master_host, self.master_port))


def main(options: Options, say: Callable[[str], None]) -> int:
    """Run it, print and write what came of it; the exit status. Raises ERRORS."""
    console = Console(highlight=False, soft_wrap=True)
    asked = thresholds.read(FEATURES)
    visit, chosen = profile.named(options.profile)
    environment = environments.load(options.environment)
    target.check(environment, yes=options.yes)
    with _up(environment, options.replica, say) as here:
        if options.worker:
            return _work(here, chosen, visit, options, say)
        if target.one_client(here):
            say(
                f"all people are one client to {here.name}: no more than its pace of "
                f"{here.pace:g} requests a second, and its limits are what is measured"
            )
        request = Request(here.name, here, options.profile, chosen, visit, options.fleet())
        watch = _Progress(console, chosen, asked).watch
        try:
            measured = measure(request, watch)
        except Unproven as error:
            console.print(f"[yellow]unproven[/]: {escape(str(error))}")
            return _STATUS[Answer.OPEN]
    lines = judged(measured, asked)
    before = compare.accepted(request)
    if before is not None and measured.run.samples.count():
        found = compare.compared(before, measured.run.samples)
        answer = Answer.ABOVE if found.slower else Answer.BELOW
        lines.append(Line("no slower than the last accepted run", answer, found.sentence()))
    render(measured, lines, console)
    for path in files.write(measured, lines, options.report_dir):
        console.print(f"  {path}", style="dim")
    if options.accept:
        console.print(f"accepted: {compare.accept(measured)}")
    answers = {line.answer for line in lines}
    worst = next(a for a in (Answer.ABOVE, Answer.OPEN, Answer.BELOW) if a in answers)
    return _STATUS[worst]


def show_profiles() -> None:
    """List them. Raises ProfileError."""
    console = Console(highlight=False, soft_wrap=True)
    for name, each in profile.read()[1].items():
        minutes, seconds = divmod(sum(stage.seconds for stage in each.stages), 60)
        most = max(stage.rate or stage.users or 0 for stage in each.stages)
        what = "requests/s" if each.stages[0].rate else "users"
        console.print(f"{name:<10} {minutes}:{seconds:02} min, up to {most:g} {what}: {each.why}")


def _work(
    environment: Environment,
    chosen: profile.Profile,
    visit: int,
    options: Options,
    say: Callable[[str], None],
) -> int:
    """Generate load for a master; it says when, and how much."""
    say(f"waiting for the master at {options.master_host}:{options.master_port} ...")
    with target.account(environment, None) as account:
        plan = target.plan(environment, chosen, visit, account)
        return serve(plan, options.master_host, options.master_port)


def _up(
    environment: Environment, replica: int | None, say: Callable[[str], None]
) -> AbstractContextManager[Environment]:
    if environment.kind is Kind.DEPLOYED or environment.stack is None:
        return nullcontext(environment)
    if environment.kind is Kind.COMPOSE:
        from golive.compose.attach import attach, attach_or_start
    else:
        from golive.replica.attach import attach, attach_or_start
    if replica is not None:
        return nullcontext(attach(environment, replica, say))
    return attach_or_start(environment, environment.stack, say)


class _Progress:
    """Says each second how it goes, and ends the run when its outcome is certain."""

    def __init__(self, console: Console, chosen: profile.Profile, asked: Thresholds) -> None:
        self._console = console
        self._knee = asked if chosen.find_knee else None
        self._early = early = asked if chosen.stop_early else None
        self._said = -1
        self._every = 1 if console.is_terminal else 5
        self._looks = looks(early.errors_percent / 100, early.risk) if early else None
        self._next = next(self._looks) if self._looks else None

    def watch(self, samples: Samples) -> bool:
        """Whether the run may end."""
        second = int(samples.elapsed_s)
        if second // self._every > self._said // self._every:
            self._said = second
            self._console.print(_how(samples, second), style="dim")
        if self._knee is not None:
            return knee.find(samples, self._knee, second - _GRACE_S).broken is not None
        return self._certain(samples)

    def _certain(self, samples: Samples) -> bool:
        """Looked at when samples have doubled, each time with less of the risk."""
        if self._early is None or self._next is None or self._looks is None:
            return False
        at, risk = self._next
        if samples.count() < at:
            return False
        self._next = next(self._looks)
        found = [
            judgement.errors(samples, self._early.errors_percent, risk),
            *(
                judgement.response(samples, each.percent, each.limit_ms, [each.stage], risk)
                for each in self._early.responses
                if samples.count([each.stage])
            ),
        ]
        answers = {each.answer for each in found}
        return answers == {Answer.BELOW} or Answer.ABOVE in answers


def _how(samples: Samples, second: int) -> str:
    stage = samples.plan.stage_at(second)
    last = [each for each in samples if second - 5 <= each.second < second]
    slow = sorted(each.latency for each in last)
    p95 = f"p95 {slow[int(0.95 * len(slow))] / 1000:.0f} ms" if slow else "no answer yet"
    bad = sum(1 for each in last if each.kind)
    name = stage.name if stage else "ending"
    return f"{second:5} s  {name:<10}  {len(last) / 5:6.1f}/s  {p95}  {bad} errors"


def render(measured: Measured, lines: list[Line], console: Console) -> None:
    """The stages, the thresholds, and why something does not hold."""
    samples = measured.run.samples
    table = Table(
        "stage", "asked", "requests", "a second", "p50", "p95", "p99", "longest", "errors"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for stage in samples.plan.stages:
        found = samples.latencies([stage.name])
        asked = f"{stage.rate:g}/s" if stage.rate else f"{stage.users} users"
        times = found.percentiles_ms([50, 95, 99])
        table.add_row(
            stage.name if stage.measured else f"({stage.name})",
            asked,
            str(found.count),
            f"{found.count / stage.seconds:.1f}",
            *("-" if each is None else f"{each:.0f} ms" for each in (*times, found.most_ms())),
            str(samples.errors([stage.name]).total()),
        )
    console.print(table)
    for kind, number in samples.errors().most_common():
        console.print(f"  {number} x {escape(kind)}")
    if refused := samples.abusive()["refused"]:
        console.print(f"  {refused} requests of abusive clients were refused: no errors")
    if measured.run.ended == "stopped":
        console.print("  ended early: the outcome is certain")
    for line in lines:
        console.print(f"{_SHOWN[line.answer]}[/]  {escape(line.what)}: {escape(line.found)}")
    if any(line.answer is Answer.ABOVE for line in lines):
        figures = measured.figures
        why = [str(figures)] if isinstance(figures, Exception) else explain(figures)
        for each in why:
            console.print(f"  why: {escape(each)}")
