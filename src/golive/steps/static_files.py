"""Judge how long static files may be kept, by whom, and what they say that they are."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from pytest_bdd import parsers, then

from golive.endpoint import Endpoint
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.probes.http import Response, request
from golive.steps.expectation import listed, require
from golive.steps.site import curl

_OK = 200
_NOT_KEPT = {"no-store", "no-cache", "private"}


@then(parsers.parse('"{path}" expires {days:d} days after it is sent'))
def expires(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, days: int) -> None:
    response = _file(https, pace, path)
    sent = _dates(response, "Date")
    kept = [date - sent[0] for date in _dates(response, "Expires")] if sent else []
    max_age = [each for each in _directives(response) if each.startswith("max-age=")]
    evidence.add("kept for, in days", [each / timedelta(days=1) for each in kept])
    evidence.add("max-age", max_age)
    require(
        kept == [timedelta(days=days)],
        expected=f"one Expires, {days} days after Date",
        actual=f"Date: {listed(response.values('Date'))}, "
        f"Expires: {listed(response.values('Expires'))}",
        where=response.url,
        look=curl(https, path, " -o /dev/null -D -"),
    )
    # max-age takes the place of Expires (RFC 9111 5.3): they must not differ.
    seconds = f"max-age={days * 86400}"
    require(
        set(max_age) <= {seconds},
        expected=f"{seconds}, or none",
        actual=listed(max_age),
        where=response.url,
        look=curl(https, path, " -o /dev/null -D -"),
    )


@then(parsers.parse('"{path}" has a Cache-Control of "{directives}"'))
def cache_control(
    https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, directives: str
) -> None:
    response = _file(https, pace, path)
    seen = _directives(response)
    evidence.add("Cache-Control", seen)
    require(
        set(directives.split(", ")) <= set(seen) and not _NOT_KEPT & set(seen),
        expected=f"{directives}, and none of {listed(sorted(_NOT_KEPT))}",
        actual=listed(seen),
        where=response.url,
        look=curl(https, path, " -o /dev/null -D -"),
    )


@then(parsers.parse('"{path}" has one of the media types "{types}"'))
def media_type(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, types: str) -> None:
    response = _file(https, pace, path)
    seen = response.values("Content-Type")
    evidence.add("Content-Type", seen)
    require(
        len(seen) == 1 and seen[0].partition(";")[0] in types.split(", "),
        expected=types,
        actual=listed(seen),
        where=response.url,
        look=curl(https, path, " -o /dev/null -D -"),
    )


@then(parsers.parse('"{path}" is answered {status:d}, and may not be kept'))
def not_kept(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str, status: int) -> None:
    pace.wait()
    response = request(https, path)
    seen = [*response.values("Expires"), *response.values("Cache-Control")]
    evidence.add("status, Expires and Cache-Control", [response.status, *seen])
    require(
        response.status == status
        and not any("public" in each for each in seen)
        and not response.values("Expires"),
        expected=f"{status}, without Expires and Cache-Control: public",
        actual=f"{response.status}, {listed(seen)}",
        where=response.url,
        look=curl(https, path),
    )


def _file(https: Endpoint, pace: Pace, path: str) -> Response:
    pace.wait()
    response = request(https, path)
    require(
        response.status == _OK,
        expected=_OK,
        actual=response.status,
        where=response.url,
        look=curl(https, path),
    )
    return response


def _directives(response: Response) -> list[str]:
    """The directives of all Cache-Control lines: several are one list (RFC 9110 5.3)."""
    lines = response.values("Cache-Control")
    return [each.strip().lower() for line in lines for each in line.split(",")]


def _dates(response: Response, name: str) -> list[datetime]:
    try:
        return [parsedate_to_datetime(value) for value in response.values(name)]
    except ValueError as error:
        raise Unproven(f"{response.url}: {name} is no date: {error}", Whose.TARGET) from error
