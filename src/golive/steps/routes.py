"""Judge where Alertmanager sends alerts."""

import json
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from pytest_bdd import given, parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import Unproven, Whose
from golive.probes.alert_labels import LoadedAlert, loaded_alerts
from golive.probes.routes import (
    PORT,
    Labels,
    Message,
    Route,
    asked_labels,
    hides_addresses,
    loaded_configuration,
    messages,
    routes,
    with_addresses,
)
from golive.probes.silences import silences
from golive.steps.expectation import column, listed, require
from golive.steps.prometheus import monitoring, settled, url

_FILE = "/etc/alertmanager/alertmanager.yml"
_HOUR_S = 3600
_CALLING = ("warning", "critical")
T = TypeVar("T")


@given("the configuration that Alertmanager has loaded", target_fixture="alert_routes")
def configuration(environment: Environment, measurements: Measurements) -> str:
    loaded = measurements.result(loaded_configuration, monitoring(environment, PORT))
    if not hides_addresses(loaded):
        return loaded
    return with_addresses(loaded, machines(environment, "monitoring")[0].read(_FILE))


@given(
    parsers.parse('that an SMS leaves by SNS, or by a webhook to "{path}"'),
    target_fixture="sms_path",
)
def sms_leaves_by(path: str) -> str:
    return path


@pytest.fixture
def alerts_loaded(prometheus: Endpoint, measurements: Measurements) -> tuple[LoadedAlert, ...]:
    """Each alert that could fire, with the labels that Alertmanager gets."""
    measurements.result(settled, prometheus)
    return measurements.result(loaded_alerts, prometheus)


@then(parsers.parse("each alert of severity {severity} that is loaded reaches exactly"))
def reaches(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    alerts_loaded: tuple[LoadedAlert, ...],
    alert_routes: str,
    sms_path: str,
    severity: str,
    datatable: list[list[str]],
) -> None:
    reached: dict[str, set[str]] = {}
    for alert in _of(alerts_loaded, severity):
        for sent in map(alert.sent, sorted(alert.labels)):
            where = f"the route of {alert.rule.name} ({severity})"
            require(
                sent is not None and dict(sent).get("severity") == severity,
                expected="Alertmanager told of it, with its severity",
                actual=f"alert_relabel_configs make of it: {dict(sent) if sent else 'nothing'}",
                where=where,
                look=url(prometheus, "/config"),
            )
            told = _ways(measurements, messages, alert_routes, sent or ())
            kinds = {_kind(each, sms_path) for each in told}
            reached[alert.rule.name] = reached.get(alert.rule.name, set()) | kinds
            require(
                kinds == set(column(datatable)),
                expected=listed(sorted(column(datatable))),
                actual=listed(sorted(kinds)),
                where=where,
                look=_look(sent or ()),
            )
    evidence.add("each alert reaches", {name: sorted(kinds) for name, kinds in reached.items()})


def _kind(message: Message, sms_path: str) -> str:
    """What it is; a webhook to elsewhere is no SMS."""
    if message.to.startswith("/"):
        reason = f"where the webhook of {message.receiver} leads to is in {message.to}"
        raise Unproven(reason, Whose.TARGET)
    elsewhere = message.to and urlsplit(message.to).path != sms_path
    return "webhook" if elsewhere else message.kind


@then("each message of a warning or a critical alert is followed by one when it is resolved")
def resolved_is_told(
    measurements: Measurements,
    evidence: EvidenceLog,
    alerts_loaded: tuple[LoadedAlert, ...],
    alert_routes: str,
) -> None:
    told = {
        message
        for _, labels in _calling(alerts_loaded)
        for message in _ways(measurements, messages, alert_routes, labels)
    }
    evidence.add("messages", sorted(told, key=str))
    for each in told:
        require(
            each.resolved,
            expected="send_resolved: true",
            actual="nothing is said of the end",
            where=f"the {each.kind} of the receiver {each.receiver}",
            look="amtool config show",
        )


@then(
    parsers.parse(
        "alerts are grouped, by {label} at least, and the first message leaves within {wait:d} s"
    )
)
def grouped(
    measurements: Measurements,
    evidence: EvidenceLog,
    alerts_loaded: tuple[LoadedAlert, ...],
    alert_routes: str,
    label: str,
    wait: int,
) -> None:
    found = _routes(measurements, alerts_loaded, alert_routes)
    evidence.add("routes", {name: route for name, route, _ in found})
    for name, route, labels in found:
        require(
            label in route.by and route.wait_s <= wait,
            expected=f"grouped by {label} at least, group_wait {wait} s at most",
            actual=f"by {listed(route.by)}, after {route.wait_s:g} s",
            where=f"the route of {name}",
            look=_look(labels),
        )


