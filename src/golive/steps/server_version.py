"""Judge whether anything tells the version of the server."""

import re

from pytest_bdd import then, when

from golive.endpoint import Endpoint
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.probes.http import Response, request
from golive.steps.expectation import listed, require
from golive.steps.site import Responses, curl

# A percent sign that encodes nothing: a server answers 400 (RFC 9110, 15.5.1) before it asks
# the application.
_MALFORMED = "/%zz"
_BAD_REQUEST = 400
_VERSION = re.compile(r"\b[a-z]+/\d[\w.]*", re.IGNORECASE)


@then("the Server header of each has no version")
def no_version(https: Endpoint, responses: Responses, evidence: EvidenceLog) -> None:
    evidence.add("Server", {kind: each.values("Server") for kind, each in responses.items()})
    for kind, response in responses.items():
        servers = response.values("Server") + response.values("X-Powered-By")
        require(
            not any(re.search(r"\d", server) for server in servers),
            expected="a Server header without a version, or none",
            actual=listed(servers),
            where=f"the response of kind {kind}, {response.url}",
            look=f"{curl(https, '/')} | grep -i '^server'",
        )


@when("the edge refuses a malformed request with its own page", target_fixture="refusal")
def malformed(https: Endpoint, pace: Pace) -> Response:
    pace.wait()
    response = request(https, _MALFORMED)
    require(
        response.status == _BAD_REQUEST,
        expected=f"status {_BAD_REQUEST} for a malformed request",
        actual=response.status,
        where=response.url,
        look=curl(https, _MALFORMED),
    )
    return response


@then("neither the page nor its Server header has a version")
def error_page(https: Endpoint, refusal: Response, evidence: EvidenceLog) -> None:
    page = refusal.body.decode("utf-8", "replace")
    evidence.add("error page", page)
    text = "\n".join([*refusal.values("Server"), page])
    found = _VERSION.findall(text)
    require(
        not found,
        expected="no version in the Server header or on the page",
        actual=listed(found),
        where=refusal.url,
        look=curl(https, _MALFORMED),
    )
