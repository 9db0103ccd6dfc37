"""The Prometheus of the environment."""

import pytest

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.machine import machines
from golive.probes.prometheus import PORT


@pytest.fixture
def prometheus(environment: Environment) -> Endpoint:
    """Where its HTTP API is: on the monitoring host."""
    return monitoring(environment, PORT)


def monitoring(environment: Environment, port: int) -> Endpoint:
    """A service of the monitoring host."""
    machine = machines(environment, "monitoring")[0]
    return Endpoint(machine.host.address or machine.name, port, machine.name)


def url(endpoint: Endpoint, path: str) -> str:
    """An address for a person's `curl`."""
    return f"http://{endpoint.address}:{endpoint.port}{path}"
