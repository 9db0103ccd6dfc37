"""What steps may ask for."""

import pytest

from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.gate.scenario import EVIDENCE, ScenarioRunner
from golive.outcome import Unproven, Whose
from golive.release.contacts import Contacts
from golive.release.record import Release

RUNNER = pytest.StashKey[ScenarioRunner]()


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> Environment:
    """The environment that is looked at; its stack is up."""
    return pytestconfig.stash[RUNNER].environment


@pytest.fixture(scope="session")
def measurements(pytestconfig: pytest.Config) -> Measurements:
    """What was measured in this session already, or is being measured."""
    return pytestconfig.stash[RUNNER].measurements


@pytest.fixture(scope="session")
def clients(pytestconfig: pytest.Config) -> Clients:
    """Hands out source addresses, for a scenario that needs several clients."""
    return pytestconfig.stash[RUNNER].clients


@pytest.fixture(scope="session")
def pace(pytestconfig: pytest.Config) -> Pace:
    """To wait for before each request; it holds back only where all are one client."""
    return pytestconfig.stash[RUNNER].pace


@pytest.fixture
def client(clients: Clients) -> str | None:
    """The source address of this scenario, its own; None where all are one client."""
    return clients.new()


@pytest.fixture(scope="session")
def contacts(pytestconfig: pytest.Config) -> Contacts:
    """Who answers for what."""
    found = pytestconfig.stash[RUNNER].contacts
    if found is None:
        raise Unproven("there is no contact table: --contacts FILE names one", Whose.OURS)
    return found


@pytest.fixture(scope="session")
def release(pytestconfig: pytest.Config) -> Release:
    """The release that is judged."""
    found = pytestconfig.stash[RUNNER].release
    if found is None:
        reason = "no release was named: golive release TAG, then golive gate --release FILE"
        raise Unproven(reason, Whose.OURS)
    return found


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> EvidenceLog:
    """What this scenario saw; `evidence.add(what, value)` keeps one thing more."""
    log: EvidenceLog = request.node.stash[EVIDENCE]
    return log
