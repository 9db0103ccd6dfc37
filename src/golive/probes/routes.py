"""Where Alertmanager sends an alert, and which alerts silence which.

Asked of Alertmanager's own programs with the configuration that it has loaded: amtool for the
routes; for what is silenced, an Alertmanager of our own that has no receivers to tell.
"""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import seconds
from golive.probes.http import request
from golive.probes.own_monitoring import alertmanager

PORT = 9093
_TIMEOUT_S = 20
_POLL_S = 0.05
_OK = 200
_ALERTS = "/api/v2/alerts"
_JSON = (("Content-Type", "application/json"),)
KINDS = {
    "email_configs": "email",
    "slack_configs": "slack",
    "webhook_configs": "sms",
    "sns_configs": "sms",
}
"""What a receiver's configurations send; an SMS leaves through a gateway's webhook or SNS."""

_RESOLVED = {"webhook_configs", "sns_configs"}  # tell of the end unless they are told not to

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Message:
    """One way in which a receiver is told: `kind` is email, slack, sms, or its own name."""

    receiver: str
    kind: str
    resolved: bool


@dataclass(frozen=True)
class Grouping:
    """How the route of an alert bundles: labels, first delay and repetition in seconds."""

    by: tuple[str, ...]
    wait_s: float
    repeat_s: float


def loaded_configuration(endpoint: Endpoint) -> str:
    """What an Alertmanager has loaded, as YAML, its secrets hidden. Raises Unproven."""
    response = request(endpoint, "/api/v2/status", scheme="http")
    try:
        return str(json.loads(response.body)["config"]["original"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unproven(f"{endpoint}: no answer of Alertmanager: {error!r}", Whose.TARGET) from error


def messages(configuration: str, labels: Labels) -> tuple[Message, ...]:
    """Every message that an alert with these labels causes. Raises Unproven."""
    parsed = _parsed(configuration)
    receivers = {each["name"]: each for each in parsed["receivers"]}
    with tempfile.TemporaryDirectory(prefix="golive-routes-") as directory:
        file = Path(directory, "alertmanager.yml")
        file.write_text(configuration)
        asked = [f"{name}={value}" for name, value in labels]
        output = _run("amtool", "config", "routes", "test", f"--config.file={file}", *asked)
    names = output.strip().split(",")
    if not all(name in receivers for name in names):
        raise Unproven(f"amtool names no receiver: {output.strip()}", Whose.TOOL)
    return tuple(
        Message(name, KINDS.get(key, key), bool(each.get("send_resolved", key in _RESOLVED)))
        for name in names
        for key, configurations in receivers[name].items()
        if key.endswith("_configs")
        for each in configurations
    )


def grouping(configuration: str) -> Grouping:
    """How the root of the routes bundles alerts; Alertmanager's defaults where it says nothing."""
    route = _parsed(configuration)["route"]
    return Grouping(
        by=tuple(route.get("group_by") or ()),
        wait_s=seconds(route.get("group_wait", "30s")),
        repeat_s=seconds(route.get("repeat_interval", "4h")),
    )


def silenced(configuration: str, alerts: tuple[Labels, ...]) -> tuple[Labels, ...]:
    """Which of these alerts, all firing at once, are inhibited by another. Raises Unproven."""
    parsed = _parsed(configuration)
    quiet = {
        "route": {"receiver": "nobody"},
        "receivers": [{"name": "nobody"}],
        "inhibit_rules": [*(parsed.get("inhibit_rules") or []), _MARKER_RULE],
    }
    with alertmanager(yaml.safe_dump(quiet)) as endpoint:
        # It hears of alerts on a queue, and has them in order from when it first listens.
        _post(endpoint, _marker("first"))
        _await_inhibited(endpoint, "first")
        _post(endpoint, (*alerts, *_marker("last")))
        _await_inhibited(endpoint, "last")
        inhibited = dict(_inhibitions(endpoint))
    asked = {tuple(sorted(labels)): labels for labels in alerts}
    if lost := asked.keys() - inhibited.keys():
        raise Unproven(f"our Alertmanager has lost the alerts {lost}", Whose.TOOL)
    return tuple(labels for known, labels in asked.items() if inhibited[known])


_MARKER = "golive_marker"
_MARKER_RULE = {
    "source_matchers": [f'{_MARKER}="source"'],
    "target_matchers": [f'{_MARKER}="target"'],
    "equal": ["round"],
}


def _marker(name: str) -> tuple[Labels, ...]:
    """Two alerts of ours, of which the first silences the second once it has been heard of."""
    return tuple(((_MARKER, part), ("round", name)) for part in ("source", "target"))


def _post(endpoint: Endpoint, alerts: tuple[Labels, ...]) -> None:
    posted = json.dumps([{"labels": dict(labels)} for labels in alerts]).encode()
    taken = request(endpoint, _ALERTS, method="POST", headers=_JSON, body=posted, scheme="http")
    if taken.status != _OK:
        raise Unproven(f"our Alertmanager refuses the alerts: {taken.body!r}", Whose.OURS)


def _await_inhibited(endpoint: Endpoint, marker: str) -> None:
    """Return when all that was posted up to this marker has been heard of. Raises Unproven."""
    _, target = _marker(marker)
    deadline = time.monotonic() + _TIMEOUT_S
    while (target, True) not in _inhibitions(endpoint):
        if time.monotonic() > deadline:
            raise Unproven("our Alertmanager did not hear of the alerts in time", Whose.TOOL)
        time.sleep(_POLL_S)


def _inhibitions(endpoint: Endpoint) -> list[tuple[Labels, bool]]:
    """The alerts that it has, each with whether it is inhibited."""
    seen = json.loads(request(endpoint, _ALERTS, scheme="http").body)
    return [
        (tuple(sorted(each["labels"].items())), bool(each["status"]["inhibitedBy"]))
        for each in seen
    ]


def _parsed(configuration: str) -> dict[str, Any]:
    try:
        parsed = yaml.safe_load(configuration)
        if not isinstance(parsed, dict) or not {"route", "receivers"} <= parsed.keys():
            raise ValueError("no route and receivers in it")
    except (yaml.YAMLError, ValueError) as error:
        reason = f"not a configuration of Alertmanager: {error}"
        raise Unproven(reason, Whose.TARGET) from error
    return parsed


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except FileNotFoundError as error:
        reason = f"{command[0]} is not installed (Debian: prometheus-alertmanager)"
        raise Unproven(reason, Whose.TOOL) from error
    except subprocess.TimeoutExpired as error:
        raise Unproven(f"{command[0]} did not end within {_TIMEOUT_S} s", Whose.TOOL) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise Unproven(f"{' '.join(command[:4])}: {said[-500:]}", Whose.TARGET)
    return done.stdout
