"""Grafana's dashboards as their files have them, and what their queries return.

Only what is judged is read of a dashboard's JSON model (Grafana 10 and 11, schema version 38 and
39); Grafana knows many fields more.
"""

import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

import promql_parser as promql
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request

RATE_INTERVAL = "1m"
"""What $__rate_interval is here: four times the document's scrape interval, as Grafana has it."""

SHOWN_S = 300
"""Of how many seconds, up to now, a query must return something."""

_STEP_S = 15
_GIVEN = {"__rate_interval": RATE_INTERVAL, "__interval": "15s", "__range": "1h"}
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
_ANY_VALUE = re.compile(r',?\s*\w+\s*=~\s*"\.\*"')
_LABEL_VALUES = re.compile(r"label_values\((.+),\s*(\w+)\s*\)")
_QUERY_RESULT = re.compile(r"query_result\((.+)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_COMPARED = {"<", ">", "<=", ">="}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class DataSource(_Part):
    """A reference to a data source, by `uid`; None where the default one is meant."""

    uid: str | None = None


class Target(_Part):
    """One query of a panel; `expr` is empty where it is of no Prometheus."""

    expr: str = ""
    hide: bool = False
    datasource: DataSource | None = None


class _Step(_Part):
    value: float | None = None


class _Thresholds(_Part):
    steps: tuple[_Step, ...] = ()


class _Defaults(_Part):
    unit: str | None = None
    thresholds: _Thresholds = _Thresholds()


class _FieldConfig(_Part):
    defaults: _Defaults = _Defaults()


class Panel(_Part):
    """One panel. A row holds others in `panels`, where it is folded."""

    id: int
    title: str = ""
    type: str
    datasource: DataSource | None = None
    targets: tuple[Target, ...] = ()
    panels: "tuple[Panel, ...]" = ()
    field_config: _FieldConfig = Field(default=_FieldConfig(), alias="fieldConfig")

    @property
    def unit(self) -> str | None:
        """Grafana's name of its unit (`percent`, `s`, `reqps` ...); None where it has none."""
        return self.field_config.defaults.unit

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The values that it marks, in order."""
        steps = self.field_config.defaults.thresholds.steps
        return tuple(step.value for step in steps if step.value is not None)


class _Asked(_Part):
    query: str = ""


class _Variable(_Part):
    name: str
    type: str = ""
    query: str | _Asked = ""
    all_value: str | None = Field(default=None, alias="allValue")
    include_all: bool = Field(default=False, alias="includeAll")
    current: dict[str, JsonValue] = {}

    @property
    def value(self) -> str:
        """What stands for it in a query: all of its values, or the one that is chosen."""
        chosen = self.current.get("value")
        return self.all_value or ".*" if self.include_all else str(chosen or "")

    @property
    def question(self) -> str | None:
        """The PromQL query that finds its values; None where none does.

        Raises Unproven where it is none of those that are known here (OURS).
        """
        text = self.query if isinstance(self.query, str) else self.query.query
        if self.type != "query" or not text:
            return None
        if found := _LABEL_VALUES.fullmatch(text.strip()):
            return f"group by ({found[2]}) ({found[1]})"
        if found := _QUERY_RESULT.fullmatch(text.strip()):
            return found[1]
        raise Unproven(f"a variable's query that is not known: {text}", Whose.OURS)


class _Templating(_Part):
    list: tuple[_Variable, ...] = ()


class Dashboard(_Part):
    """A dashboard's JSON model, as far as it is judged."""

    uid: str
    title: str
    schema_version: int = Field(alias="schemaVersion")
    panels: tuple[Panel, ...] = ()
    templating: _Templating = _Templating()

    def every_panel(self) -> Iterator[Panel]:
        """Each panel, also those in a folded row; not the rows."""
        for panel in self.panels:
            if panel.type == "row":
                yield from panel.panels
            else:
                yield panel

    def questions(self) -> tuple[str, ...]:
        """The queries that find the values of its variables. Raises Unproven."""
        return tuple(filter(None, (each.question for each in self.templating.list)))

    def queries(self, panel: Panel) -> tuple[str, ...]:
        """The queries of a panel, with each variable replaced by what it stands for."""
        values = _GIVEN | {each.name: each.value for each in self.templating.list}
        return tuple(
            _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), target.expr)
            for target in panel.targets
            if target.expr and not target.hide
        )


@dataclass(frozen=True)
class Answer:
    """What a query returned of the last minutes: how many series that have a number (NaN is none),
    or the error instead."""

    series: int
    error: str = ""


def read(text: str, where: str) -> Dashboard:
    """A dashboard from its JSON. Raises Unproven (TARGET) where it is none."""
    try:
        return Dashboard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{where}: no dashboard of Grafana: {place}: {first['msg']}"
        raise Unproven(reason, Whose.TARGET) from error


def answer(prometheus: Endpoint, query: str) -> Answer:
    """What Prometheus returns of a query, of the last minutes: in a minute in which nothing
    happens a share is 0/0. Raises Unproven where it does not answer."""
    end = time.time()
    span = f"start={end - SHOWN_S}&end={end}&step={_STEP_S}"
    path = f"/api/v1/query_range?query={quote(query)}&{span}"
    response = request(prometheus, path, scheme="http")
    try:
        said = json.loads(response.body)
        if said["status"] != "success":
            return Answer(0, said["error"])
        curves = [[float(text) for _, text in each["values"]] for each in said["data"]["result"]]
        return Answer(sum(any(map(math.isfinite, each)) for each in curves))
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{prometheus}: not an answer of Prometheus: {response.body[:300]!r}"
        raise Unproven(reason, Whose.TARGET) from error


@cache
def watched(expression: str) -> tuple[str, float] | None:
    """What an alert compares with a number, and the number; None where it compares otherwise.

    Raises Unproven where it does not parse.
    """
    tree = _parsed(expression)
    if not isinstance(tree, promql.BinaryExpr) or str(tree.op) not in _COMPARED:
        return None
    for side, other in ((tree.lhs, tree.rhs), (tree.rhs, tree.lhs)):
        if isinstance(other, promql.NumberLiteral):
            return shown(side.prettify()), float(other.val)
    return None


@cache
def shown(query: str) -> str:
    """What a query shows, so that two are equal that show the same over other windows.

    What stands in for it where there is nothing to show (`or`) is left out, and so is the
    choice of any value. Raises Unproven where it does not parse.
    """
    tree = _parsed(_RANGE.sub(f"[{RATE_INTERVAL}]", _ANY_VALUE.sub("", query)))
    while True:
        if isinstance(tree, promql.ParenExpr):
            tree = tree.expr
        elif isinstance(tree, promql.BinaryExpr) and str(tree.op) == "or":
            tree = tree.lhs
        else:
            return str(tree.prettify())


def _parsed(query: str) -> promql.Expr:
    try:
        return promql.parse(query)
    except ValueError as error:
        raise Unproven(f"not PromQL: {query}: {error}", Whose.TARGET) from error
