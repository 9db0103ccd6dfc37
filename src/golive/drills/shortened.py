"""The files of a monitoring host, with its times made short and its targets replaced."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import seconds

_RANGE = re.compile(r"\[([^\]:]+)\]")
_SHORTEST_S = 0.1
_RULES = "rules.yml"

Jobs = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Scale:
    """How times are shortened, in one place.

    `every_s`: scrapes and evaluations. `durations`: by what the times are divided that an alert
    or a notification waits for; `windows`: by what those that an expression measures over.
    """

    every_s: int
    durations: float
    windows: float


def prometheus(text: str, scale: Scale, targets: Jobs, alertmanager: str, label: str) -> str:
    """prometheus.yml with other intervals, Alertmanager (host:port) and targets.

    Of its jobs those of `targets` are kept, with these as their targets; where none are given,
    with their own. `label` is put on each alert, as `drill`. Raises Unproven: not such a file.
    """
    try:
        given: dict[str, Any] = yaml.safe_load(text)
        every = f"{scale.every_s}s"
        timing = {"scrape_interval": every, "scrape_timeout": every}
        jobs = [
            {**job, **timing, **_static(targets[job["job_name"]])}
            for job in given["scrape_configs"]
            if job["job_name"] in targets
        ]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise Unproven(f"not a prometheus.yml: {error!r}", Whose.TARGET) from error
    return yaml.safe_dump(
        {
            "global": {**timing, "evaluation_interval": every, "external_labels": {"drill": label}},
            "alerting": {**_relabelling(given), "alertmanagers": [_static((alertmanager,))]},
            "rule_files": [_RULES],
            "scrape_configs": jobs,
        }
    )


def rules(text: str, scale: Scale) -> dict[str, str]:
    """A file of rules with shorter durations and windows, by its name. Raises Unproven."""
    try:
        groups = yaml.safe_load(text)["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            rule["expr"] = _RANGE.sub(lambda found: f"[{_window(found[1], scale)}]", rule["expr"])
            for name in {"for", "keep_firing_for"} & rule.keys():
                rule[name] = _divided(rule[name], scale.durations)
        for group in groups:
            group.pop("interval", None)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Unproven(f"not a file of Prometheus rules: {error!r}", Whose.TARGET) from error
    return {_RULES: yaml.safe_dump({"groups": groups}, allow_unicode=True)}


def alertmanager(text: str, scale: Scale) -> str:
    """alertmanager.yml with shorter waits on every route. Raises Unproven.

    Each alert is told alone, so that what is told of one does not hang on another's.
    """
    try:
        given: dict[str, Any] = yaml.safe_load(text)
        _shorten(given["route"], scale)
        given["route"]["group_by"] = ["..."]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise Unproven(f"not an alertmanager.yml: {error!r}", Whose.TARGET) from error
    return yaml.safe_dump(given, allow_unicode=True)


def _shorten(route: dict[str, Any], scale: Scale) -> None:
    route.pop("group_by", None)
    for name in {"group_wait", "group_interval", "repeat_interval"} & route.keys():
        route[name] = _divided(route[name], scale.durations)
    for each in route.get("routes") or ():
        _shorten(each, scale)


def _relabelling(given: dict[str, Any]) -> dict[str, Any]:
    """What happens to alerts before they are sent, which may be that they are not."""
    name = "alert_relabel_configs"
    alerting = given.get("alerting") or {}
    return {name: alerting[name]} if name in alerting else {}


def _static(targets: tuple[str, ...]) -> dict[str, Any]:
    return {"static_configs": [{"targets": list(targets)}]} if targets else {}


def _window(window: str, scale: Scale) -> str:
    """A rate needs two scrapes in its window, one of which may come late."""
    return f"{max(round(seconds(window) / scale.windows), 4 * scale.every_s)}s"


def _divided(duration: object, by: float) -> str:
    return f"{max(seconds(str(duration)) / by, _SHORTEST_S) * 1000:.0f}ms"
