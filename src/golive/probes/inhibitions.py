"""Which alerts silence which, asked of an Alertmanager of our own that has no receivers to tell."""

import json
import time

import yaml

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.probes.own_monitoring import alertmanager
from golive.probes.routes import Labels, parsed_configuration

_TIMEOUT_S = 20
_POLL_S = 0.05
_OK = 200
_ALERTS = "/api/v2/alerts"
_JSON = (("Content-Type", "application/json"),)


def silenced(configuration: str, alerts: tuple[Labels, ...]) -> tuple[Labels, ...]:
    """Which of these alerts, all firing at once, are inhibited by another. Raises Unproven."""
    parsed = parsed_configuration(configuration)
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
