"""Where Alertmanager sends an alert: asked of amtool, with the configuration that it has loaded."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.alert_rules import seconds
from golive.probes.http import request

PORT = 9093
_TIMEOUT_S = 20
KINDS = {
    "email_configs": "email",
    "slack_configs": "slack",
    "webhook_configs": "sms",
    "sns_configs": "sms",
}
"""What a receiver's configurations send; an SMS leaves through a gateway's webhook or SNS."""

_RESOLVED = {"webhook_configs", "sns_configs"}  # tell of the end unless they are told not to

HIDDEN = "<secret>"
"""What stands in a loaded configuration for an address that is a secret."""

_INHERITED = {"receiver", "group_by", "group_wait", "repeat_interval"}
_ASKED = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|\b([A-Za-z_]\w*))\s*(?:=|!)')

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Message:
    """One way in which a receiver is told: `kind` is email, slack, sms, or its own name.

    `to` is a webhook's URL, or the file that has it; otherwise empty.
    """

    receiver: str
    kind: str
    resolved: bool
    to: str = ""


@dataclass(frozen=True)
class Route:
    """Where an alert's way ends, and what holds there, of its own or of a route above.

    `by` are the labels that it bundles by, `wait_s` its first delay, `repeat_s` its repetition;
    `times` the intervals of time at which it is muted, or without which it is.
    """

    receiver: str
    by: tuple[str, ...]
    wait_s: float
    repeat_s: float
    times: tuple[str, ...]


def loaded_configuration(endpoint: Endpoint) -> str:
    """What an Alertmanager has loaded, as YAML, its secrets hidden. Raises Unproven."""
    response = request(endpoint, "/api/v2/status", scheme="http")
    try:
        return str(json.loads(response.body)["config"]["original"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unproven(f"{endpoint}: no answer of Alertmanager: {error!r}", Whose.TARGET) from error


def hides_addresses(configuration: str) -> bool:
    """Whether a webhook's URL is hidden, as since 0.26. Raises Unproven."""
    return any(
        webhook.get("url") == HIDDEN
        for receiver in parsed_configuration(configuration)["receivers"]
        for webhook in receiver.get("webhook_configs") or ()
    )


def with_addresses(configuration: str, file: str) -> str:
    """A configuration with the webhooks' URLs of its file, where it hides them.

    Raises Unproven: the file does not have the same receivers.
    """
    parsed, written = parsed_configuration(configuration), parsed_configuration(file)
    known = {each["name"]: each.get("webhook_configs") or () for each in written["receivers"]}
    for receiver in parsed["receivers"]:
        hidden = receiver.get("webhook_configs") or ()
        if any(each.get("url") == HIDDEN for each in hidden):
            if len(known.get(receiver["name"], ())) != len(hidden):
                reason = f"the webhooks of {receiver['name']} are not those of the file"
                raise Unproven(reason, Whose.TARGET)
            receiver["webhook_configs"] = list(known[receiver["name"]])
    return yaml.safe_dump(parsed, allow_unicode=True)


def messages(configuration: str, labels: Labels) -> tuple[Message, ...]:
    """Every message that an alert with these labels causes. Raises Unproven."""
    receivers = {each["name"]: each for each in parsed_configuration(configuration)["receivers"]}
    return tuple(
        Message(
            route.receiver,
            KINDS.get(key, key),
            bool(each.get("send_resolved", key in _RESOLVED)),
            str(each.get("url") or each.get("url_file", "")) if key == "webhook_configs" else "",
        )
        for route in routes(configuration, labels)
        for key, configurations in receivers[route.receiver].items()
        if key.endswith("_configs")
        for each in configurations
    )


def routes(configuration: str, labels: Labels) -> tuple[Route, ...]:
    """The routes that an alert with these labels takes. Raises Unproven.

    amtool names receivers only; so each route has one of its own, by its place in the tree.
    """
    parsed = parsed_configuration(configuration)
    ends: dict[str, Route] = {}
    named = _named(parsed["route"], {}, "route", ends)
    known = {each["name"] for each in parsed["receivers"]}
    if lost := {each.receiver for each in ends.values()} - known:
        raise Unproven(f"no receiver is called {', '.join(sorted(lost))}", Whose.TARGET)
    asked = {"route": named, "receivers": [{"name": name} for name in ends]}
    for key in {"time_intervals", "mute_time_intervals"} & parsed.keys():
        asked[key] = parsed[key]
    with tempfile.TemporaryDirectory(prefix="golive-routes-") as directory:
        file = Path(directory, "alertmanager.yml")
        file.write_text(yaml.safe_dump(asked, allow_unicode=True))
        given = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels]
        output = _run("amtool", "config", "routes", "test", f"--config.file={file}", *given)
    names = output.strip().split(",")
    if not all(name in ends for name in names):
        raise Unproven(f"amtool names no receiver: {output.strip()}", Whose.TOOL)
    return tuple(ends[name] for name in names)


def _named(
    route: Mapping[str, Any], above: Mapping[str, Any], name: str, ends: dict[str, Route]
) -> dict[str, Any]:
    """The route and those below it, each with a receiver of its own name, which `ends` explains."""
    now = {**above, **{key: route[key] for key in _INHERITED & route.keys()}}
    ends[name] = Route(
        receiver=str(now.get("receiver", "")),
        by=tuple(now.get("group_by") or ()),
        wait_s=seconds(now.get("group_wait", "30s")),
        repeat_s=seconds(now.get("repeat_interval", "4h")),
        times=tuple(
            f"{key}: {each}"
            for key in ("mute_time_intervals", "active_time_intervals")
            for each in route.get(key) or ()
        ),
    )
    below = [
        _named(each, now, f"{name}-{number}", ends)
        for number, each in enumerate(route.get("routes") or ())
    ]
    return {**route, "receiver": name, "routes": below}


@cache
def asked_labels(configuration: str) -> frozenset[str]:
    """The labels that any route asks for: no other has a say in an alert's way."""
    found: set[str] = set()
    left = [parsed_configuration(configuration)["route"]]
    while left:
        route = left.pop()
        left += route.get("routes") or ()
        found |= {*(route.get("match") or {}), *(route.get("match_re") or {})}
        matchers = route.get("matchers") or []
        for each in [matchers] if isinstance(matchers, str) else matchers:
            found |= {quoted or bare for quoted, bare in _ASKED.findall(each)}
    return frozenset(found)


def parsed_configuration(configuration: str) -> dict[str, Any]:
    """A configuration of Alertmanager. Raises Unproven where it is none."""
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
