"""Run the checklist again and again against one replica, each time in a fork of this process.

A run of a second would spend two on importing pytest and the steps; a fork has them already.
This process must have no other threads: a fork would have their locks, but not them.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from golive.checklist import ScenarioResult
from golive.gate.session import forget
from golive.plugin import CHECKLIST
from golive.release.example import Example
from golive.report import json as json_report

_LAST_WORDS = 2000  # characters


class ChecklistError(Exception):
    """A run of the checklist came to no result; the message has the end of what it said."""


class Checklist:
    """The checklist of the current directory; `directory` is where its runs report.

    `slow`: with the scenarios that take minutes. The replicas are of `environment`.
    """

    def __init__(
        self, directory: Path, *, environment: str = "replica", slow: bool = False
    ) -> None:
        self._directory = directory
        self._options = (f"--environment={environment}", *(("--slow",) if slow else ()))
        self._output = directory / "output.txt"
        if self._pytest("--collect-only"):
            raise ChecklistError(f"the checklist cannot be collected:\n{self._last_words()}")

    def run(self, replica: int, release: Example, ids: Iterable[str]) -> dict[str, ScenarioResult]:
        """How these scenarios end against the replica of this number, taken for a release.

        Raises ChecklistError.
        """
        wanted = frozenset(ids)
        forget(self._directory)
        chosen = [f"--scenario={id_}" for id_ in wanted]
        what = (f"--replica={replica}", f"--release={release.record}")
        people = f"--contacts={release.contacts}"
        _in_fork(lambda: self._pytest(*what, people, *self._options, *chosen))
        try:
            report = json_report.read(self._directory)
        except json_report.ReportFileError as error:
            raise ChecklistError(f"{error}\n{self._last_words()}") from None
        return {each.id: each for each in report.scenarios if each.id in wanted}

    def _pytest(self, *arguments: str) -> int:
        """Run pytest in this process, its output in a file; the exit status."""
        common = (f"--report-dir={self._directory}", "--color=no", "-p", "no:cacheprovider")
        # Steps say what they expected without pytest's rewriting of their assertions.
        imported = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
        sys.stdout.flush()
        saved = os.dup(1), os.dup(2)
        with self._output.open("w") as output:
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
            try:
                return pytest.main([str(CHECKLIST), *common, *imported, *arguments])
            finally:
                sys.stdout.flush()
                for descriptor, original in zip((1, 2), saved, strict=True):
                    os.dup2(original, descriptor)
                    os.close(original)

    def _last_words(self) -> str:
        return self._output.read_text(errors="replace")[-_LAST_WORDS:]


def _in_fork(work: Callable[[], int]) -> None:
    """Do `work` in a child of this process, and wait for its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)  # whatever happens, nothing of the parent's is undone here
    os.waitpid(child, 0)
