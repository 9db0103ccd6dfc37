"""The API's description as the deployment serves it: an OpenAPI document, and what is in it."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request

_OK = 200
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_LIMIT_S = 180  # for what hangs: some hundred requests take seconds


@dataclass(frozen=True, order=True)
class Operation:
    """A method (`get`) of a path, its parameters in braces (`/api/v1/routes/{routeId}`)."""

    path: str
    method: str

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True)
class Description:
    """An OpenAPI document: `text` is the JSON as served.

    `specification` is the version of OpenAPI that it follows, `version` that of the API;
    None where it does not say. `operations` are those under `paths`, in order.
    """

    url: str
    text: str
    specification: str
    version: str | None
    operations: tuple[Operation, ...]


def description(endpoint: Endpoint, path: str) -> Description:
    """The document at `path`.

    Raises Unproven as `request` does, and where the answer is no OpenAPI document.
    """
    response = request(endpoint, path)
    if response.status != _OK:
        raise Unproven(f"{response.url} answers {response.status}, not {_OK}", Whose.TARGET)
    try:
        document = json.loads(response.body)
        specification, paths = document["openapi"], document["paths"]
        operations = tuple(
            Operation(each, method)
            for each in paths
            for method in paths[each]
            if method in _METHODS
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{response.url}: not an OpenAPI document: {error!r}"
        raise Unproven(reason, Whose.TARGET) from error
    info = document.get("info")
    version = info.get("version") if isinstance(info, dict) else None
    return Description(
        url=response.url,
        text=response.body.decode("utf-8", "replace"),
        specification=str(specification),
        version=None if version is None else str(version),
        operations=operations,
    )


def problems(described: Description) -> tuple[str, ...]:
    """Where the document breaks the OpenAPI Specification that it follows; empty: nowhere.

    Raises Unproven where the validator cannot be run.
    """
    found = program("openapi_validator", json.loads(described.text))
    return tuple(map(str, found))


def program(name: str, given: object) -> list[Any]:
    """What the program golive.probes.NAME answers, both as JSON.

    A process of its own, at the same time as others: its libraries take a second to import. It
    ends with us. Raises Unproven as it says, and as the tool's fault where it fails.
    """
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--",
        "nice",  # seconds of CPU: what is timed goes first
        sys.executable,
        "-m",
        f"golive.probes.{name}",
    ]
    try:
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, timeout=_LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise Unproven(f"{name}: no end within {_LIMIT_S} s", Whose.TOOL) from error
    except OSError as error:
        raise Unproven(f"{name} cannot be run: {error}", Whose.TOOL) from error
    if done.returncode:
        last = done.stderr.strip()[-500:]
        raise Unproven(f"{name} ended with status {done.returncode}: {last}", Whose.TOOL)
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise Unproven(f"{name} answers nonsense: {done.stdout[:200]!r}", Whose.TOOL) from error
    if isinstance(answer, dict):
        raise Unproven(answer["unproven"], Whose(answer["whose"]))
    return list(answer)


def registered(endpoint: Endpoint) -> tuple[Operation, ...]:
    """The routes of Express in a worker of a replica's application server, over plain HTTP.

    Express's `:name` is written as OpenAPI does. Raises Unproven as `request` does, and where
    the replica's switch does not answer.
    """
    response = request(endpoint, "/__replica/routes", scheme="http")
    try:
        found = json.loads(response.body)
        routes = {
            Operation(re.sub(r":(\w+)", r"{\1}", each["path"]), each["method"]) for each in found
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Unproven(f"{response.url}: no list of routes: {error!r}", Whose.OURS) from error
    if not routes:
        raise Unproven(f"{response.url}: Express has no route", Whose.TARGET)
    return tuple(sorted(routes))
