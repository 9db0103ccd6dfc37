"""The public site as a scenario reaches it, and the answers that several features look at."""

import json
from dataclasses import dataclass, replace

import pytest
from pytest_bdd import given

from golive.endpoint import Endpoint
from golive.environment import Environment, Request, ResponseKind
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import NotRun
from golive.probes.http import Response, Scheme, request, url_of
from golive.steps.expectation import require

Responses = dict[ResponseKind, Response]


@pytest.fixture
def https(environment: Environment, client: str | None) -> Endpoint:
    """The site over HTTPS, as this scenario's own client."""
    return site(environment, environment.site.ports.https, client)


@pytest.fixture
def http(environment: Environment, client: str | None) -> Endpoint:
    """The site over plain HTTP, as this scenario's own client."""
    return site(environment, environment.site.ports.http, client)


@pytest.fixture
def edge(https: Endpoint) -> Endpoint:
    """The site over HTTPS as anybody sees it: what is measured once for all scenarios."""
    return replace(https, source=None)


def site(environment: Environment, port: int, source: str | None) -> Endpoint:
    """The site on one of its ports."""
    name = environment.site.name
    return Endpoint(environment.site.address or name, port, name, environment.site.roots, source)


@dataclass(frozen=True)
class Sent:
    """A request of the environment file, as it goes over the wire."""

    path: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None

    @classmethod
    def of(cls, asked: Request) -> "Sent":
        """What is sent for it: a body as JSON."""
        if asked.body is None:
            return cls(asked.path, asked.method, (), None)
        body = json.dumps(asked.body).encode()
        return cls(asked.path, asked.method, (("Content-Type", "application/json"),), body)


def ask(endpoint: Endpoint, sent: Sent) -> Response:
    """The answer to a request of the environment file."""
    return request(endpoint, sent.path, method=sent.method, headers=sent.headers, body=sent.body)


@given("a response of each kind", target_fixture="responses")
def a_response_of_each_kind(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    pace: Pace,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> Responses:
    """Each kind is asked for once a session, and must be answered with its own status."""
    endpoint = site(environment, environment.site.ports.https, clients.named("a response of each"))
    responses = {}
    for kind, status in ((ResponseKind(row[0]), int(row[1])) for row in datatable[1:]):
        asked = environment.requests.get(kind)
        if asked is None:
            raise NotRun(f"{environment.name} names no request that is answered as {kind}")
        pace.wait()
        response = measurements.result(ask, endpoint, Sent.of(asked))
        require(
            response.status == status,
            expected=f"status {status} for a response of kind {kind}",
            actual=response.status,
            where=response.url,
            look=curl(endpoint, asked.path),
        )
        responses[kind] = response
    evidence.add("responses", {kind: [each.url, each.status] for kind, each in responses.items()})
    return responses


def curl(endpoint: Endpoint, path: str, options: str = "") -> str:
    """The command with which a person sees the same answer."""
    scheme: Scheme = "http" if endpoint.port in (80, 8080) else "https"
    roots = f" --cacert {endpoint.roots}" if endpoint.roots else ""
    source = f" --interface {endpoint.source}" if endpoint.source else ""
    to = f" --connect-to ::{endpoint.address}:{endpoint.port}"
    url = url_of(endpoint, path, scheme).replace(f":{endpoint.port}/", "/", 1)
    return f"curl -si --path-as-is{options}{roots}{source}{to} '{url}'"
