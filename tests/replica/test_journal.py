"""What a drill has changed is known afterwards, also when it was killed."""

import signal
import subprocess
import sys

import pytest

from golive.replica.journal import BusyError, Journal, held


def test_nothing_is_known_before_it_begins(tmp_path):
    with held(tmp_path) as journal:
        assert not journal.exists
        journal.begin()
        assert journal.exists
        journal.end()
        assert not journal.exists


def test_files_are_put_back_as_they_were_first(tmp_path):
    changed, same = tmp_path / "changed.conf", tmp_path / "same.conf"
    changed.write_text("before")
    same.write_text("before")
    with held(tmp_path) as journal:
        for file in (changed, same):
            assert journal.keep(file) == "before"
        changed.write_text("between")
        journal.keep(changed)
        changed.write_text("after")

    with held(tmp_path) as journal:  # another process finds it
        assert journal.exists
        assert journal.undo() == [changed]

    assert changed.read_text() == "before"


def test_it_is_for_its_owner_alone(tmp_path):
    with held(tmp_path) as journal:
        journal.begin()
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}


def test_two_drills_at_once_are_refused(tmp_path):
    with (
        held(tmp_path),
        pytest.raises(BusyError, match="just now: try again"),
        held(tmp_path),
    ):
        pytest.fail("entered")


HOLDER = """
import sys, time
from pathlib import Path
from golive.replica.journal import held
with held(Path(sys.argv[1])) as journal:
    journal.begin()
    print("held", flush=True)
    time.sleep(600)
"""


def test_whoever_is_killed_holds_it_no_more(tmp_path):
    command = [sys.executable, "-c", HOLDER, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError), held(tmp_path):
            pytest.fail("entered")
        holder.send_signal(signal.SIGKILL)
    with held(tmp_path) as journal:
        assert journal.exists


def test_a_journal_that_nobody_began_is_none(tmp_path):
    assert not Journal(tmp_path).exists
