"""Judge which names the edge answers to."""

import secrets
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.machine import machines
from golive.probes.http import Response, request
from golive.probes.virtual_host import called, shown_names
from golive.steps.expectation import listed, require
from golive.steps.site import curl

_OK = 200
_PATH = "/health"  # answered to everybody who calls the site by its name
_CHALLENGES = "/.well-known/acme-challenge"
_ACME_ROOT = "/var/www/acme"


@then(parsers.parse('a client that calls the host "{host}" is served'))
def is_served(https: Endpoint, pace: Pace, evidence: EvidenceLog, host: str) -> None:
    pace.wait()
    response = called(https, _PATH, host)
    evidence.add("answer", _said(response))
    require(
        response is not None and response.status == _OK,
        expected=_OK,
        actual=_said(response),
        where=f"{https}, Host: {host}",
        look=curl(https, _PATH, f" -H 'Host: {host}'"),
    )


@then(parsers.parse('a client that calls the host "{host}" is not served'))
def is_not_served(https: Endpoint, pace: Pace, evidence: EvidenceLog, host: str) -> None:
    pace.wait()
    response = called(https, _PATH, host)
    evidence.add("answer", _said(response))
    require(
        _is_refused(response),
        expected="refused (421 or another 4xx), or closed without an answer",
        actual=_said(response),
        where=f"{https}, Host: {host}",
        look=curl(https, _PATH, f" -H 'Host: {host}'"),
    )


@then(
    parsers.parse(
        'a client that calls the host "{host}" over plain HTTP is neither served nor sent there'
    )
)
def is_sent_nowhere(http: Endpoint, pace: Pace, evidence: EvidenceLog, host: str) -> None:
    pace.wait()
    response = called(http, "/", host, "http")
    evidence.add("answer", _said(response))
    own = response is not None and response.values("Location") == (f"https://{http.name}/",)
    require(
        _is_refused(response) or own,
        expected=f"refused (4xx), closed without an answer, or sent to https://{http.name}/",
        actual=_said(response),
        where=f"{http}, Host: {host}",
        look=curl(http, "/", f" -H 'Host: {host}'"),
    )


@then(parsers.parse('a TLS client that asks for {asked} is not shown the certificate of "{name}"'))
def is_shown_nothing(https: Endpoint, evidence: EvidenceLog, asked: str, name: str) -> None:
    shown = shown_names(https, None if asked == "nobody" else asked)
    evidence.add("names of the certificate shown", shown)
    require(
        name not in shown,
        expected=f"no certificate, or one that does not say that {name} is here",
        actual=f"a certificate for {listed(shown)}",
        where=f"{https.address}:{https.port}, asked for {asked}",
        look=f"openssl s_client -connect {https.address}:{https.port} "
        + ("-noservername" if asked == "nobody" else f"-servername {asked}"),
    )


@pytest.fixture
def challenge(environment: Environment) -> Iterator[str]:
    """A challenge that the edge is to answer with; it is on every host of the edge."""
    token = f"golive-{secrets.token_hex(8)}"
    files = [(each, f"{_ACME_ROOT}{_CHALLENGES}/{token}") for each in machines(environment, "edge")]
    try:
        for machine, file in files:
            machine.run("mkdir -p %s", machine.path(str(PurePosixPath(file).parent)))
            machine.run("printf %%s %s > %s", token, machine.path(file))
        yield token
    finally:
        for machine, file in files:
            machine.run("rm -f %s", machine.path(file))
            root = machine.path(_ACME_ROOT)
            machine.run("find %s -mindepth 1 -type d -empty -delete", root)


@when("the renewal of the certificate puts a challenge on the edge")
def put_challenge(challenge: str, evidence: EvidenceLog) -> None:
    evidence.add("challenge", challenge)


@then("the challenge is answered over plain HTTP")
def challenge_answered(http: Endpoint, evidence: EvidenceLog, challenge: str) -> None:
    path = f"{_CHALLENGES}/{challenge}"
    response = request(http, path, scheme="http")
    evidence.add("answer", [response.status, response.body.decode("utf-8", "replace")])
    require(
        (response.status, response.body) == (_OK, challenge.encode()),
        expected=f"{_OK}, {challenge}",
        actual=f"{response.status}, {response.body[:100]!r}",
        where=response.url,
        look=curl(http, path),
    )


def _is_refused(response: Response | None) -> bool:
    return response is None or 400 <= response.status < 500


def _said(response: Response | None) -> str:
    if response is None:
        return "closed without an answer"
    location = response.values("Location")
    return f"{response.status}, Location: {listed(location)}" if location else str(response.status)
