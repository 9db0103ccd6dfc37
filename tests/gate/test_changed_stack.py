"""The gate as a release engineer runs it: on a changed copy of the stack, and on a broken one."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from golive.checklist import Report, Verdict
from golive.outcome import Outcome
from golive.replica import control
from golive.report.json import read

STACK = Path("environments/stack")
GOLIVE = Path(sys.executable).with_name("golive")


def gate(stack: Path, report_dir: Path, *arguments: str) -> tuple[int, Report]:
    """Exit status and report of `golive gate` on a stack."""
    command = [GOLIVE, "gate", "--stack", stack, "--report-dir", report_dir, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=180)
    try:
        return run.returncode, read(report_dir)
    except Exception as error:
        raise AssertionError(run.stdout + run.stderr) from error


def copy_of_stack(directory: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of the reference stack in which each (file, before, after) is replaced once."""
    copy = directory / "stack"
    shutil.copytree(STACK, copy, ignore=shutil.ignore_patterns("node_modules"))
    for file, before, after in changes:
        text = (copy / file).read_text()
        assert text.count(before) == 1, (file, before)
        (copy / file).write_text(text.replace(before, after))
    return copy


def test_each_change_of_the_stack_is_found_where_it_is_and_nothing_else(tmp_path):
    stack = copy_of_stack(
        tmp_path,
        ("nginx/security-headers.conf", 'add_header X-Frame-Options "DENY" always;\n', ""),
        ("nginx/nginx.conf", "ssl_protocols TLSv1.2", "ssl_protocols TLSv1.1 TLSv1.2"),
        ("nginx/nginx.conf", "rate=5r/m", "rate=6r/m"),
        ("nginx/nginx.conf", "burst=20", "burst=25"),
    )

    status, report = gate(stack, tmp_path / "report", "-k", "11_security_audit")

    reasons = {s.id: s.reason for s in report.scenarios if s.outcome is Outcome.FAILED}
    assert (status, report.verdict) == (1, Verdict.NO_GO)
    audit = "11_security_audit"
    frame = reasons.pop(f"{audit}/headers.feature::X-Frame-Options")
    assert "expected: X-Frame-Options: DENY" in frame
    assert "actual: X-Frame-Options: none" in frame
    protocols = reasons.pop(f"{audit}/tls.feature::nginx enables no other protocol")
    assert "TLSv1.1" in protocols
    rate = reasons.pop(f"{audit}/rate_limits.feature::5 authentications a minute")
    assert "expected: 5 requests a minute" in rate
    assert "actual: 5.8" in rate or "actual: 5.9" in rate
    name = "A burst of 20 is served at once, and the next request is refused"
    burst = reasons.pop(f"{audit}/rate_limits.feature::{name}")
    assert "expected: a burst of 20" in burst
    assert "actual: a burst of 25" in burst
    assert reasons == {}


@pytest.fixture
def kept(tmp_path):
    """A replica that `golive up` started, of a stack that nobody else has."""
    stack = copy_of_stack(tmp_path, ("nginx/cdn.conf", "# Whose", f"# {tmp_path}\n# Whose"))
    subprocess.run([GOLIVE, "up", "--stack", stack], check=True, capture_output=True, timeout=120)
    state = control.matching(stack)
    assert state is not None
    yield stack, state
    control.stop(state.number)


def test_a_stopped_edge_is_unproven_and_never_passed(kept, tmp_path):
    stack, state = kept
    (edge,) = (server for server in state.servers if server.name == "edge")
    process = psutil.Process(edge.pid)
    os.kill(edge.pid, signal.SIGTERM)
    process.wait(timeout=10)

    status, report = gate(stack, tmp_path / "report", "-k", "11_security_audit")

    assert (status, report.verdict) == (3, Verdict.INCOMPLETE)
    judged = [s for s in report.scenarios if s.item == "11" and "sign_off" not in s.id]
    assert {s.outcome for s in judged} == {Outcome.UNPROVEN}
    silent = [s.reason for s in judged if "refused" not in s.reason and "nginx" not in s.reason]
    assert silent == []
