"""What the receivers of a replica keep is read back, whatever the channel."""

import json
from pathlib import Path

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.notifications import received

AT = "2025-04-05T12:00:0{}+00:00"
MAIL = {"subject": "[FIRING:1] CPU", "text": "<style>p { }</style><p>CPU of <b>app-1</b></p>"}
SLACK = {"path": "/services/x", "json": {"attachments": [{"title": "[RESOLVED] CPU"}]}}
SMS = {"path": "/send", "json": {"status": "resolved", "alerts": [{"labels": {"a": "é"}}]}}


def keep(directory: Path, channel: str, second: int, message: object) -> None:
    line = json.dumps({"received": AT.format(second), "message": message})
    with (directory / f"{channel}.jsonl").open("a") as file:
        file.write(line + "\n")


def test_messages_are_read_in_order(tmp_path: Path):
    keep(tmp_path, "sms", 3, SMS)
    keep(tmp_path, "slack", 2, SLACK)
    keep(tmp_path, "mail", 1, MAIL)
    mail, slack, sms = received(tmp_path)
    assert (mail.channel, mail.resolved) == ("email", False)
    assert mail.text == "[FIRING:1] CPU\nCPU of app-1"
    assert (slack.channel, slack.resolved) == ("slack", True)
    assert (sms.channel, sms.resolved) == ("sms", True)
    assert '"a": "é"' in sms.text


def test_where_nothing_has_come_there_is_nothing(tmp_path: Path):
    assert received(tmp_path) == ()


def test_a_line_that_is_being_written_is_left_for_later(tmp_path: Path):
    keep(tmp_path, "mail", 1, MAIL)
    with (tmp_path / "mail.jsonl").open("a") as file:
        file.write('{"received": "2025')
    assert len(received(tmp_path)) == 1


@pytest.mark.parametrize("line", ["x\n", "{}\n", '{"received": "now", "message": {}}\n'])
def test_what_no_receiver_keeps_is_unproven(tmp_path: Path, line: str):
    (tmp_path / "slack.jsonl").write_text(line)
    with pytest.raises(Unproven, match="not what a receiver keeps") as caught:
        received(tmp_path)
    assert caught.value.whose is Whose.OURS
