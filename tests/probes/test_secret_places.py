import os
import subprocess
import sys
from pathlib import Path

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes import secret_places
from golive.probes.secret_places import arguments, environments, files, suspects, tracked

NOBODY = 65534
MACHINE = Machine("app-1", Host(connection="local://"))
# Of AWS's documentation, split so that no scanner takes this file for a leak.
KEY = "AKIA" + "IOSFODNN7EXAMPLF"


def repository(path: Path) -> Path:
    path.mkdir()
    subprocess.run(["git", "init", "-q", path], check=True)
    (path / "tracked.conf").write_text("a = 1\n")
    (path / "untracked.conf").write_text("b = 2\n")
    subprocess.run(["git", "-C", path, "add", "tracked.conf"], check=True)
    return path


def test_files_are_read_with_their_modes_and_node_modules_are_not(tmp_path: Path):
    (tmp_path / "a dir").mkdir()
    (tmp_path / "a dir/it's\na file").write_bytes(b"\0\xff\n!\n")
    (tmp_path / "a dir/it's\na file").chmod(0o640)
    (tmp_path / "empty").touch(0o600)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/index.js").write_text("x")
    seen = {place.name: (place.content, place.readers) for place in files(MACHINE, str(tmp_path))}
    assert seen == {
        f"{tmp_path}/a dir/it's\na file on app-1": (b"\0\xff\n!\n", 0o640),
        f"{tmp_path}/empty on app-1": (b"", 0o600),
    }


def test_of_a_long_file_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(secret_places, "LAST_BYTES", 4)
    (tmp_path / "log").write_text("beginning and end")
    assert [place.content for place in files(MACHINE, str(tmp_path))] == [b" end"]


def test_where_there_is_no_directory_there_are_no_files(tmp_path: Path):
    assert files(MACHINE, str(tmp_path / "absent")) == ()


def test_a_file_that_cannot_be_read_is_unproven():
    # For everybody, root too: this process's memory cannot be read at its beginning.
    with pytest.raises(Unproven, match="cannot be read") as error:
        list(secret_places._contents(MACHINE, [f"/proc/{os.getpid()}/mem"]))
    assert error.value.whose is Whose.TARGET


def test_the_arguments_of_every_process_are_seen():
    command = [sys.executable, "-c", "input()", "an argument with spaces"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            places = arguments(MACHINE)
        finally:
            process.kill()
    (seen,) = [place for place in places if f" {process.pid} " in place.name]
    assert b"an argument with spaces" in seen.content


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start processes of other users")
def test_the_environment_of_another_users_process_is_seen():
    with subprocess.Popen(
        ["/bin/cat"], stdin=subprocess.PIPE, env={"A": "b"}, user=NOBODY, cwd="/"
    ) as process:
        try:
            places = environments(MACHINE, "root")
        finally:
            process.kill()
    (seen,) = [place for place in places if f"/{process.pid}/" in place.name]
    assert seen.content == b"A=b\0"


def test_the_tracked_files_of_a_repository(tmp_path: Path):
    seen = tracked(repository(tmp_path / "repository"))
    assert [(place.name, place.content) for place in seen] == [("tracked.conf", b"a = 1\n")]


def test_what_is_no_repository_is_unproven(tmp_path: Path):
    with pytest.raises(Unproven) as error:
        tracked(tmp_path)
    assert error.value.whose is Whose.OURS


def test_detect_secrets_tells_where_and_not_what(tmp_path: Path):
    place = repository(tmp_path / "repository")
    (place / "tracked.conf").write_text(f"a = 1\naws_key = {KEY}\n")
    (seen,) = suspects(place)
    assert (seen.file, seen.line, seen.kind) == ("tracked.conf", 2, "AWS Access Key")
    assert KEY not in repr(seen) + str(seen)


def test_detect_secrets_reads_tracked_files_or_all(tmp_path: Path):
    place = repository(tmp_path / "repository")
    (place / "untracked.conf").write_text(f"aws_key = {KEY}\n")
    assert suspects(place) == ()
    assert [seen.file for seen in suspects(place, all_files=True)] == ["untracked.conf"]


def test_a_scanner_that_does_not_run_is_unproven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unproven, match="detect-secrets, status 1") as error:
        suspects(tmp_path)
    assert error.value.whose is Whose.TOOL
