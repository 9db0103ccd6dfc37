"""Descriptions that say something else of the API than what it does."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from golive.faults.application import DIRECTORY
from golive.faults.fault import FaultError, Target, fault
from golive.faults.files import edited
from golive.faults.nginx_reload import nginx_edited

_FEATURE = "03_api_documentation/openapi.feature::"
_SPECIFICATION = f"{_FEATURE}The description follows its specification"
_RELEASE = f"{_FEATURE}The description is of this release"
_DESCRIBED = f"{_FEATURE}Every route of the application is described"
_SERVED = f"{_FEATURE}Every operation that is described is served"
_READ = f"{_FEATURE}What everybody may read is answered as described"
_ALL = f"{_FEATURE}Every operation answers as described, also to what is wrong"

_WEATHER, _SEARCH = "/api/v1/weather", "/api/v1/search"
_PUBLIC = "/var/www/acme"  # a directory that the edge's nginx may read
_LOCATION = "location ^~ /api/docs {"

Document = dict[str, Any]


@fault(_SPECIFICATION)
@contextmanager
def operations_of_one_name(replica: Target) -> Iterator[None]:
    """CHK-03: two operations have one operationId, which the specification forbids."""

    def edit(document: Document) -> None:
        document["paths"]["/ready"]["get"]["operationId"] = "health"

    with _described(replica, edit):
        yield


@fault(_RELEASE)
@contextmanager
def version_of_last_year(replica: Target) -> Iterator[None]:
    """CHK-03: the description is of another version than the application."""

    def edit(document: Document) -> None:
        document["info"]["version"] = "0.9.0"

    with _described(replica, edit):
        yield


@fault(_RELEASE)
@contextmanager
def server_of_another_version(replica: Target) -> Iterator[None]:
    """CHK-03: one application server has a newer release, which its workers do not run yet."""
    edits = ('"version": "1.0.0"', '"version": "1.1.0"')
    with edited(replica, "app-2", f"{DIRECTORY}/package.json", edits):
        yield


@fault(_DESCRIBED)
@contextmanager
def route_not_described(replica: Target) -> Iterator[None]:
    """CHK-03: the search is not in the description."""

    def edit(document: Document) -> None:
        del document["paths"][_SEARCH]

    with _described(replica, edit):
        yield


@fault(_SERVED)
@contextmanager
def nothing_behind_a_description(replica: Target) -> Iterator[None]:
    """CHK-03: an operation is described that was removed, and may answer 404."""

    def edit(document: Document) -> None:
        gone = copy.deepcopy(document["paths"][_WEATHER])
        gone["get"]["operationId"] = "getForecast"
        del gone["get"]["parameters"]
        document["paths"]["/api/v1/forecast"] = gone

    with _described(replica, edit):
        yield


@fault(_READ, _ALL)
@contextmanager
def member_never_sent(replica: Target) -> Iterator[None]:
    """CHK-03: the weather has a humidity, says the description; both kinds of requests ask it."""

    def edit(document: Document) -> None:
        document["components"]["schemas"]["Weather"]["required"].append("humidity")

    with _described(replica, edit):
        yield


@fault(_READ)
@contextmanager
def example_of_nothing(replica: Target) -> Iterator[None]:
    """CHK-03: the route of the example was removed, so that it is answered with 404."""

    def edit(document: Document) -> None:
        document["components"]["parameters"]["routeId"]["example"] = "route-99"

    with _described(replica, edit):
        yield


@fault(_ALL)
@contextmanager
def rule_not_kept(replica: Target) -> Iterator[None]:
    """CHK-03: a search needs a kind, says the description; the API answers without one."""

    def edit(document: Document) -> None:
        kind = {"name": "kind", "in": "query", "required": True, "schema": {"enum": ["road"]}}
        document["paths"][_SEARCH]["get"]["parameters"] = [
            {"name": "q", "in": "query", "schema": {"enum": ["gineste"]}, "example": "gineste"},
            kind | {"example": "road"},
        ]

    with _described(replica, edit):
        yield


@contextmanager
def _described(replica: Target, edit: Callable[[Document], None]) -> Iterator[None]:
    """With the edited description served by the edge in the place of the application's own."""
    original = replica.path("app-1", f"{DIRECTORY}/openapi.json").read_text()
    document = json.loads(original)
    edit(document)
    if document == json.loads(original):
        raise FaultError("the description is as it was")
    file = replica.path("edge", f"{_PUBLIC}/openapi.json")
    location = (
        f"location = /api/docs/openapi.json {{ default_type application/json; alias {file}; }}"
    )
    try:
        file.write_text(json.dumps(document))
        with nginx_edited(replica, (_LOCATION, f"{location} {_LOCATION}")):
            yield
    finally:
        file.unlink(missing_ok=True)
