"""What a run is doing, while it does it: one line in a terminal, a line a feature elsewhere."""

import time
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from golive.checklist import Scenario, ScenarioResult
from golive.outcome import Outcome
from golive.report.terminal import STYLES, counts


class Progress:
    """Shows progress from `begin` to `end`; lines said before it, such as a start-up, too."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._doing = ""
        self._total = 0
        self._results: dict[str, list[ScenarioResult]] = {}
        self._planned: Counter[str] = Counter()
        self._printed: set[str] = set()
        self._live = Live(
            console=console,
            get_renderable=self._line,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def say(self, text: str) -> None:
        """What is being done before and after the scenarios."""
        self._show(text)
        if not self._console.is_terminal:
            self._console.print(Text(text))

    def begin(self, scenarios: Iterable[Scenario]) -> None:
        """These scenarios are about to be run."""
        self._planned = Counter(_file(scenario.id) for scenario in scenarios)
        self._total = self._planned.total()

    def running(self, scenario_id: str) -> None:
        """A scenario has begun."""
        self._show(scenario_id.partition("::")[2])

    def ended(self, result: ScenarioResult) -> None:
        """A scenario has ended; the last of a feature's is followed by the feature's line."""
        file = _file(result.id)
        self._results.setdefault(file, []).append(result)
        if len(self._results[file]) == self._planned[file]:
            self._print_feature(file)

    def end(self) -> None:
        """Leave nothing behind; features of which some scenarios were not reached get a line."""
        self._live.stop()
        for file in self._results.keys() - self._printed:
            self._print_feature(file)

    def _show(self, text: str) -> None:
        self._doing = text
        if self._console.is_terminal:
            self._live.start()

    def _print_feature(self, file: str) -> None:
        self._printed.add(file)
        results = self._results[file]
        seconds = sum(result.duration_s for result in results)
        line = Text.assemble(f"{file}  ", counts(results), (f"  {seconds:.1f} s", "dim"))
        missing = self._planned[file] - len(results)
        if missing:
            line.append(f", {missing} not reached")
        self._console.print(line)

    def _line(self) -> Text:
        results = [result for each in self._results.values() for result in each]
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        line = Text(f"{minutes:02}:{seconds:02}  ", no_wrap=True, overflow="ellipsis")
        if self._total:
            line.append(f"{len(results)} of {self._total}  ", "bold")
        for outcome in (Outcome.FAILED, Outcome.UNPROVEN):
            if count := sum(result.outcome is outcome for result in results):
                line.append(f"{count} {outcome}  ", STYLES[outcome])
        return line.append(self._doing, "dim")


def _file(scenario_id: str) -> str:
    return scenario_id.partition("::")[0]
