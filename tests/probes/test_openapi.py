"""Descriptions of an API, good and wrong, and whether a real server keeps to them."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.openapi import Description, Operation, description, problems, program, registered
from golive.probes.openapi_contract import Asked, Requests, contract

from .nginx_server import Nginx, fresh_address, nginx

THING = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
JSON = {"application/json": {"schema": THING}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Things", "version": "1.2.3"},
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    "paths": {
        "/thing": {"get": {"responses": {"200": {"description": "it", "content": JSON}}}},
        "/search": {
            "get": {
                "parameters": [
                    {
                        "name": "q",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "string", "pattern": "^[a-z]{2,9}$"},
                        "example": "bike",
                    }
                ],
                "responses": {
                    "200": {"description": "found", "content": JSON},
                    "400": {"description": "wrong"},
                },
            }
        },
        "/mine": {
            "get": {
                "security": [{"bearer": []}],
                "responses": {"200": {"description": "mine", "content": JSON}},
            },
            "post": {"responses": {"201": {"description": "made"}}},
        },
    },
}
CONFIGURATION = r"""
server {
    default_type application/json;
    listen ADDRESS:8443 ssl;
    listen ADDRESS:8080;
    server_name www.golive.test;
    root files;
    location = /thing { return 200 '{"name": "bike"}'; }
    location = /search {
        if ($arg_q !~ "^[a-z]+$") { return 400; }
        return 200 '{"name": "bike"}';
    }
    location = /empty { return 200 '{}'; }
    location = /text { default_type text/plain; return 200 'bike'; }
    location = /broken { return 500; }
    location = /gone { return 410; }
    location = /page.json { return 200 '<html>'; }
    location = /list.json { return 200 '[]'; }
    location = /__replica/routes {
        return 200 '[{"method": "get", "path": "/a/:b/c"}, {"method": "post", "path": "/a"}]';
    }
}
server { listen ADDRESS:8443 ssl; server_name bare.golive.test; return 404; }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    directory: Path = tmp_path_factory.mktemp("nginx")
    (directory / "files").mkdir()
    with nginx(directory, CONFIGURATION) as running:
        yield running


@pytest.fixture
def www(server: Nginx) -> Endpoint:
    return server.endpoint("www")


def served(server: Nginx, document: dict[str, Any]) -> str:
    """The path of a document that the server has from now on."""
    name = f"/{abs(hash(json.dumps(document)))}.json"
    (server.roots.parent / "files" / name[1:]).write_text(json.dumps(document))
    return name


def described(document: dict[str, Any]) -> Description:
    return Description("https://x/openapi.json", json.dumps(document), "3.0.3", None, ())


def with_path(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    return DOCUMENT | {"paths": {path: {"get": operation}}}


def asked(server: Nginx, document: dict[str, Any], right: int = 2, wrong: int = 0) -> list[Asked]:
    requests = Requests(right, wrong, (fresh_address(), fresh_address()))
    path = served(server, document)
    return list(contract(server.endpoint("www"), path, requests, None))


def test_what_a_document_says(server: Nginx, www: Endpoint):
    seen = description(www, served(server, DOCUMENT))
    assert (seen.specification, seen.version) == ("3.0.3", "1.2.3")
    assert list(map(str, seen.operations)) == [
        "GET /thing",
        "GET /search",
        "GET /mine",
        "POST /mine",
    ]


@pytest.mark.parametrize("path", ["/page.json", "/list.json", "/gone", "/absent", "/thing"])
def test_what_is_no_description_is_unproven(www: Endpoint, path: str):
    with pytest.raises(Unproven) as found:
        description(www, path)
    assert found.value.whose is Whose.TARGET


def test_a_good_document_has_no_problem():
    assert problems(described(DOCUMENT)) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(openapi="9.0"), "no such version"),
        (lambda d: d.pop("info"), '"info" is a required property'),
        (lambda d: d["paths"]["/thing"]["get"].pop("responses"), "paths//thing/get"),
        (lambda d: d["paths"].update({"/y/{z}": d["paths"]["/thing"]}), "z"),
        (
            lambda d: d["paths"]["/thing"]["get"]["responses"].update(
                {"400": {"$ref": "#/components/responses/Wrong"}}
            ),
            "a reference to nowhere",
        ),
    ],
)
def test_rules_of_the_specification(change, said: str):
    document = deepcopy(DOCUMENT)
    change(document)
    (found,) = problems(described(document))
    assert said in found


def test_routes_of_express(server: Nginx):
    endpoint = server.endpoint("www", port=8080)
    assert registered(endpoint) == (Operation("/a", "post"), Operation("/a/{b}/c", "get"))
    with pytest.raises(Unproven):
        registered(server.endpoint("other", port=8443))


def test_an_api_that_keeps_its_word(server: Nginx):
    thing, search = asked(server, DOCUMENT)  # /mine needs signing in, or writes
    assert (str(thing.operation), thing.statuses) == ("GET /thing", {"right 200": 1})
    assert search.statuses == {"example 200": 1, "right 200": 2}
    assert search.answered("example") == (200,)
    assert thing.breaks == search.breaks == ()


def test_the_same_requests_each_time(server: Nginx):
    wrong = with_path("/text", DOCUMENT["paths"]["/search"]["get"])
    first, again = (asked(server, wrong)[0].breaks for _ in range(2))
    assert first == again
    assert first[0].request == "GET /text?q=bike"


@pytest.mark.parametrize(
    ("path", "check"),
    [
        ("/empty", "response_schema_conformance"),
        ("/text", "content_type_conformance"),
        ("/broken", "not_a_server_error"),
        ("/gone", "status_code_conformance"),
    ],
)
def test_an_api_that_does_not(server: Nginx, path: str, check: str):
    (seen,) = asked(server, with_path(path, DOCUMENT["paths"]["/thing"]["get"]))
    assert check in {each.check for each in seen.breaks}
    assert {each.kind for each in seen.breaks} == {"right"}


def test_what_is_wrong_must_be_refused(server: Nginx):
    good = asked(server, with_path("/search", DOCUMENT["paths"]["/search"]["get"]), wrong=3)
    (seen,) = asked(server, with_path("/thing", DOCUMENT["paths"]["/search"]["get"]), wrong=3)
    assert good[0].breaks == ()
    assert {(each.kind, each.check) for each in seen.breaks} == {
        ("wrong", "negative_data_rejection")
    }


def test_no_operation_is_unproven(server: Nginx):
    with pytest.raises(Unproven, match="no operation was asked"):
        asked(server, DOCUMENT | {"paths": {}})


def test_a_server_that_goes_away_is_unproven(server: Nginx):
    path = served(server, with_path("/thing", DOCUMENT["paths"]["/thing"]["get"]))
    silent = Requests(1, 0, ("192.0.2.1",))  # not an address of this machine (RFC 5737)
    with pytest.raises(Unproven) as found:
        contract(server.endpoint("www"), path, silent, None)
    assert found.value.whose is Whose.OURS


def test_a_program_that_fails_is_unproven():
    with pytest.raises(Unproven) as found:
        program("no_such_program", {})
    assert found.value.whose is Whose.TOOL
    with pytest.raises(Unproven, match="openapi_cases ended with status 1"):
        program("openapi_cases", {})
