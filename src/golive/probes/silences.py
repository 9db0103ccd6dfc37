"""Silences that somebody has put on an Alertmanager."""

import json
import re
from dataclasses import dataclass

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request

_OK = 200
PATH = "/api/v2/silences"


@dataclass(frozen=True)
class Silence:
    """One that is in force. `matchers` are name, value, whether a regex, whether it must match."""

    name: str
    by: str
    why: str
    until: str
    matchers: tuple[tuple[str, str, bool, bool], ...]

    def covers(self, labels: tuple[tuple[str, str], ...]) -> bool:
        """Whether it keeps an alert with these labels from everybody."""
        has = dict(labels)
        return all(
            bool(re.fullmatch(value if regex else re.escape(value), has.get(name, ""))) == equal
            for name, value, regex, equal in self.matchers
        )


def silences(alertmanager: Endpoint) -> tuple[Silence, ...]:
    """Those in force now. Raises Unproven."""
    response = request(alertmanager, PATH, scheme="http")
    try:
        if response.status != _OK:
            raise ValueError(f"status {response.status}")
        return tuple(
            Silence(
                each["id"],
                each["createdBy"],
                each["comment"],
                each["endsAt"],
                tuple(
                    (m["name"], m["value"], bool(m["isRegex"]), bool(m.get("isEqual", True)))
                    for m in each["matchers"]
                ),
            )
            for each in json.loads(response.body)
            if each["status"]["state"] == "active"
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{alertmanager}: no answer of Alertmanager: {error!r}"
        raise Unproven(reason, Whose.TARGET) from error
