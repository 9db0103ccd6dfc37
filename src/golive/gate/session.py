"""A run of the gate, in the process that starts it: stand up, gather, judge, report."""

import io
import os
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pytest
from rich.console import Console
from rich.markup import escape

from golive.checklist import Report, Scenario, Span
from golive.environment import Kind
from golive.gate.conclusion import conclude
from golive.gate.plan import Plan
from golive.gate.scenario import RESULT, ScenarioRunner
from golive.gate.seen import Seen
from golive.release.signature import SUFFIX, SignatureError, sign_file
from golive.report import files
from golive.report import json as json_report
from golive.report.progress import Progress

INPUT = "golive"  # of an xdist worker: the environment that is up, and where its clients start


def forget(report_dir: Path) -> None:
    """Remove the reports of an earlier run: they say nothing of this one."""
    signature = f"{json_report.NAME}{SUFFIX}"
    for name in (json_report.NAME, signature, *files.NAMES.values()):
        (report_dir / name).unlink(missing_ok=True)
    for path in report_dir.glob("*.cdx.json"):  # bills of materials
        path.unlink()


class GateSession:
    """Hooks of the controller. Whatever happens after it began, report.json says so."""

    def __init__(self, config: pytest.Config, plan: Plan, runner: ScenarioRunner) -> None:
        self._config, self._plan, self._runner = config, plan, runner
        self._seen = Seen()
        self._trouble: list[str] = []  # why scenarios may not have been reached
        self._stack = ExitStack()
        config.add_cleanup(self._stack.close)
        self._environment = plan.environment
        self._started = datetime.now(UTC)
        self._console = Console(
            file=_own_stdout(self._stack),
            highlight=False,
            color_system=None if config.option.color == "no" else "auto",
        )
        self._progress = Progress(self._console)
        self._up = ExitStack()

    # Standing up

    def pytest_sessionstart(self) -> None:
        """A run begins."""
        forget(self._plan.report_dir)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Before the first scenario, the environment comes up; slow measurements begin."""
        if session.items and not session.testsfailed:
            self._stand_up()
            scenarios = [self._plan.features.scenarios[item.location[2]] for item in session.items]
            self._progress.begin(scenarios)
            self._runner.use(self._environment)
            if not self._plan.smoke:  # of which none takes long
                self._begin_ahead(scenarios)
        return (yield)

    def _begin_ahead(self, scenarios: Iterable[Scenario]) -> None:
        """Start the measurements that take long."""
        slow = self._config.getoption("slow")
        permitted = [
            each
            for each in scenarios
            if not each.barred(self._environment) and (slow or not each.slow)
        ]
        self._config.hook.pytest_golive_ahead(
            measurements=self._runner.measurements,
            environment=self._environment,
            clients=self._runner.clients,
            slow=slow,
            tags={statement for each in permitted for statement in each.statements},
            ahead={each.id for each in permitted if each.ahead},
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Before xdist starts workers, the environment comes up: they are told where it is."""
        self._stand_up()
        self._progress.begin(self._plan.features.scenarios.values())

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 (xdist has no public type)
        """Tell a worker where the environment is."""
        node.workerinput[INPUT] = {
            "environment": self._environment.model_dump_json(),
            "clients_start": self._plan.clients_start,
        }

    def _stand_up(self) -> None:
        environment = self._plan.environment
        if environment.kind is Kind.DEPLOYED or environment.stack is None:
            return
        from golive.replica.control import ReplicaError  # slow to import, all of them

        if environment.kind is Kind.COMPOSE:
            from golive.compose.attach import attach, attach_or_start
        else:
            from golive.replica.attach import attach, attach_or_start

        try:
            if self._plan.replica is not None:
                self._environment = attach(environment, self._plan.replica, self._progress.say)
                return
            self._environment = self._up.enter_context(
                attach_or_start(
                    environment, environment.stack, self._progress.say, fresh=self._plan.fresh
                )
            )
        except ReplicaError as error:
            raise pytest.UsageError(*str(error).splitlines()) from None

    # Gathering

    def pytest_runtest_logstart(self, location: tuple[str, int | None, str]) -> None:
        """A scenario begins."""
        self._progress.running(location[2])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a scenario ended; or a worker of xdist died, which has no scenario."""
        if getattr(report, RESULT, None) is None:
            self._trouble.append(report.longreprtext)
            return
        if ended := self._seen.add(report):
            scenario = self._plan.features.scenarios[ended]
            self._progress.ended(self._seen.result(scenario, "its steps were not run"))

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """The gate's own word for an outcome; no letter, for nothing is to be printed."""
        result = getattr(report, RESULT, None)
        return (result["outcome"], "", "") if result else None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """The checklist could not be collected: a defect of the gate."""
        if report.failed:
            self._trouble.append(f"not collected:\n{report.longreprtext}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """The run is broken off, by hand or by pytest."""
        self._trouble.append(f"the run was interrupted: {excinfo.exconly()}")

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """The run is broken off by a defect of pytest, of a plugin, or of the gate."""
        self._trouble.append(f"the run ended with an internal error: {excinfo.exconly()}")

    # Judging and reporting

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, None, None]:
        """Write the report, stop what was started, then say the verdict."""
        self._progress.end()
        try:
            yield
        finally:
            if exitstatus == pytest.ExitCode.USAGE_ERROR:
                self._up.close()
            else:
                report = self._concluded(self._why_unreached(session))
                written = json_report.write(report, self._plan.report_dir)
                self._sign(written)
                self._up.close()
                self._progress.end()
                for trouble in self._trouble:
                    self._console.print(f"[bold yellow]{escape(trouble)}")
                files.publish(report, self._plan.report_dir, self._console)

    def _sign(self, path: Path) -> None:
        if self._plan.sign_key is not None:
            try:
                sign_file(path, self._plan.sign_key)
            except SignatureError as error:
                self._trouble.append(f"the report is not signed: {error}")

    def _concluded(self, unreached: str) -> Report:
        scenarios = self._plan.features.scenarios.values()
        report, self._trouble = conclude(
            self._plan,
            self._runner.release,
            (self._seen.result(each, unreached) for each in scenarios),
            self._trouble,
            self._started,
            self._spans(),
        )
        return report

    def _spans(self) -> Iterator[Span]:
        """How long scenarios took, and the measurements beside them, in order."""
        names = {id_: each.name for id_, each in self._plan.features.scenarios.items()}
        found = [(names[id_], began, took_s, id_) for id_, began, took_s in self._seen.spans()]
        found += [(*each, "") for each in self._runner.measurements.ended]
        zero = self._started.timestamp()
        for what, began, took_s, id_ in sorted(found, key=lambda each: each[1]):
            yield Span(what, round(began - zero, 2), round(took_s, 2), id_)

    def _why_unreached(self, session: pytest.Session) -> str:
        """Why scenarios have no result: never because there was nothing to say of them."""
        if self._trouble:
            return "not reached: " + "\n".join(self._trouble)
        if stop := session.shouldfail or session.shouldstop:
            return f"not reached: {stop}"
        return "not chosen for this run"


def _own_stdout(stack: ExitStack) -> TextIO:
    """Standard output as it is now: pytest points its file descriptor elsewhere during tests."""
    try:
        return stack.enter_context(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    except io.UnsupportedOperation:
        return sys.stdout
