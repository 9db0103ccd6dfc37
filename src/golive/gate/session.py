"""A run of the gate, in the process that starts it: stand up, gather, judge, report."""

import io
import json
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pytest
from rich.console import Console
from rich.markup import escape

from golive.checklist import (
    Evidence,
    Report,
    Scenario,
    ScenarioResult,
    SignOffResult,
    Span,
    Verdict,
    WaiverResult,
    deviations,
    due,
    item_of,
    judge,
    merge,
)
from golive.environment import Environment, Kind
from golive.gate.evidence import PROPERTY
from golive.gate.features import Features
from golive.gate.scenario import RESULT, ScenarioRunner
from golive.outcome import Outcome
from golive.release import waivers
from golive.release.signature import SUFFIX, SignatureError, sign_file
from golive.report import files
from golive.report import json as json_report
from golive.report.progress import Progress

_LONG_S = 0.5
INPUT = "golive"  # of an xdist worker: the environment that is up, and where its clients start


@dataclass(frozen=True)
class Plan:
    """What a run was asked for. `elsewhere` are the other environments of the project.

    `replica` is the number of the running one to use, None where that is not said.
    """

    features: Features
    environment: Environment
    elsewhere: tuple[Environment, ...]
    fresh: bool
    replica: int | None
    report_dir: Path
    sign_key: Path | None
    clients_start: int


@dataclass
class _Seen:
    """What was reported of one scenario so far: outcome and reason by phase.

    `began` is when, in Unix time; None before its first phase has ended.
    """

    phases: dict[str, tuple[Outcome, str]] = field(default_factory=dict)
    began: float | None = None
    duration_s: float = 0.0
    evidence: tuple[Evidence, ...] = ()


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
        self._seen: dict[str, _Seen] = {}
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
            if not self._config.getoption("smoke"):  # of which none takes long
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
        result = getattr(report, RESULT, None)
        if result is None:
            self._trouble.append(report.longreprtext)
            return
        seen = self._seen.setdefault(result["id"], _Seen())
        seen.phases[report.when or ""] = (Outcome(result["outcome"]), result["reason"])
        seen.began = report.start if seen.began is None else seen.began
        seen.duration_s += report.duration
        if report.when == "teardown":
            entries = [v for name, v in report.user_properties if name == PROPERTY]
            seen.evidence = tuple(Evidence(**json.loads(str(entry))) for entry in entries)
            scenario = self._plan.features.scenarios[result["id"]]
            self._progress.ended(self._result(scenario, "its steps were not run"))

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

    def _result(self, scenario: Scenario, unreached: str) -> ScenarioResult:
        """The result of `scenario`; what is lacking of it is unproven, because `unreached`."""
        seen = self._seen.get(scenario.id, _Seen())
        phases = list(seen.phases.values())
        ran = "call" in seen.phases or any(outcome is not Outcome.PASSED for outcome, _ in phases)
        if not ran or "teardown" not in seen.phases:
            phases.append((Outcome.UNPROVEN, unreached))
        outcome = merge(outcome for outcome, _ in phases)
        return ScenarioResult(
            id=scenario.id,
            name=scenario.name,
            item=item_of(scenario.id),
            statements=scenario.statements,
            blocking=scenario.blocking,
            outcome=outcome,
            reason="\n".join(reason for each, reason in phases if each is outcome and reason),
            duration_s=round(seen.duration_s, 4),
            evidence=seen.evidence,
            where=scenario.where,
        )

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
                report = self._report(session)
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

    def _report(self, session: pytest.Session) -> Report:
        scenarios = self._plan.features.scenarios
        unreached = self._why_unreached(session)
        release = self._runner.release
        record = release.record if release else None
        here = self._plan.environment.name
        waived = record.waivers if record else ()
        results = waivers.apply(
            waived, (self._result(each, unreached) for each in scenarios.values()), here
        )
        accounts = waivers.account(waived, results, here)
        self._trouble += [_unused(each) for each in accounts if each.unused]
        judgement = judge(results, self._plan.features.items)
        broken = bool(self._trouble) and judgement.verdict is Verdict.GO
        not_run = [scenarios[r.id] for r in results if r.outcome is Outcome.NOT_RUN]
        elsewhere = due(
            # What only takes long is due nowhere else: --slow shows it here.
            (each for each in not_run if not each.slow or each.barred(self._plan.environment)),
            self._plan.elsewhere,
        )
        declared = self._plan.environment.deviations
        if self._config.getoption("smoke"):
            claimed = {id_ for each in results for id_ in each.statements}
            declared = tuple(each for each in declared if each.statement in claimed)
        deviating = deviations(declared, results)
        named = {id_ for each in results for id_ in each.statements}
        named.update(each.statement for each in elsewhere)
        named.update(each.statement for each in deviating)
        return Report(
            verdict=Verdict.INCOMPLETE if broken else judgement.verdict,
            environment=here,
            release=record.tag if record else None,
            started=self._started,
            duration_s=round((datetime.now(UTC) - self._started).total_seconds(), 3),
            items=judgement.items,
            scenarios=results,
            due=elsewhere,
            deviations=deviating,
            statements=tuple(s for s in self._plan.features.statements.values() if s.id in named),
            commit=record.commit if record else None,
            sign_offs=tuple(
                SignOffResult(s.item, s.role, s.date, s.applicable, s.evidence, s.note)
                for s in (record.sign_offs if record else ())
            ),
            waivers=accounts,
            spans=tuple(self._spans()),
        )

    def _spans(self) -> list[Span]:
        """What took long: scenarios, and the measurements beside them."""
        zero = self._started.timestamp()
        found = [
            (self._plan.features.scenarios[id_].name, seen.began, seen.duration_s, id_)
            for id_, seen in self._seen.items()
            if seen.began is not None
        ]
        found += [(*each, "") for each in self._runner.measurements.ended]
        return [
            Span(what, round(began - zero, 2), round(took_s, 2), id_)
            for what, began, took_s, id_ in sorted(found, key=lambda each: each[1])
            if took_s >= _LONG_S
        ]

    def _why_unreached(self, session: pytest.Session) -> str:
        """Why scenarios have no result: never because there was nothing to say of them."""
        if self._trouble:
            return "not reached: " + "\n".join(self._trouble)
        if stop := session.shouldfail or session.shouldstop:
            return f"not reached: {stop}"
        return "not chosen for this run"


def _unused(waiver: WaiverResult) -> str:
    return f"the waiver of {waiver.of} is unused: all that it names passes; take it out"


def _own_stdout(stack: ExitStack) -> TextIO:
    """Standard output as it is now: pytest points its file descriptor elsewhere during tests."""
    try:
        return stack.enter_context(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    except io.UnsupportedOperation:
        return sys.stdout