@then(parsers.parse("what goes on firing is said again, between {low:d} h and {high:d} h later"))
def repeated(
    measurements: Measurements,
    alerts_loaded: tuple[LoadedAlert, ...],
    alert_routes: str,
    low: int,
    high: int,
) -> None:
    for name, route, labels in _routes(measurements, alerts_loaded, alert_routes):
        require(
            low * _HOUR_S <= route.repeat_s <= high * _HOUR_S,
            expected=f"repeat_interval between {low} h and {high} h",
            actual=f"{route.repeat_s / _HOUR_S:g} h",
            where=f"the route of {name}",
            look=_look(labels),
        )


@then("each warning and each critical alert is told at any time of any day")
def told_at_any_time(
    measurements: Measurements,
    evidence: EvidenceLog,
    alerts_loaded: tuple[LoadedAlert, ...],
    alert_routes: str,
) -> None:
    found = _routes(measurements, alerts_loaded, alert_routes)
    evidence.add("time intervals, by alert", {name: route.times for name, route, _ in found})
    for name, route, labels in found:
        require(
            not route.times,
            expected="a route that is never muted",
            actual=listed(route.times),
            where=f"the route of {name}",
            look=_look(labels),
        )


@then("each alert that is loaded and asks for series is a warning or critical")
def severities_are_known(evidence: EvidenceLog, alerts_loaded: tuple[LoadedAlert, ...]) -> None:
    evidence.add("severities", {each.rule.name: each.rule.severity for each in alerts_loaded})
    for each in alerts_loaded:
        require(
            each.rule.severity in _CALLING or not each.asks,
            expected=f"severity {' or '.join(_CALLING)}: for no other it is said who hears of it",
            actual=each.rule.severity or "no severity",
            where=each.rule.name,
            look="promtool check rules",
        )


@then("nobody has silenced a warning or a critical alert that is loaded")
def not_silenced(
    environment: Environment, evidence: EvidenceLog, alerts_loaded: tuple[LoadedAlert, ...]
) -> None:
    found = silences(monitoring(environment, PORT))
    evidence.add("silences in force", found)
    for silence in found:
        silent = sorted({name for name, each in _calling(alerts_loaded) if silence.covers(each)})
        require(
            not silent,
            expected="none that covers an alert which is loaded",
            actual=f"{listed(silent)}: silenced by {silence.by} until {silence.until}: "
            f"{silence.why}",
            where=f"silence {silence.name}",
            look="amtool silence query, amtool silence expire",
        )


def _of(alerts: tuple[LoadedAlert, ...], severity: str) -> tuple[LoadedAlert, ...]:
    found = tuple(each for each in alerts if each.rule.severity == severity)
    require(
        bool(found),
        expected=f"an alert of severity {severity}",
        actual="none is loaded",
        where="the rules of Prometheus",
        look="promtool check rules",
    )
    return found


def _calling(alerts: tuple[LoadedAlert, ...]) -> list[tuple[str, Labels]]:
    """Name and labels of each alert that Alertmanager could be told of, and is to call somebody."""
    return [
        (alert.rule.name, sent)
        for severity in _CALLING
        for alert in _of(alerts, severity)
        for sent in map(alert.sent, sorted(alert.labels))
        if sent is not None
    ]


def _ways(
    measurements: Measurements,
    ask: Callable[[str, Labels], tuple[T, ...]],
    configuration: str,
    labels: Labels,
) -> tuple[T, ...]:
    """What is asked of a configuration, once for all alerts that are one to its routes."""
    asked = asked_labels(configuration)
    return measurements.result(
        ask, configuration, tuple(each for each in labels if each[0] in asked)
    )


def _routes(
    measurements: Measurements, alerts: tuple[LoadedAlert, ...], configuration: str
) -> list[tuple[str, Route, Labels]]:
    return [
        (name, route, labels)
        for name, labels in _calling(alerts)
        for route in _ways(measurements, routes, configuration, labels)
    ]


def _look(labels: Labels) -> str:
    given = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels)
    return f"amtool config routes test {given}"
