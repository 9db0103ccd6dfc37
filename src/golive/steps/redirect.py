"""Judge what plain HTTP is answered with."""

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.probes.http import Response, request
from golive.steps.expectation import listed, require
from golive.steps.site import curl


@when(parsers.parse('"{path}" is asked for over plain HTTP'), target_fixture="asked")
def ask_in_clear(http: Endpoint, pace: Pace, path: str) -> tuple[str, Response]:
    pace.wait()
    return path, request(http, path, scheme="http")


@when(parsers.parse('"{path}" is sent a POST over plain HTTP'), target_fixture="asked")
def post_in_clear(http: Endpoint, pace: Pace, path: str) -> tuple[str, Response]:
    pace.wait()
    return path, request(http, path, method="POST", body=b"{}", scheme="http")


@then(parsers.parse("the answer is {status:d} to the same host and URI over HTTPS"))
def to_https(
    http: Endpoint, asked: tuple[str, Response], evidence: EvidenceLog, status: int
) -> None:
    path, response = asked
    evidence.add("answer", [response.status, response.values("Location")])
    target = f"https://{http.name}{path}"
    require(
        response.status == status and response.values("Location") == (target,),
        expected=f"{status}, Location: {target}",
        actual=f"{response.status}, Location: {listed(response.values('Location'))}",
        where=response.url,
        look=curl(http, path),
    )
