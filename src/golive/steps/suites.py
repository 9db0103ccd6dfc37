"""Judge the application's own tests, run on the sources that the environment was started from."""

from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.probes.suites import Site, run
from golive.steps.expectation import listed, require

_AGAINST_THE_SITE = "e2e"
_SUITES = ("unit", "integration", _AGAINST_THE_SITE)


@pytest.hookimpl(tryfirst=True)
def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
) -> None:
    """Where a source has changed, they take seconds."""
    if "CHK-01" in tags and environment.stack is not None:
        for suite in _SUITES:
            measurements.queue(run, *_asked(environment, clients, environment.stack, suite))


@then(parsers.parse("the {suite} tests of the application pass, and there is one at least"))
def suite_passes(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    evidence: EvidenceLog,
    suite: str,
) -> None:
    stack = environment.stack
    if stack is None:
        raise Unproven(f"{environment.name} was not started from a stack", Whose.OURS)
    report = measurements.result(run, *_asked(environment, clients, stack, suite))
    evidence.add("tests that were run", report.ran)
    evidence.add("skipped", report.skipped)
    evidence.add("run", report.began)
    if not report.ran:
        raise Unproven(f"{report.path}: there is no test in it", Whose.TARGET)
    require(
        not report.failed,
        expected="no test that fails",
        actual=f"{len(report.failed)} of {report.ran}: {listed(report.failed)}",
        where=report.path,
        look=f"cd {stack / 'app'}; npm run test:{suite}",
    )


def _asked(
    environment: Environment, clients: Clients, stack: Path, suite: str
) -> tuple[Path, str, Site | None]:
    """What `run` is given for a suite: the same each time, so that it is run once."""
    if suite != _AGAINST_THE_SITE:
        return stack / "app", suite, None
    site = environment.site
    url = f"https://{site.name}:{site.ports.https}"
    address, source = site.address or site.name, clients.named("end-to-end tests")
    return stack / "app", suite, Site(url, address, source, site.roots)
