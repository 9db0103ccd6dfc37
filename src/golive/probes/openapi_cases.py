"""A program: requests made from an OpenAPI document, sent, and the answers held against it.

It reads what `golive.probes.openapi_contract` asks for, and writes what it saw, both as JSON.
Schemathesis makes the requests and judges the answers; golive sends them, each on a connection
of its own and from the address that it was given.
"""

import contextlib
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from golive import cache
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes import http

_Operation = APIOperation[Any, Any, Any, Any]

_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
_HEADERS = {"authorization", "content-type"}  # the API has no others; ours say who asks
_TIMEOUT_S = 15  # bcrypt is slow on purpose


class Caller:
    """Sends requests, as many clients as it has addresses, or as one that keeps a pace."""

    def __init__(self, asked: dict[str, Any]) -> None:
        roots = asked["roots"] and Path(asked["roots"])
        self._endpoint = Endpoint(asked["address"], asked["port"], asked["name"], roots, None)
        self._sources = itertools.cycle(asked["sources"] or [None])
        self._interval_s = asked["interval_s"]
        self._run, self._number = asked["run"], itertools.count()

    def next_client(self) -> None:
        """From now on requests come from the next address, where there are several."""
        self._endpoint = replace(self._endpoint, source=next(self._sources))

    def send(self, case: Case[Any]) -> tuple[str, Response]:
        """The request in a line, and its answer."""
        body = case.body
        if isinstance(body, dict) and isinstance(email := body.get("email"), str) and "@" in email:
            # So that the account can be found, and removed.
            address = f"golive-{self._run}{next(self._number):012x}@golive.invalid"
            case.body = {**body, "email": address}
        base = f"https://{self._endpoint.name}"
        prepared = requests.Request(**case.as_transport_kwargs(base_url=base)).prepare()
        sent = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        if not isinstance(sent, bytes | None):
            raise TypeError(f"{case.operation.label}: a body of the type {type(sent)}")
        time.sleep(self._interval_s)
        answer = http.request(
            self._endpoint,
            prepared.path_url,
            method=str(prepared.method),
            headers=[(k, str(v)) for k, v in prepared.headers.items() if k.lower() in _HEADERS],
            body=sent,
            timeout_s=_TIMEOUT_S,
        )
        headers: dict[str, list[str]] = {}
        for name, value in answer.headers:
            headers.setdefault(name, []).append(value)
        line = (
            f"{prepared.method} {prepared.path_url} {(sent or b'')[:300].decode(errors='replace')}"
        )
        return line.strip(), Response(
            answer.status, headers, answer.body, prepared, answer.duration_s, verify=True
        )


def main() -> None:
    """Read what is asked, send, judge, answer."""
    asked = json.load(sys.stdin)
    hypothesis.configuration.set_hypothesis_home_dir(cache.root() / "hypothesis")
    try:
        json.dump(list(_seen(asked)), sys.stdout)
    except Unproven as error:
        json.dump({"unproven": error.reason, "whose": error.whose}, sys.stdout)


def _seen(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    caller = Caller(asked)
    for found in schemathesis.openapi.from_dict(asked["document"]).get_all_operations():
        if isinstance(found, Err):
            raise Unproven(f"not a description of an operation: {found.err()}", Whose.TARGET)
        operation = found.ok()
        if asked["writing"] or (operation.method == "get" and not _signed_in(operation)):
            yield _ask(operation, caller, asked)


def _signed_in(operation: _Operation) -> bool:
    """Whether the document says that one must be signed in."""
    whole = operation.schema.raw_schema.get("security", [])
    accepted = operation.definition.raw.get("security", whole)
    return bool(accepted) and {} not in accepted


def _ask(operation: _Operation, caller: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    caller.next_client()
    statuses: Counter[str] = Counter()
    broken: list[list[str]] = []
    for kind, case in _cases(operation, asked):
        line, answer = caller.send(case)
        statuses[f"{kind} {answer.status_code}"] += 1
        try:
            case.validate_response(answer, checks=_CHECKS)
        except FailureGroup as group:
            for each in group.exceptions:
                broken.append([line, kind, each.checks[0], " ".join(str(each).split())])
    return {
        "path": operation.path,
        "method": operation.method,
        "signed_in": _signed_in(operation),
        "statuses": statuses,
        "broken": broken,
    }


def _cases(operation: _Operation, asked: dict[str, Any]) -> Iterator[tuple[str, Case[Any]]]:
    """Each request, by kind. In all of them the path is right, for a wrong one may be another
    operation's, and so is the token, without which nothing else is looked at. Where there is more
    to vary than the path, it is the example's: what nobody finds is soon answered.
    """
    token = {"Authorization": f"Bearer {asked['token']}"} if _signed_in(operation) else {}
    examples = [
        case
        for strategy in operation.get_strategies_from_examples(headers=token)
        for case in _drawn(strategy, 1, asked["seed"])
    ]
    fixed: dict[str, Any] = {"headers": token}
    if examples and (len(operation.query) or len(operation.body)):
        fixed["path_parameters"] = examples[0].path_parameters
    right = _drawn(operation.as_strategy(**fixed), asked["right"], asked["seed"])
    fixed["path_parameters"] = next((case.path_parameters for case in [*examples, *right]), {})
    wrong = operation.as_strategy(GenerationMode.NEGATIVE, **fixed)
    yield from (("example", case) for case in examples)
    yield from (("right", case) for case in right)
    yield from (("wrong", case) for case in _drawn(wrong, asked["wrong"], asked["seed"]))


def _drawn(strategy: SearchStrategy[Case[Any]], number: int, seed: int) -> list[Case[Any]]:
    """At most so many cases, always the same for a seed; none where there can be none."""
    drawn: list[Case[Any]] = []
    if number == 0:
        return drawn

    @hypothesis.seed(seed)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: Case[Any]) -> None:
        drawn.append(case)

    with contextlib.suppress(Unsatisfiable):
        draw()
    return drawn


if __name__ == "__main__":
    main()
