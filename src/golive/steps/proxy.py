"""Judge what the proxy passes on to the application, and for how long it waits."""

import json
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.http import Headers, Response, request
from golive.probes.http2 import http2
from golive.probes.nginx import Nginx
from golive.probes.nginx_configuration import answering, passed_to
from golive.probes.rate_limit import REFUSALS
from golive.probes.websocket import Conversation, converse
from golive.steps.expectation import listed, require
from golive.steps.site import curl, site

Table = list[list[str]]

# Replica only: any path, asked with this, is answered with the request as the application saw it.
_SHOW = ("X-Golive-Show", "request")
_OK = 200
_SILENT_S = 200.0  # longer than any upstream is waited for here


@dataclass(frozen=True)
class Shown:
    """A request as the application saw it, and the client that made it."""

    endpoint: Endpoint
    path: str
    request: dict[str, Any]
    forged: Headers

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a header; names compare without case."""
        raw = self.request["rawHeaders"]
        pairs = zip(raw[::2], raw[1::2], strict=True)
        return tuple(value for key, value in pairs if key.lower() == name.lower())


@when(parsers.parse('the application shows a request to "{path}"'), target_fixture="shown")
def show(https: Endpoint, evidence: EvidenceLog, path: str) -> Shown:
    return _show(https, evidence, path)


@when(
    parsers.parse('the application shows a request to "{path}" with forged headers'),
    target_fixture="shown",
)
def show_forged(https: Endpoint, evidence: EvidenceLog, path: str, datatable: Table) -> Shown:
    return _show(https, evidence, path, forged=[(name, value) for name, value in datatable])


@when(
    parsers.parse('the application shows a POST of {size:d} bytes to "{path}"'),
    target_fixture="shown",
)
def show_upload(https: Endpoint, evidence: EvidenceLog, size: int, path: str) -> Shown:
    return _show(https, evidence, path, body=bytes(size))


@then(parsers.parse("it was received on port {port:d}"))
def received_on(shown: Shown, port: int) -> None:
    require(
        shown.request["localPort"] == port,
        expected=f"port {port}",
        actual=f"{shown.request['localAddress']}:{shown.request['localPort']}",
        where=f"the application, asked for {shown.path}",
        look=_look(shown),
    )


@then(
    parsers.parse(
        'it saw the site\'s name as Host, "{scheme}" as X-Forwarded-Proto, '
        "and the client's address"
    )
)
def saw_client(shown: Shown, scheme: str) -> None:
    client = shown.endpoint.source
    if client is None:
        raise NotRun("this machine's address as the edge sees it is not known")
    expected = {
        "Host": (shown.endpoint.name,),
        "X-Forwarded-Proto": (scheme,),
        "X-Real-IP": (client,),
    }
    for name, values in expected.items():
        _require_seen(shown, name, values, shown.values(name))
    # What stands before it is what the client says; Express takes the last one of them.
    last = [value.rpartition(",")[2].strip() for value in shown.values("X-Forwarded-For")]
    _require_seen(shown, "the last of X-Forwarded-For", (client,), tuple(last))
    _require_seen(shown, "the client's address (req.ip)", (client,), (shown.request["ip"],))


@then("none of the forged values is in what it saw")
def saw_nothing_forged(shown: Shown) -> None:
    for name, value in shown.forged:
        seen = [each for each in shown.request["rawHeaders"] if value in each]
        _require_seen(shown, f"{name}: {value}", (), tuple(seen))


@then(parsers.parse("every server that nginx passes requests to is on port {port:d}"))
def all_on_port(running: tuple[Nginx, ...], evidence: EvidenceLog, port: int) -> None:
    for nginx in running:
        found = [
            (place, server)
            for place in answering(nginx.configuration)
            for server in passed_to(place)
        ]
        if not found:
            raise Unproven(f"{nginx.host}: nginx passes requests to nobody", Whose.TARGET)
        for place, server in found:
            evidence.add(f"{place} ({place.where})", server)
            require(
                server.port == port,
                expected=f"port {port}",
                actual=f"{server.address}:{server.port}",
                where=f"{place} ({place.where}) on {nginx.host}",
                look=nginx.look,
            )


@when(
    parsers.parse('a client opens a WebSocket at "{path}" and says "{text}"'),
    target_fixture="conversation",
)
def speak(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, text: str) -> Conversation:
    pace.wait()
    # The application greets first, and then says back what it is told.
    conversation = converse(https, path, text, answers=2)
    evidence.add(f"WebSocket at {path}", conversation)
    return conversation


@then(parsers.parse('the connection is upgraded, and the application says "{text}" back'))
def upgraded(https: Endpoint, conversation: Conversation, text: str) -> None:
    require(
        conversation.status == 101 and any(text in each for each in conversation.received[1:]),
        expected=f'101, and a message with "{text}" after the greeting',
        actual=f"{conversation.status}, {listed(conversation.received)}",
        where=f"wss://{https.name}/ws at {https.address}:{https.port}",
        look=curl(
            https,
            "/ws",
            " --http1.1 -H 'Connection: upgrade' -H 'Upgrade: websocket' "
            "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
        ),
    )


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
    slow: bool,
) -> None:
    """Leave a request unanswered first: that takes a minute and a half."""
    if slow and "NGX-42" in tags:
        _start_silence(measurements, environment, clients)


@when("the application leaves a request unanswered", target_fixture="given_up")
def leave_unanswered(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    evidence: EvidenceLog,
) -> Response:
    response = _start_silence(measurements, environment, clients).result()
    evidence.add("status and seconds until the client was answered", _waited(response))
    return response


@then(
    parsers.parse(
        "the client is answered {status:d} after {least:d} s at least and {most:d} s at most"
    )
)
def answered_after(https: Endpoint, given_up: Response, status: int, least: int, most: int) -> None:
    require(
        given_up.status == status and least <= given_up.duration_s <= most,
        expected=f"{status} after {least} to {most} s",
        actual=f"{given_up.status} after {given_up.duration_s:.1f} s",
        where=given_up.url,
        look=curl(https, "/__replica/slow?ms=200000"),
    )


@then(parsers.parse('"{path}" is answered {status:d}'))
def answered(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, status: int) -> None:
    pace.wait()
    response = request(https, path)
    evidence.add(path, response.status)
    require(
        response.status == status,
        expected=status,
        actual=response.status,
        where=response.url,
        look=curl(https, path),
    )


@when(
    parsers.parse('a new client asks for "{path}" {count:d} times at once'),
    target_fixture="refusals",
)
def ask_at_once(https: Endpoint, evidence: EvidenceLog, path: str, count: int) -> tuple[str, int]:
    with http2(https) as connection:
        exchanges = connection.ask(path, count=count)
    statuses = [each.response.status for each in exchanges if each is not None]
    if len(statuses) != count:
        raise Unproven(f"{path}: {len(statuses)} of {count} answered", Whose.TARGET)
    seen = {status: statuses.count(status) for status in sorted(set(statuses))}
    evidence.add("answers by status", seen)
    return f"{path}: {seen}", sum(status in REFUSALS for status in statuses)


@then("some are refused")
def some_refused(https: Endpoint, refusals: tuple[str, int]) -> None:
    said, refused = refusals
    require(
        refused > 0,
        expected=f"some refused ({' or '.join(map(str, REFUSALS))})",
        actual=said,
        where=https,
        look="limit_req in the location that answers",
    )


@then("none is refused")
def none_refused(https: Endpoint, refusals: tuple[str, int]) -> None:
    said, refused = refusals
    require(
        refused == 0,
        expected="all served",
        actual=said,
        where=https,
        look="limit_req in the location that answers",
    )


def show_to(
    endpoint: Endpoint, path: str, *, headers: Headers = (), body: bytes | None = None
) -> dict[str, Any]:
    """A request of this client as the application saw it; replica only."""
    method = "GET" if body is None else "POST"
    response = request(endpoint, path, method=method, headers=(_SHOW, *headers), body=body)
    require(
        response.status == _OK,
        expected=f"{_OK}, and the request as the application saw it",
        actual=response.status,
        where=response.url,
        look=curl(endpoint, path, f" -H '{': '.join(_SHOW)}'"),
    )
    try:
        seen: dict[str, Any] = json.loads(response.body)
        seen["rawHeaders"], seen["localPort"]
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{response.url}: the application does not show the request: {error!r}"
        raise Unproven(reason, Whose.TARGET) from error
    return seen


def _show(
    https: Endpoint,
    evidence: EvidenceLog,
    path: str,
    *,
    forged: Headers = (),
    body: bytes | None = None,
) -> Shown:
    seen = show_to(https, path, headers=forged, body=body)
    evidence.add("the request as the application saw it", seen)
    return Shown(https, path, seen, forged)


def _require_seen(
    shown: Shown, name: str, expected: tuple[str, ...], seen: tuple[str, ...]
) -> None:
    require(
        seen == expected,
        expected=f"{name}: {listed(expected)}",
        actual=f"{name}: {listed(seen)}",
        where=f"the application, asked for {shown.path}",
        look=_look(shown),
    )


def _look(shown: Shown) -> str:
    forged = "".join(f" -H '{name}: {value}'" for name, value in shown.forged)
    return curl(shown.endpoint, shown.path, f" -H '{': '.join(_SHOW)}'{forged}")


def _start_silence(
    measurements: Measurements, environment: Environment, clients: Clients
) -> Future[Response]:
    source = clients.named("leaves a request unanswered")
    endpoint = site(environment, environment.site.ports.https, source)
    path = f"/__replica/slow?ms={_SILENT_S * 1000:.0f}"
    return measurements.start(request, endpoint, path, timeout_s=_SILENT_S)


def _waited(response: Response) -> list[float]:
    return [response.status, round(response.duration_s, 1)]
