"""The application servers: each with its file of variables, its workers, and where it answers."""

from dataclasses import dataclass

import pytest

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import Unproven, Whose
from golive.probes.environment_file import EnvironmentFile, read
from golive.probes.http import Headers, Response, request
from golive.probes.workers import Worker, workers
from golive.steps.expectation import require

DIRECTORY = "/var/www/dashboard-velo-api"
FILE = f"{DIRECTORY}/.env"


@dataclass(frozen=True)
class Server:
    """One application server."""

    machine: Machine
    file: EnvironmentFile
    workers: tuple[Worker, ...]

    def value(self, name: str) -> str | None:
        """What the file says of a variable."""
        return self.file.values.get(name)

    def need(self, name: str) -> str:
        """What the file says of a variable, without which nothing can be measured."""
        value = self.value(name)
        if not value:
            raise Unproven(f"{self.file.path}: {name} is not set", Whose.TARGET)
        return value

    def given(self, name: str) -> set[str]:
        """What the workers had for a variable before they read the file; empty: nothing."""
        return {each.given[name] for each in self.workers if name in each.given}

    def endpoint(self, site: str, source: str | None) -> Endpoint:
        """Where it answers itself, over plain HTTP, for the virtual host `site`."""
        host = self.machine.host
        # dotenv does not replace what PM2 has set.
        port = next(iter(self.given("PORT")), None) or self.need("PORT")
        address = host.address or self.machine.name
        return Endpoint(address, int(port), site, None, source)


@pytest.fixture
def servers(environment: Environment, measurements: Measurements) -> tuple[Server, ...]:
    """Every application server, looked into once a session, all at the same time."""
    begun = [measurements.start(look_at, machine) for machine in machines(environment, "app")]
    return tuple(each.result() for each in begun)


def look_at(machine: Machine) -> Server:
    """One application server as it is now."""
    return Server(machine, read(machine, FILE), workers(machine, DIRECTORY))


@dataclass(frozen=True)
class Asking:
    """Asks application servers, each request as a new client: their own rate limit counts."""

    environment: Environment
    clients: Clients
    pace: Pace

    def __call__(
        self, server: Server, path: str, *, method: str = "GET", headers: Headers = ()
    ) -> Response:
        """The server's own answer."""
        endpoint = server.endpoint(self.environment.site.name, self.clients.new())
        self.pace.wait()
        return request(endpoint, path, method=method, headers=headers, scheme="http")


@pytest.fixture
def asking(environment: Environment, clients: Clients, pace: Pace) -> Asking:
    """To ask the application servers themselves."""
    return Asking(environment, clients, pace)


def require_status(
    endpoint: Endpoint, answer: Response, status: int, evidence: EvidenceLog
) -> None:
    """Judge the status of an answer, and keep it as evidence."""
    evidence.add(f"{answer.url} at {endpoint.address}", answer.status)
    require(
        answer.status == status,
        expected=status,
        actual=answer.status,
        where=f"{answer.url} at {endpoint.address}",
        look=f"curl -si 'http://{endpoint.address}:{endpoint.port}/'",
    )
