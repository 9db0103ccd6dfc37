"""Scripts of the stack, run as cron would."""

import os

import pytest

from golive.drills.script import run
from golive.outcome import Unproven, Whose


def shell(tmp_path, text, path="/nowhere", **variables):
    return run(["/bin/sh", "-c", text], str(tmp_path), path, variables)


def test_status_and_what_it_said_on_both_streams(tmp_path):
    ran = shell(tmp_path, "echo out; echo err >&2; exit 3")

    assert (ran.status, sorted(ran.said.split())) == (3, ["err", "out"])
    assert ran.seconds > 0


def test_its_environment_is_clean(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "of whoever runs golive")

    ran = shell(tmp_path, 'echo "$SECRET|$PATH|$HOME|$KEEP"; pwd', KEEP="7")

    assert ran.said == f"|/nowhere:{os.defpath}|{tmp_path}|7\n{tmp_path}"


def test_a_program_that_is_not_there_is_its_status(tmp_path):
    assert shell(tmp_path, "no-such-program").status == 127


def test_a_shell_that_is_not_there_proves_nothing(tmp_path):
    with pytest.raises(Unproven) as raised:
        run(["sh"], str(tmp_path / "absent"), "/nowhere", {})

    assert raised.value.whose is Whose.TOOL
