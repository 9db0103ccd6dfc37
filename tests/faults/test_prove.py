"""golive prove on a real replica: right faults, one that does not do what it claims."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from golive.faults.fault import FaultError, Target
from golive.faults.files import edited, replaced

ROOT = Path(__file__).parents[2]
NGINX_CONF = "/etc/nginx/nginx.conf"

# golive with one fault more, which changes something that no scenario looks at.
GOLIVE_WITH_A_WRONG_FAULT = """
from contextlib import contextmanager
from golive.cli import main
from golive.faults.fault import fault
from golive.faults.nginx_reload import nginx_edited

@fault("11_security_audit/tls.feature::A session lives 10 minutes")
@contextmanager
def harmless(replica):
    "NGX-14: claims to shorten sessions."
    with nginx_edited(replica, ("types_hash_max_size 2048;", "types_hash_max_size 4096;")):
        yield

main()
"""


def test_right_faults_are_proven_and_a_wrong_one_is_told(tmp_path):
    stack = tmp_path / "stack"
    shutil.copytree(
        ROOT / "environments/stack", stack, ignore=shutil.ignore_patterns("node_modules")
    )
    command = [sys.executable, "-c", GOLIVE_WITH_A_WRONG_FAULT, "prove", "harmless"]
    command += ["sessions_of_5_minutes", "redirect.path_lost"]

    run = subprocess.run(
        [*command, "--stack", stack, "--report-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    proof = json.loads((tmp_path / "prove.json").read_text())
    trials = {trial["fault"]: trial for trial in proof["trials"]}
    assert run.returncode == 1, run.stdout + run.stderr
    assert proof["complete"] is False
    life = "11_security_audit/tls.feature::A session lives 10 minutes"
    assert trials["tls.sessions_of_5_minutes"]["red"] == [life]
    assert trials["tls.sessions_of_5_minutes"]["problems"] == []
    assert len(trials["redirect.path_lost"]["red"]) == 2
    assert trials["redirect.path_lost"]["problems"] == []
    assert trials["__main__.harmless"]["red"] == []
    assert trials["__main__.harmless"]["problems"] == [f"should have failed, but passed: {life}"]
    assert f"should have failed, but passed: {life}" in run.stdout


@pytest.fixture
def replica(tmp_path, monkeypatch):
    """The files of a host, without its servers."""
    monkeypatch.setattr(Target, "directory", tmp_path)
    target = Target(1, None, None)
    file = target.path("edge", NGINX_CONF)
    file.parent.mkdir(parents=True)
    file.write_text("burst=20; burst=20; rate=5r/m;")
    return target, file


def test_an_edit_is_made_and_undone(replica):
    target, file = replica

    with edited(target, "edge", NGINX_CONF, ("rate=5r/m", "rate=6r/m")):
        assert file.read_text() == "burst=20; burst=20; rate=6r/m;"

    assert file.read_text() == "burst=20; burst=20; rate=5r/m;"


def test_an_edit_is_undone_when_the_fault_goes_wrong(replica):
    target, file = replica

    with (
        pytest.raises(RuntimeError),
        edited(target, "edge", NGINX_CONF, ("r/m", "r/s")),
    ):
        raise RuntimeError

    assert file.read_text() == "burst=20; burst=20; rate=5r/m;"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("rate=7r/m", "rate=6r/m"), "has 'rate=7r/m' 0 times"),
        (("burst=20", "burst=25"), "has 'burst=20' 2 times"),
        (("rate=5r/m", "rate=5r/m"), "replaces 'rate=5r/m' by itself"),
    ],
)
def test_an_edit_that_would_not_be_one_is_refused(replica, edit, message):
    target, file = replica
    before = file.read_text()

    with (
        pytest.raises(FaultError, match=message),
        edited(target, "edge", NGINX_CONF, edit),
    ):
        pytest.fail("entered")

    assert file.read_text() == before


def test_replacing_keeps_the_mode_and_refuses_the_same_content(replica):
    target, file = replica
    file.chmod(0o600)

    with replaced(target, "edge", NGINX_CONF, b"other"):
        assert file.read_bytes() == b"other"
        assert file.stat().st_mode & 0o777 == 0o600

    with (
        pytest.raises(FaultError, match="has this content already"),
        replaced(target, "edge", NGINX_CONF, file.read_bytes()),
    ):
        pytest.fail("entered")


def test_a_file_that_is_not_there_is_told(replica):
    target, _ = replica

    with (
        pytest.raises(FaultError, match=r"absent\.conf: cannot be read: No such file"),
        replaced(target, "edge", "/etc/nginx/absent.conf", b""),
    ):
        pytest.fail("entered")
