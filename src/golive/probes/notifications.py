"""What the receivers of a replica were told, as they kept it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from golive.outcome import Unproven, Whose

CHANNELS = {"mail": "email", "slack": "slack", "sms": "sms", "heartbeat": "heartbeat"}
"""How a receiver's file is called, and the kind of message that it has."""


_MARKUP = re.compile(r"<style.*?</style>|<[^>]*>", re.DOTALL)


@dataclass(frozen=True)
class Notification:
    """One message. `text` is all of it, `resolved` whether it tells of an end, and only of it."""

    channel: str
    received: datetime
    resolved: bool
    text: str


def received(directory: Path) -> tuple[Notification, ...]:
    """Every message that the receivers have kept, in order of arrival. Raises Unproven."""
    found = [
        each
        for name, channel in CHANNELS.items()
        for each in _read(directory / f"{name}.jsonl", channel)
    ]
    return tuple(sorted(found, key=lambda each: each.received))


def _read(file: Path, channel: str) -> Iterator[Notification]:
    if not file.exists():
        return  # nothing has come yet
    try:
        # The last line may be just being written.
        for line in file.read_text().rpartition("\n")[0].splitlines():
            entry = json.loads(line)
            title, text = _of(channel, entry["message"])
            at = datetime.fromisoformat(entry["received"])
            yield Notification(
                channel, at, title.upper().startswith(("[RESOLVED", "RESOLVED")), text
            )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise Unproven(f"{file}: not what a receiver keeps: {error!r}", Whose.OURS) from error


def _of(channel: str, message: dict[str, Any]) -> tuple[str, str]:
    """What tells the state (a subject, a title, a status), and all that is said."""
    if channel == "email":
        return message["subject"], f"{message['subject']}\n{_plain(message['text'])}"
    body = message["json"]
    said = json.dumps(body, ensure_ascii=False)
    return (body["attachments"][0]["title"] if channel == "slack" else body["status"]), said


def _plain(text: str) -> str:
    """What a person reads of an HTML mail."""
    return " ".join(_MARKUP.sub(" ", text).split())
