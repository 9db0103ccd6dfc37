"""What a Grafana says by its HTTP API: its dashboards, its data sources, what queries return.

The API is that of Grafana 10 and 11: /api/search, /api/dashboards/uid, /api/datasources/uid/…/
health and /api/ds/query, signed in to with the token of a service account.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.dashboards import SHOWN_S, Answer, Dashboard, read
from golive.probes.http import Response, Scheme, request

_OK = 200
_REFUSED = {401, 403}
_NOT_FOUND = 404
_TIMEOUT_S = 15
T = TypeVar("T")


@dataclass(frozen=True)
class Grafana:
    """A Grafana: where it is, and who asks. `path` is what stands before /api, mostly nothing."""

    endpoint: Endpoint
    scheme: Scheme
    path: str
    token: str

    @classmethod
    def at(cls, url: str, token: str) -> "Grafana":
        """The Grafana of this address."""
        parts = urlsplit(url)
        scheme: Scheme = "http" if parts.scheme == "http" else "https"
        host = parts.hostname or ""
        port = parts.port or (80 if scheme == "http" else 443)
        return cls(Endpoint(host, port, host), scheme, parts.path.rstrip("/"), token)

    def url(self, path: str) -> str:
        """An address for a person's browser."""
        return f"{self.scheme}://{self.endpoint.name}:{self.endpoint.port}{self.path}{path}"


@dataclass(frozen=True)
class Health:
    """Whether a data source works, and what Grafana says of it."""

    well: bool
    message: str


def dashboards(grafana: Grafana, titles: Iterable[str]) -> tuple[Dashboard, ...]:
    """The dashboards of these titles that the token may see. Raises Unproven."""
    found = _ask(
        grafana,
        "/api/search?type=dash-db&limit=1000",
        lambda said: [each["uid"] for each in said if each["title"] in titles],
    )
    return tuple(_dashboard(grafana, uid) for uid in found)


def _dashboard(grafana: Grafana, uid: str) -> Dashboard:
    path = f"/api/dashboards/uid/{quote(uid)}"
    model = _ask(grafana, path, lambda said: said["dashboard"])
    return read(json.dumps(model), grafana.url(path))


def health(grafana: Grafana, uid: str) -> Health:
    """Whether the data source of this uid answers Grafana. Raises Unproven."""
    path = f"/api/datasources/uid/{quote(uid)}/health"
    response = _request(grafana, path)
    if response.status == _NOT_FOUND:
        return Health(False, "there is no such data source")
    said = _read(grafana, path, response)
    return Health(
        response.status == _OK and said.get("status") == "OK", str(said.get("message", ""))
    )


def answer(grafana: Grafana, uid: str, query: str) -> Answer:
    """What a PromQL query returns through the data source of this uid. Raises Unproven."""
    path = "/api/ds/query"
    asked = {
        "queries": [
            {
                "refId": "A",
                "datasource": {"uid": uid},
                "expr": query,
                "instant": False,
                "range": True,
                "intervalMs": 15_000,
                "maxDataPoints": 100,
            }
        ],
        "from": f"now-{SHOWN_S}s",
        "to": "now",
    }
    response = _request(grafana, path, json.dumps(asked).encode())
    said = _read(grafana, path, response)
    try:
        # A query that is refused is answered 400, with its error as the result.
        result = said["results"]["A"] if "results" in said else said
        if error := result.get("error") or result.get("message"):
            return Answer(0, str(error))
        frames = result["frames"]
        return Answer(sum(1 for frame in frames if _has_number(frame["data"]["values"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_answer(grafana, path, response) from error


def _has_number(columns: list[list[Any]]) -> bool:
    """Whether there is a number beside the times; what is none (NaN) Grafana writes as null."""
    return any(
        isinstance(each, int | float) and math.isfinite(each)
        for column in columns[1:]
        for each in column
    )


def _ask(grafana: Grafana, path: str, pick: Callable[[Any], T]) -> T:
    response = _request(grafana, path)
    said = _read(grafana, path, response)
    try:
        if response.status != _OK:
            raise ValueError(response.status)
        return pick(said)
    except (ValueError, KeyError, TypeError) as error:
        raise _no_answer(grafana, path, response) from error


def _request(grafana: Grafana, path: str, body: bytes | None = None) -> Response:
    return request(
        grafana.endpoint,
        grafana.path + path,
        method="GET" if body is None else "POST",
        headers=(
            ("Authorization", f"Bearer {grafana.token}"),
            ("Content-Type", "application/json"),
        ),
        body=body,
        scheme=grafana.scheme,
        timeout_s=_TIMEOUT_S,
    )


def _read(grafana: Grafana, path: str, response: Response) -> Any:  # noqa: ANN401 (JSON)
    if response.status in _REFUSED:
        reason = f"{grafana.url(path)}: status {response.status}: grafana-token is not accepted"
        raise Unproven(reason, Whose.OURS)
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise _no_answer(grafana, path, response) from error


def _no_answer(grafana: Grafana, path: str, response: Response) -> Unproven:
    said = f"status {response.status}: {response.body[:200]!r}"
    return Unproven(f"{grafana.url(path)}: not an answer of Grafana: {said}", Whose.TARGET)
