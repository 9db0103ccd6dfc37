"""What a Prometheus says of itself, by its HTTP API: rules, targets, Alertmanagers, series."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import yaml

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import Rule, Selector, seconds
from golive.probes.http import request

PORT = 9090
_OK = 200
T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class LoadedRule:
    """A rule as Prometheus evaluates it. `error` is empty where the last evaluation had none.

    `evaluated` is when that was, None where it was never.
    """

    rule: Rule
    file: str
    health: str
    error: str
    evaluated: datetime | None


@dataclass(frozen=True)
class Target:
    """What Prometheus scrapes. `interval_s` is how often; `scraped` None where it never was."""

    job: str
    instance: str
    url: str
    health: str
    error: str
    interval_s: float
    scraped: datetime | None


@dataclass(frozen=True)
class Alertmanagers:
    """Where Prometheus sends alerts to (URLs), and those that it has given up."""

    active: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Alert:
    """An alert as it fires; `value` is that of its expression."""

    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True)
class Configuration:
    """The global intervals (s) of the configuration, and whether its last reload succeeded.

    `external_labels` are put on each alert, `alert_relabels` (YAML) are what happens to it then.
    """

    scrape_interval_s: float
    evaluation_interval_s: float
    reloaded: bool
    external_labels: tuple[tuple[str, str], ...] = ()
    alert_relabels: str = "[]"


def loaded_rules(endpoint: Endpoint) -> tuple[LoadedRule, ...]:
    """Every rule that is loaded, in order of evaluation. Raises Unproven."""

    def read(data: Json) -> tuple[LoadedRule, ...]:
        return tuple(_loaded(group, rule) for group in data["groups"] for rule in group["rules"])

    return _ask(endpoint, "/api/v1/rules", read)


def _loaded(group: Json, rule: Json) -> LoadedRule:
    return LoadedRule(
        rule=Rule(
            group=group["name"],
            alerting=rule["type"] == "alerting",
            name=rule["name"],
            expression=rule["query"],
            for_s=rule.get("duration", 0),
            keep_firing_s=rule.get("keepFiringFor", 0),
            labels=tuple(sorted((rule.get("labels") or {}).items())),
            interval_s=group["interval"],
        ),
        file=group["file"],
        health=rule["health"],
        error=rule.get("lastError", ""),
        evaluated=_time(rule["lastEvaluation"]),
    )


def targets(endpoint: Endpoint) -> tuple[Target, ...]:
    """Every active target. Raises Unproven."""

    def read(data: Json) -> tuple[Target, ...]:
        return tuple(
            Target(
                job=each["labels"]["job"],
                instance=each["labels"]["instance"],
                url=each["scrapeUrl"],
                health=each["health"],
                error=each["lastError"],
                interval_s=seconds(each["scrapeInterval"]),
                scraped=_time(each["lastScrape"]),
            )
            for each in data["activeTargets"]
        )

    return _ask(endpoint, "/api/v1/targets?state=active", read)


def alertmanagers(endpoint: Endpoint) -> Alertmanagers:
    """The Alertmanagers that it knows. Raises Unproven."""

    def read(data: Json) -> Alertmanagers:
        return Alertmanagers(
            active=tuple(each["url"] for each in data["activeAlertmanagers"]),
            dropped=tuple(each["url"] for each in data["droppedAlertmanagers"]),
        )

    return _ask(endpoint, "/api/v1/alertmanagers", read)


def configuration(endpoint: Endpoint) -> Configuration:
    """What is in force of its configuration. Raises Unproven."""

    def read(data: Json) -> Json:
        whole: Json = yaml.safe_load(data["yaml"])
        return whole

    whole = _ask(endpoint, "/api/v1/status/config", read)
    general, alerting = whole["global"], whole.get("alerting") or {}
    relabels = [alerting, *(alerting.get("alertmanagers") or ())]
    reloaded = _ask(
        endpoint, "/api/v1/status/runtimeinfo", lambda data: bool(data["reloadConfigSuccess"])
    )
    return Configuration(
        seconds(general["scrape_interval"]),
        seconds(general["evaluation_interval"]),
        reloaded,
        tuple(sorted((general.get("external_labels") or {}).items())),
        yaml.safe_dump([step for e in relabels for step in e.get("alert_relabel_configs") or ()]),
    )


def firing(endpoint: Endpoint) -> tuple[Alert, ...]:
    """Every alert that fires now. Raises Unproven."""

    def read(data: Json) -> tuple[Alert, ...]:
        return tuple(
            Alert(tuple(sorted(each["labels"].items())), float(each["value"]))
            for each in data["alerts"]
            if each["state"] == "firing"
        )

    return _ask(endpoint, "/api/v1/alerts", read)


def matching(endpoint: Endpoint, selector: Selector, at: datetime | None = None) -> int:
    """How many series a selector matches now, or at a time. Raises Unproven."""
    return int(value(endpoint, f"count({selector})", at) or 0)


def value(endpoint: Endpoint, query: str, at: datetime | None = None) -> float | None:
    """The value of a query that has one at most; None where it has none. Raises Unproven."""

    def read(data: Json) -> float | None:
        results = data["result"]
        if len(results) > 1:
            raise ValueError(f"{len(results)} values where one was asked for")
        return float(results[0]["value"][1]) if results else None

    time = f"&time={at.timestamp()}" if at else ""
    return _ask(endpoint, f"/api/v1/query?query={quote(query)}{time}", read)


def labelled(
    endpoint: Endpoint, query: str, at: datetime | None = None
) -> dict[tuple[tuple[str, str], ...], float]:
    """The value of each series that a query returns now, or at a time. Raises Unproven."""

    def read(data: Json) -> dict[tuple[tuple[str, str], ...], float]:
        return {
            tuple(sorted(each["metric"].items())): float(each["value"][1])
            for each in data["result"]
        }

    time = f"&time={at.timestamp()}" if at else ""
    return _ask(endpoint, f"/api/v1/query?query={quote(query)}{time}", read)


def curve(
    endpoint: Endpoint, query: str, begin: datetime, end: datetime, step_s: float
) -> tuple[tuple[float, float], ...]:
    """Time (s since 1970) and value of a query that has one series at most. Raises Unproven."""

    def read(data: Json) -> tuple[tuple[float, float], ...]:
        if len(data["result"]) > 1:
            raise ValueError(f"{len(data['result'])} series where one was asked for")
        return tuple((float(at), float(v)) for each in data["result"] for at, v in each["values"])

    span = f"start={begin.timestamp()}&end={end.timestamp()}&step={step_s}"
    return _ask(endpoint, f"/api/v1/query_range?query={quote(query)}&{span}", read)


@dataclass(frozen=True)
class Series:
    """What was scraped of one series: (time, value), in order."""

    labels: tuple[tuple[str, str], ...]
    samples: tuple[tuple[float, float], ...]

    def __getitem__(self, label: str) -> str:
        """The value of a label; empty where the series has it not."""
        return dict(self.labels).get(label, "")


def recorded(
    endpoint: Endpoint, selector: str, begin: datetime, end: datetime
) -> tuple[Series, ...]:
    """The samples themselves of all series that `selector` matches. Raises Unproven."""

    def read(data: Json) -> tuple[Series, ...]:
        return tuple(
            Series(
                tuple(sorted(each["metric"].items())),
                tuple((float(at), float(text)) for at, text in each["values"]),
            )
            for each in data["result"]
        )

    span = max(1, round((end - begin).total_seconds()))
    query = f"query={quote(f'{selector}[{span}s]')}&time={end.timestamp()}"
    return _ask(endpoint, f"/api/v1/query?{query}", read)


def _ask(endpoint: Endpoint, path: str, read: Callable[[Json], T]) -> T:
    response = request(endpoint, path, scheme="http")
    where = f"http://{endpoint.address}:{endpoint.port}{path}"
    try:
        answer = json.loads(response.body)
        if response.status != _OK or answer["status"] != "success":
            raise ValueError(f"status {response.status}: {response.body[:300]!r}")
        return read(answer["data"])
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise Unproven(f"{where}: not an answer of Prometheus: {error!r}", Whose.TARGET) from error


def _time(text: str) -> datetime | None:
    """A time of the API, to whole seconds; its year 1 means never."""
    if text.startswith("0001-"):
        return None
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
