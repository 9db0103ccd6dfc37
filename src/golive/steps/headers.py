"""Judge the security headers of every kind of response."""

from dataclasses import replace
from http import HTTPStatus

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment, ResponseKind
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.http import Response
from golive.steps.expectation import column, listed, require
from golive.steps.site import Responses, Sent, ask, curl


@then(parsers.re(r'each carries (?P<name>[\w-]+) once: "(?P<value>.*)"'))
def each_carries(
    environment: Environment,
    https: Endpoint,
    responses: Responses,
    evidence: EvidenceLog,
    name: str,
    value: str,
) -> None:
    seen = {kind: response.values(name) for kind, response in responses.items()}
    evidence.add(name, seen)
    for kind, values in seen.items():
        require(
            values == (value,),
            expected=f"{name}: {value}",
            actual=f"{name}: {listed(values)}",
            where=f"the response of kind {kind}, {responses[kind].url}",
            look=f"{curl(https, environment.requests[kind].path)} | grep -i '^{name}'",
        )


@when(
    "the application hangs up on a request, so that the edge answers 502",
    target_fixture="answer",
)
def application_hangs_up(environment: Environment, https: Endpoint) -> Response:
    asked = environment.requests.get(ResponseKind.PROXY_ERROR)
    if asked is None:
        raise NotRun(f"{environment.name} names no request on which the application hangs up")
    response = ask(https, Sent.of(asked))
    require(
        response.status == HTTPStatus.BAD_GATEWAY,
        expected=f"status {HTTPStatus.BAD_GATEWAY}",
        actual=response.status,
        where=response.url,
        look=curl(https, asked.path),
    )
    return response


@then("the answer carries these as a page does")
def as_a_page(
    environment: Environment,
    https: Endpoint,
    clients: Clients,
    answer: Response,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    # Of a client of its own: who was refused just now may be refused the page too, and two
    # refusals are alike.
    somebody = replace(https, source=clients.new())
    page = ask(somebody, Sent.of(environment.requests[ResponseKind.PAGE]))
    if page.status != HTTPStatus.OK:
        raise Unproven(f"{page.url}: answered {page.status}, no page to compare with", Whose.TARGET)
    evidence.add("headers of the answer", answer.headers)
    for name in column(datatable):
        require(
            answer.values(name) == page.values(name),
            expected=f"{name} as on {page.url}: {listed(page.values(name))}",
            actual=f"{name}: {listed(answer.values(name))}",
            where=f"{answer.url}, answered {answer.status}",
            look=f"{curl(https, '/')} | grep -i '^{name}'",
        )
