"""All reports of a run: each is made from what report.json holds, and can be made again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.text import Text

from golive.checklist import Report
from golive.report import history, json, terminal
from golive.report.history import History
from golive.report.text import printable
from golive.report.words import Language

# A format is a module beside this one, which has `render(report, history, language) -> str`.
NAMES = {
    "html": "report.html",
    "markdown": "report.md",
    "junit": "junit.xml",
    "sarif": "report.sarif",
    "metrics": "metrics.prom",
}
SVG = {"svg": "verdict.svg"}  # only when it is asked for
FORMATS = NAMES | SVG


@dataclass(frozen=True)
class Written:
    """The files that were written, and a line for each that could not be."""

    files: tuple[Path, ...]
    problems: tuple[str, ...]


def publish(report: Report, directory: Path, console: Console) -> None:
    """Write all reports and remember the run, then say the verdict in the terminal.

    No renderer has a say in it: what one cannot do is told in a line, and the others go on.
    """
    past = history.read(report, directory)
    written = write(report, directory, past=past)
    problems = [*past.unread, *written.problems]
    try:
        history.keep(report, directory)
    except OSError as error:
        problems.append(f"the run cannot be put into {history.DIRECTORY}: {error}")
    show(report, past, console, (directory / json.NAME, *written.files), problems)


def write(
    report: Report,
    directory: Path,
    formats: Iterable[str] = tuple(NAMES),
    language: Language = Language.EN,
    past: History | None = None,
    names: Mapping[str, str] = FORMATS,
) -> Written:
    """Write the report in these formats into `directory`, as files of these names."""
    past = history.read(report, directory) if past is None else past
    clean = printable(report)
    files, problems = [], []
    for each in formats:
        path = directory / names[each]
        try:
            text = import_module(f"golive.report.{each}").render(clean, past, language)
            files.append(json.write_text(path, text))
        except Exception as error:
            path.unlink(missing_ok=True)  # an older one would be taken for this run's
            problems.append(f"{path}: cannot be written: {type(error).__name__}: {error}")
    return Written(tuple(files), tuple(problems))


def show(
    report: Report,
    past: History,
    console: Console,
    files: Iterable[Path] = (),
    problems: Iterable[str] = (),
) -> None:
    """Print the report to a terminal, and before it what went wrong with the reports."""
    for problem in problems:
        console.print(Text(problem.replace("\n", " "), "bold yellow"))
    terminal.render(printable(report), console, map(str, files), history.turned_red(report, past))
