"""The rules of a Prometheus: as it has loaded them, or as a file has them.

An expression is kept as it was written there. `canonical` makes two spellings of one
expression equal: Prometheus answers with its own.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser as promql
import yaml

from golive.outcome import Unproven, Whose

_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_OPERATORS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_COMPARISON = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*|([<>]=?)""")
_TURNED = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")


@dataclass(frozen=True)
class Rule:
    """One rule. `for_s` and `keep_firing_s` are 0 where none is given, and for a recording.

    `interval_s` is the group's own; None where it is the global one. `labels` are those that
    the rule adds.
    """

    group: str
    alerting: bool
    name: str
    expression: str
    for_s: float = 0
    keep_firing_s: float = 0
    labels: tuple[tuple[str, str], ...] = ()
    interval_s: float | None = None

    @property
    def severity(self) -> str | None:
        """Its severity label; None where it has none."""
        return dict(self.labels).get("severity")


@dataclass(frozen=True)
class Selector:
    """What one vector selector asks for, without range and offset.

    `metric` is None where it asks for no single name; `matchers` are label, operator, value.
    """

    metric: str | None
    matchers: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        asked = ",".join(f"{name}{op}{json.dumps(value)}" for name, op, value in self.matchers)
        return f"{self.metric or ''}{{{asked}}}" if asked else str(self.metric)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a rule file. Raises Unproven (TARGET) where it is not one."""
    try:
        groups = (yaml.safe_load(text) or {})["groups"]
        return tuple(rule for group in groups for rule in _rules_of(group))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unproven(f"not a file of Prometheus rules: {error!r}", Whose.TARGET) from error


def _rules_of(group: Mapping[str, Any]) -> Iterator[Rule]:
    interval = group.get("interval")
    for rule in group.get("rules") or ():
        yield Rule(
            group=str(group["name"]),
            alerting="alert" in rule,
            name=str(rule["alert"] if "alert" in rule else rule["record"]),
            expression=str(rule["expr"]),
            for_s=seconds(rule.get("for", 0)),
            keep_firing_s=seconds(rule.get("keep_firing_for", 0)),
            labels=tuple(sorted((str(k), str(v)) for k, v in (rule.get("labels") or {}).items())),
            interval_s=None if interval is None else seconds(interval),
        )


def seconds(duration: str | int | float) -> float:
    """A duration of Prometheus (`5m`, `1h30m`, `0`), in seconds. Raises ValueError."""
    text = str(duration)
    if text in ("0", "0.0"):
        return 0
    if not re.fullmatch(rf"({_DURATION.pattern})+", text):
        raise ValueError(f"{text!r} is not a duration of Prometheus")
    return sum(int(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(text))


def write_rules(rules: tuple[Rule, ...]) -> str:
    """A rule file with these rules, their annotations left out: they change no alert."""
    groups: dict[str, dict[str, Any]] = {}
    for rule in rules:
        group = groups.setdefault(rule.group, {"name": rule.group, "rules": []})
        if rule.interval_s is not None:
            group["interval"] = _duration(rule.interval_s)
        entry: dict[str, Any] = {"expr": rule.expression, "labels": dict(rule.labels)}
        entry["alert" if rule.alerting else "record"] = rule.name
        if rule.for_s:
            entry["for"] = _duration(rule.for_s)
        if rule.keep_firing_s:
            entry["keep_firing_for"] = _duration(rule.keep_firing_s)
        group["rules"].append(entry)
    return yaml.safe_dump({"groups": list(groups.values())}, allow_unicode=True)


def _duration(duration_s: float) -> str:
    return f"{round(duration_s * 1000)}ms"


def canonical(expression: str) -> str:
    """The expression as promql-parser writes it. Raises Unproven where it does not parse."""
    return str(parsed(expression).prettify())


def otherwise_strict(expression: str) -> str:
    """The expression with `>` for each `>=` and the reverse, and so for `<`.

    What holds at a limit only because it was meant to does not hold at it any more.
    """
    return _COMPARISON.sub(
        lambda found: found[0] if found[1] is None else _TURNED[found[1]], expression
    )


def selectors(expression: str) -> tuple[Selector, ...]:
    """Every vector selector of an expression, in order. Raises Unproven: does not parse."""
    nodes = _nodes(parsed(expression))
    return tuple(_selector(node) for node in nodes if isinstance(node, promql.VectorSelector))


def shortest_window_s(expression: str) -> float | None:
    """The shortest range of its selectors (`[1m]`); None where it has none. Raises Unproven."""
    ranges = [
        node.range.total_seconds()
        for node in _nodes(parsed(expression))
        if isinstance(node, promql.MatrixSelector)
    ]
    return min(ranges, default=None)


def needed(rules: tuple[Rule, ...], metrics: frozenset[str]) -> tuple[Rule, ...]:
    """Those of `rules` that series of `metrics` can change, directly or by recordings.

    And those that ask for no series, or for no certain one: they may always fire. And the
    recordings that any of these reads.
    """
    changed = set(metrics)
    chosen: set[int] = set()
    reads = [{each.metric for each in selectors(rule.expression)} for rule in rules]
    while more := {
        index
        for index, names in enumerate(reads)
        if index not in chosen and (not names or None in names or names & changed)
    }:
        chosen |= more
        changed |= {rules[index].name for index in more if not rules[index].alerting}
    while more := {
        index
        for index, rule in enumerate(rules)
        if not rule.alerting
        and index not in chosen
        and any(rule.name in reads[each] for each in chosen)
    }:
        chosen |= more
    return tuple(rules[index] for index in sorted(chosen))


def parsed(expression: str) -> promql.Expr:
    """The tree of an expression. Raises Unproven where it does not parse."""
    try:
        return promql.parse(expression)
    except ValueError as error:
        raise Unproven(f"not PromQL: {expression}: {error}", Whose.TARGET) from error


def _nodes(node: object) -> Iterator[object]:
    yield node
    for part in ("lhs", "rhs", "expr", "param", "vector_selector"):
        child = getattr(node, part, None)
        if child is not None:
            yield from _nodes(child)
    for argument in getattr(node, "args", None) or ():
        yield from _nodes(argument)


def _selector(node: promql.VectorSelector) -> Selector:
    matchers = [
        (each.name, _OPERATORS[str(each.op)], each.value) for each in node.matchers.matchers
    ]
    named = [value for name, op, value in matchers if (name, op) == ("__name__", "=")]
    return Selector(
        metric=node.name or (named[0] if named else None),
        matchers=tuple(each for each in matchers if each[:2] != ("__name__", "=")),
    )
