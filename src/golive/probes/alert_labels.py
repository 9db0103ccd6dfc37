"""What labels an alert carries when it reaches Alertmanager."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import promql_parser as promql
import yaml

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import Rule, parsed, selectors
from golive.probes.prometheus import configuration, labelled, loaded_rules

Labels = tuple[tuple[str, str], ...]
Steps = Sequence[Mapping[str, Any]]
_COMPARED = {"<", ">", "<=", ">=", "==", "!="}


@dataclass(frozen=True)
class LoadedAlert:
    """An alert that is loaded, and the labels of each that could fire now, whatever the values.

    `asks` is whether it asks for series. `relabels` is what Prometheus does with labels (YAML).
    """

    rule: Rule
    labels: frozenset[Labels]
    asks: bool
    relabels: str

    def sent(self, labels: Labels) -> Labels | None:
        """These labels as Alertmanager gets them; None where it does not. Raises Unproven."""
        return relabelled(labels, self.relabels)


def loaded_alerts(prometheus: Endpoint) -> tuple[LoadedAlert, ...]:
    """Each alert that a Prometheus has loaded. Raises Unproven."""
    told = configuration(prometheus)
    rules = [each.rule for each in loaded_rules(prometheus) if each.rule.alerting]
    return tuple(
        LoadedAlert(
            rule,
            carried(prometheus, rule, dict(told.external_labels)),
            bool(selectors(rule.expression)),
            told.alert_relabels,
        )
        for rule in rules
    )


def carried(prometheus: Endpoint, rule: Rule, external: Mapping[str, str]) -> frozenset[Labels]:
    """The labels of each alert of the rule; those that it has of itself where there are none."""
    own = {**dict(rule.labels), "alertname": rule.name}
    found = {
        _sorted({**external, **dict(labels), **own})
        for labels in _conditions(prometheus, parsed(rule.expression))
    }
    return frozenset(found or {_sorted({**external, **own})})


def _conditions(prometheus: Endpoint, node: promql.Expr) -> Iterator[Labels]:
    """The labels of what an expression compares."""
    if isinstance(node, promql.ParenExpr):
        yield from _conditions(prometheus, node.expr)
    elif isinstance(node, promql.BinaryExpr) and str(node.op) in {"or", "and", "unless"}:
        yield from _conditions(prometheus, node.lhs)
        if str(node.op) == "or":
            yield from _conditions(prometheus, node.rhs)
    elif isinstance(node, promql.BinaryExpr) and str(node.op) in _COMPARED:
        turned = isinstance(node.lhs, promql.NumberLiteral)
        yield from _conditions(prometheus, node.rhs if turned else node.lhs)
    elif isinstance(node, promql.Call) and node.func.name == "absent":
        (of,) = node.args
        equal = of.matchers.matchers if isinstance(of, promql.VectorSelector) else ()
        yield _sorted({each.name: each.value for each in equal if str(each.op) == "MatchOp.Equal"})
    else:
        for labels in labelled(prometheus, node.prettify()):
            yield tuple(each for each in labels if each[0] != "__name__")


@cache
def relabelled(labels: Labels, relabels: str) -> Labels | None:
    """What `alert_relabel_configs` (YAML) make of an alert's labels; None where they drop it.

    Raises Unproven: a step that is not known here (OURS).
    """
    now = dict(labels)
    steps: Steps = yaml.safe_load(relabels)
    for step in steps:
        action = str(step.get("action", "replace")).lower()
        source = step.get("source_labels") or ()
        joined = str(step.get("separator", ";")).join(now.get(name, "") for name in source)
        wanted = re.compile(str(step.get("regex", "(.*)")))
        found = wanted.fullmatch(joined)
        if action in ("keep", "drop"):
            if bool(found) == (action == "drop"):
                return None
        elif action in ("labeldrop", "labelkeep"):
            now = {
                name: value
                for name, value in now.items()
                if bool(wanted.fullmatch(name)) == (action == "labelkeep")
            }
        elif action in ("replace", "lowercase", "uppercase"):
            if action == "replace" and not found:
                continue
            value = {"lowercase": joined.lower(), "uppercase": joined.upper()}.get(action)
            if value is None and found:
                value = found.expand(_template(str(step.get("replacement", "$1"))))
            now[str(step["target_label"])] = value or ""
        else:
            raise Unproven(f"alert_relabel_configs: the action {action} is not known", Whose.OURS)
        now = {name: value for name, value in now.items() if value}
    return _sorted(now)


def _template(replacement: str) -> str:
    """`$1` and `${1}` of Go as Python has them."""
    escaped = replacement.replace("\\", r"\\")
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: rf"\g<{found[1] or found[2]}>", escaped)


def _sorted(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
