"""Temporary files of a run, of one that is killed too."""

import subprocess
import sys
import tempfile
from pathlib import Path

from golive.scratch import scratch

LIVING = """
import os, sys
from golive.scratch import scratch
with scratch() as directory:
    (directory / "file").touch()
    print(directory, flush=True)
    sys.stdin.read()
"""


def test_temporary_files_are_below_it_and_go_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch() as directory:
        assert Path(tempfile.mkdtemp()).parent == directory
        assert directory.parent == tmp_path
    assert tempfile.gettempdir() == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_goes_with_the_next_but_not_what_a_living_one_has(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "golive-run-strange").mkdir()  # without a lock: nobody knows whose
    command = [sys.executable, "-c", LIVING]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": {"TMPDIR": str(tmp_path)}}
    with (
        subprocess.Popen(command, text=True, **pipes) as killed,
        subprocess.Popen(command, text=True, **pipes) as living,
    ):
        left, kept = (Path(each.stdout.readline().strip()) for each in (killed, living))
        killed.kill()
        killed.wait()
        assert (left / "file").exists()
        with scratch():
            assert not left.exists()
            assert (kept / "file").exists()
        living.communicate()
    assert [each.name for each in tmp_path.iterdir()] == ["golive-run-strange"]
