"""Judge what is compressed, for whom, and how."""

from pytest_bdd import parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.probes.compression import ask, is_compressed, level, plain_text
from golive.probes.http import Headers, Response, Version, request
from golive.steps.expectation import column, listed, require
from golive.steps.site import curl, site

_OK = 200
_BODY_BYTES = 5000


@then(parsers.parse('"{path}" is sent compressed, and unpacked it is what others are sent'))
def sent_compressed(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str) -> None:
    response = _served(https, pace, path)
    _require_compressed(https, path, response, True, evidence)
    pace.wait()
    plain = request(https, path)
    require(
        plain.body == plain_text(response) and not plain.values("Content-Encoding"),
        expected=f"the same {len(plain.body)} bytes, for a client that does not accept gzip as is",
        actual=f"{len(plain_text(response))} bytes unpacked; "
        f"Content-Encoding of the other: {listed(plain.values('Content-Encoding'))}",
        where=response.url,
        look=curl(https, path, " --compressed"),
    )


@then(parsers.parse('"{path}" is not sent compressed'))
def not_sent_compressed(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str) -> None:
    _require_compressed(https, path, _served(https, pace, path), False, evidence)


@then(parsers.parse('"{path}" is sent compressed to a client with "{header}: {value}"'))
def sent_compressed_to(
    https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, header: str, value: str
) -> None:
    response = _served(https, pace, path, headers=((header, value),))
    _require_compressed(https, path, response, True, evidence, f" -H '{header}: {value}'")


@then(parsers.parse('"{path}" is not sent compressed to an HTTP/1.0 client'))
def not_sent_to_old(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str) -> None:
    # Or nothing at all is compressed, and this would say nothing of HTTP/1.0.
    _require_compressed(https, path, _served(https, pace, path), True, evidence)
    response = _served(https, pace, path, http_version="1.0")
    _require_compressed(https, path, response, False, evidence, " --http1.0")


@then(parsers.parse('"{path}" has Vary: {value}, compressed or not'))
def varies(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, value: str) -> None:
    pace.wait()
    for response in (_served(https, pace, path), request(https, path)):
        seen = [token.strip() for line in response.values("Vary") for token in line.split(",")]
        evidence.add(f"Vary, Content-Encoding {listed(response.values('Content-Encoding'))}", seen)
        require(
            value.lower() in map(str.lower, seen),
            expected=f"Vary: {value}",
            actual=f"Vary: {listed(seen)}",
            where=response.url,
            look=f"{curl(https, path)} | grep -i '^vary'",
        )


@then(parsers.parse('"{path}" is compressed as zlib does at level {expected:d}'))
def compressed_at(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, path: str, expected: int
) -> None:
    seen = measurements.result(level, edge, path)
    evidence.add("levels of zlib that give exactly what was sent", seen)
    if not seen.fitting:
        reason = f"{path}: no level of zlib gives the {seen.sent} bytes that were sent"
        raise Unproven(reason, Whose.TARGET)
    if len(seen.fitting) > 1 and expected in seen.fitting:
        raise Unproven(f"{path}: levels {listed(seen.fitting)} give the same", Whose.OURS)
    require(
        seen.fitting == (expected,),
        expected=f"level {expected}",
        actual=f"level {listed(seen.fitting)}: {seen.plain} bytes became {seen.sent}",
        where=f"https://{edge.name}{path}",
        look=f"{curl(edge, path)} | gzip -{expected} | wc -c, and the same with --compressed",
    )


@then("a body of each of these types is sent compressed")
def each_compressed(
    environment: Environment, clients: Clients, evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    for media_type in column(datatable):
        _require_type(environment, clients, evidence, media_type, True)


@then("a body of none of these types is sent compressed")
def none_compressed(
    environment: Environment, clients: Clients, evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    for media_type in column(datatable):
        _require_type(environment, clients, evidence, media_type, False)


def _require_type(
    environment: Environment,
    clients: Clients,
    evidence: EvidenceLog,
    media_type: str,
    compressed: bool,
) -> None:
    # A client for each: together they are more than one may ask at once.
    endpoint = site(environment, environment.site.ports.https, clients.new())
    written = media_type.replace("+", "%2B")
    path = f"/__replica/body?type={written}&bytes={_BODY_BYTES}"
    response = ask(endpoint, path)
    require(
        response.status == _OK and response.values("Content-Type") == (media_type,),
        expected=f"{_OK} and a body of the type {media_type}",
        actual=f"{response.status}, {listed(response.values('Content-Type'))}",
        where=response.url,
        look=curl(endpoint, path),
    )
    _require_compressed(endpoint, path, response, compressed, evidence)


def _served(
    endpoint: Endpoint,
    pace: Pace,
    path: str,
    headers: Headers = (),
    http_version: Version = "1.1",
) -> Response:
    pace.wait()
    response = ask(endpoint, path, headers=headers, http_version=http_version)
    require(
        response.status == _OK,
        expected=_OK,
        actual=response.status,
        where=response.url,
        look=curl(endpoint, path),
    )
    return response


def _require_compressed(
    endpoint: Endpoint,
    path: str,
    response: Response,
    compressed: bool,
    evidence: EvidenceLog,
    options: str = "",
) -> None:
    seen = is_compressed(response)
    types = listed(response.values("Content-Type"))
    evidence.add(f"{path} ({types}): compressed", seen)
    require(
        seen is compressed,
        expected="compressed" if compressed else "not compressed",
        actual=f"{'' if seen else 'not '}compressed: {types}, {len(response.body)} bytes",
        where=response.url,
        look=curl(endpoint, path, f" -o /dev/null -D - -H 'Accept-Encoding: gzip'{options}"),
    )
