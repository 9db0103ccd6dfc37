"""Run scenarios: what pytest needs in each process that does, xdist's workers among them."""

from collections.abc import Generator
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import pytest
from pytest_bdd.parser import Feature, Step
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import step_function_context_registry

from golive import names
from golive.checklist import DEVIATION, Scenario
from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.features import Features, scenario_id
from golive.gate.measurements import Measurements
from golive.gate.outcomes import classify, ours
from golive.outcome import NotRun, Outcome, Unproven, Whose
from golive.release.contacts import Contacts
from golive.release.record import Release

RESULT = "golive"  # attribute of a pytest report: id, outcome and reason of its phase
_PYTEST: dict[Outcome, Literal["passed", "failed", "skipped"]] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.UNPROVEN: "failed",
    Outcome.NOT_RUN: "skipped",
}
_scenario = pytest.StashKey[Scenario]()
EVIDENCE = pytest.StashKey[EvidenceLog]()


class ScenarioRunner:
    """The hooks that turn what happens in a scenario into an outcome, and what its steps use."""

    def __init__(self, features: Features, clients_start: int, worker: int, workers: int) -> None:
        self._features = features
        self._clients_start, self._worker, self._workers = clients_start, worker, workers
        self.measurements = Measurements()
        self.contacts: Contacts | None = None  # None: this checklist has no contact table
        self.release: Release | None = None  # None: no record was named

    def use(self, environment: Environment) -> None:
        """Scenarios are run against this environment, whose stack is up."""
        network = environment.clients.network
        names.resolve({name: h.address for name, h in environment.hosts.items() if h.address})
        self.environment = environment
        self.clients = Clients(network, self._clients_start, self._worker, self._workers)
        self.pace = Pace(None if network else environment.pace / self._workers)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Each item is a scenario of the features, and is called by its id."""
        for item in items:
            scenario = self._scenario_of(item)
            item.stash[_scenario] = scenario
            item.stash[EVIDENCE] = EvidenceLog()
            file, _, line = scenario.where.rpartition(":")
            item.location = (file, int(line) - 1, scenario.id)
            item.extra_keyword_matches.add(scenario.id)  # so that -k finds files and names
        if config.getoption("smoke"):
            items[:] = [item for item in items if item.stash[_scenario].smoke]
        if (chosen := config.getoption("scenario")) is not None:
            if unknown := set(chosen) - self._features.scenarios.keys():
                raise pytest.UsageError(f"--scenario: no such id: {', '.join(sorted(unknown))}")
            items[:] = [item for item in items if item.stash[_scenario].id in chosen]
        # As the files have them, whatever order the file system gives; nobody waits for what
        # is measured ahead while there is something else to do, and nobody is disturbed.
        order = list(self._features.scenarios)

        def place(item: pytest.Item) -> tuple[bool, bool, int]:
            scenario = item.stash[_scenario]
            return scenario.alone, scenario.ahead, order.index(scenario.id)

        items.sort(key=place)

    def _scenario_of(self, item: pytest.Item) -> Scenario:
        wrapper = item.obj if isinstance(item, pytest.Function) else None
        template = scenario_wrapper_template_registry.get(wrapper) if wrapper else None
        if template is None:
            raise pytest.UsageError(f"{item.nodeid}: the checklist holds scenarios, not tests")
        callspec = getattr(item, "callspec", None)
        example = callspec.params["_pytest_bdd_example"].values() if callspec else ()
        file = Path(template.feature.filename).relative_to(self._features.directory.absolute())
        return self._features.scenarios[scenario_id(file, template.name, example)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """What the environment does not permit is not begun."""
        scenario = item.stash[_scenario]
        if reason := scenario.barred(self.environment):
            raise NotRun(reason)
        if scenario.slow and not item.config.getoption("slow"):
            raise NotRun("takes a minute or two: golive gate --slow")
        if scenario.alone:
            if self._workers > 1:
                raise Unproven("it must run alone: without xdist's -n", Whose.OURS)
            self.measurements.settle()

    def pytest_bdd_before_step(
        self, request: pytest.FixtureRequest, feature: Feature, step: Step
    ) -> None:
        """A step begins."""
        file = Path(feature.filename).relative_to(self._features.directory.absolute())
        where = f"{self._features.directory / file}:{step.line_number}"
        request.node.stash[EVIDENCE].begin_step(step.keyword.strip(), step.name, where)

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest, step: Step) -> None:
        """A step has passed."""
        request.node.stash[EVIDENCE].end_step(Outcome.PASSED, proves=step.type == "then")

    def pytest_bdd_step_func_lookup_error(
        self, request: pytest.FixtureRequest, feature: Feature, step: Step
    ) -> None:
        """No definition matches a step: nothing can be said of the target."""
        self.pytest_bdd_before_step(request, feature, step)
        names = [context.parser.name for context in step_function_context_registry.values()]
        near = get_close_matches(step.name, names, n=3, cutoff=0.4)
        hint = f"; the nearest: {', '.join(map(repr, near))}" if near else ""
        raise Unproven(f"no step definition matches{hint}", Whose.OURS)

    def _unless_declared(self, item: pytest.Item, reason: str) -> tuple[Outcome, str]:
        """A failure that the environment has declared is none, but shows nothing either."""
        scenario = item.stash[_scenario]
        why = self.environment.excuse(scenario.id, scenario.statements)
        if why is None:
            return Outcome.FAILED, reason
        item.stash[EVIDENCE].add(DEVIATION, reason)
        return Outcome.NOT_RUN, f"{DEVIATION}: {why}; measured:\n{reason}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give each phase its outcome, without a Python traceback."""
        log = item.stash[EVIDENCE]
        outcome, reason = classify(call.excinfo.value if call.excinfo else None)
        if outcome is Outcome.PASSED and call.when == "call" and not log.proven:
            outcome, reason = ours("no Then was judged")
        where = log.here or item.stash[_scenario].where
        log.end_step(outcome)
        if outcome is Outcome.FAILED:
            outcome, reason = self._unless_declared(item, reason)
        if call.when == "teardown":
            item.user_properties += log.properties()
        report = yield
        if hasattr(report, "wasxfail"):
            del report.wasxfail
            outcome, reason = ours("marked xfail: what may fail is tagged @advisory")
        if outcome in (Outcome.FAILED, Outcome.UNPROVEN):
            reason = f"{reason}\nat {where}"
        result = {"id": item.stash[_scenario].id, "outcome": str(outcome), "reason": reason}
        setattr(report, RESULT, result)
        report.outcome = _PYTEST[outcome]
        if outcome is Outcome.NOT_RUN:
            file, line, _ = item.location
            report.longrepr = (file, line or 0, f"Skipped: {reason}")
        else:
            report.longrepr = reason or None
        return report
