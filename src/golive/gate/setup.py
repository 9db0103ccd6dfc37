"""Set a run of the checklist up: everything that can be wrong is refused before it begins."""

import os
import pkgutil
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from golive import environment as environments
from golive.environment import Environment, EnvironmentFileError, Kind
from golive.gate import features, fixtures
from golive.gate.clients import start_now
from golive.gate.features import Features
from golive.gate.plan import Plan
from golive.gate.scenario import ScenarioRunner
from golive.gate.session import INPUT, GateSession, forget
from golive.located_yaml import FileError
from golive.release import contacts, record, waivers
from golive.scratch import scratch

STEPS = "golive.steps"


def set_up(config: pytest.Config) -> None:
    """Register what the run needs. Raises pytest.UsageError, saying all that is wrong at once."""
    report_dir = Path(config.getoption("report_dir"))
    temporary = ExitStack()
    config.add_cleanup(temporary.close)
    temporary.enter_context(scratch())
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "native"  # reads no source: reasons are what the gate tells
    try:
        checklist = features.read(_features_directory(config))
        for tag, meaning in checklist.tags.items():
            config.addinivalue_line("markers", f"{tag}: {meaning}")
        _import_steps(config)
        workerinput = getattr(config, "workerinput", None)
        if workerinput is not None:
            _set_up_worker(config, checklist, workerinput)
        else:
            _set_up_controller(config, checklist, report_dir)
    except (FileError, EnvironmentFileError, pytest.UsageError) as error:
        forget(report_dir)
        raise pytest.UsageError(*str(error).splitlines()) from None


def _features_directory(config: pytest.Config) -> Path:
    directory = config.getoption("features_dir") or (
        config.rootpath / (config.getini("bdd_features_base_dir") or "features")
    )
    path = Path(os.path.abspath(directory))  # noqa: PTH100 (pytest-bdd keeps links as they are)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _import_steps(config: pytest.Config) -> None:
    spec = find_spec(STEPS)
    paths = spec.submodule_search_locations if spec else None
    for module in pkgutil.iter_modules(paths or (), f"{STEPS}."):
        config.pluginmanager.import_plugin(module.name)


def _set_up_worker(
    config: pytest.Config, checklist: Features, workerinput: dict[str, object]
) -> None:
    given = workerinput[INPUT]
    assert isinstance(given, dict)  # noqa: S101 (it is what GateSession put there)
    index = int(str(workerinput["workerid"]).removeprefix("gw"))
    runner = ScenarioRunner(
        checklist, given["clients_start"], index, int(str(workerinput["workercount"]))
    )
    _bring_release(config, checklist, runner)
    runner.use(Environment.model_validate_json(given["environment"]))
    _register(config, runner)


def _register(config: pytest.Config, runner: ScenarioRunner) -> None:
    config.stash[fixtures.RUNNER] = runner
    config.pluginmanager.register(fixtures, "golive-fixtures")
    config.pluginmanager.register(runner, "golive-scenarios")


def _set_up_controller(config: pytest.Config, checklist: Features, report_dir: Path) -> None:
    plan = _plan(config, checklist, report_dir)
    runner = ScenarioRunner(checklist, plan.clients_start, worker=0, workers=1)
    _bring_release(config, checklist, runner)
    _register(config, runner)
    if config.option.collectonly:
        return
    config.pluginmanager.register(GateSession(config, plan, runner), "golive-session")
    # pytest's own output is reduced to what the gate does not say itself (an internal error)
    config.option.verbose = -2
    config.option.no_header = config.option.no_summary = True


def _bring_release(config: pytest.Config, checklist: Features, runner: ScenarioRunner) -> None:
    """Give the runner who answers for what, and the record of the release that is judged."""
    given = config.getoption("contacts")
    people = given or config.rootpath / environments.DIRECTORY / environments.CONTACTS
    if given or people.is_file():
        runner.contacts = contacts.load(people)
    path = config.getoption("release")
    if path is None:
        return
    if not path.is_file():
        raise pytest.UsageError(f"--release: {path}: no such file; golive release TAG makes one")
    if runner.contacts is None:
        raise pytest.UsageError(f"--release: nobody may sign: there is no {people}")
    runner.release = record.load(
        path,
        runner.contacts,
        items=[item.id for item in checklist.items],
        statements=checklist.statements,
        scenarios=checklist.scenarios,
        refuse=waivers.refusal(runner.contacts.allowed_signers, checklist.scenarios.values()),
    )


def _plan(config: pytest.Config, checklist: Features, report_dir: Path) -> Plan:
    directory = config.rootpath / environments.DIRECTORY
    name, stack = config.getoption("environment"), config.getoption("stack")
    load = partial(environments.load, statements=checklist.statements, blocking=checklist.blocking)
    environment = load(name, directory=directory)
    if stack is not None:
        if environment.kind is Kind.DEPLOYED:
            raise pytest.UsageError(f"--stack: {environment.name} is not started from a stack")
        if not stack.is_dir():
            raise pytest.UsageError(f"--stack: {stack}: no such directory")
        environment = environment.model_copy(update={"stack": stack.resolve()})
    sign_key = config.getoption("sign_key")
    if sign_key is not None and not sign_key.is_file():
        raise pytest.UsageError(f"--sign-key: {sign_key}: no such file")
    replica = config.getoption("replica")
    if replica is not None and environment.kind is Kind.DEPLOYED:
        raise pytest.UsageError(f"--replica: {environment.name} is of kind {environment.kind}")
    here = environments.find(name, directory).resolve()
    # The environments of a checklist of one's own stand beside each other; ours are not its.
    beside = here.parent if config.getoption("features_dir") else directory
    return Plan(
        features=checklist.smoke() if config.getoption("smoke") else checklist,
        environment=environment,
        elsewhere=tuple(
            load(str(path)) for path in environments.files(beside) if path.resolve() != here
        ),
        fresh=config.getoption("fresh"),
        replica=replica,
        report_dir=report_dir,
        sign_key=sign_key,
        clients_start=start_now(),
        smoke=config.getoption("smoke"),
    )
