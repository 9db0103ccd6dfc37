"""No secret of a replica is where others, or its owner by accident, could read it."""

import re
import stat
from pathlib import Path

import psutil
import pytest

from .commands import Replica
from .conftest import Up


@pytest.fixture(scope="module")
def secrets(replica: Replica) -> dict[str, bytes]:
    """Every secret, by placeholder; a user's name is none."""
    return {name: value.encode() for name, value in replica.secrets.items() if name != "username"}


def test_there_are_secrets(secrets: dict[str, bytes]) -> None:
    assert len(secrets) > 10
    assert len(set(secrets.values())) == len(secrets)
    assert all(len(value) >= 32 for value in secrets.values())


def test_verbose_prints_every_substitution_and_no_secret(up: Up, secrets: dict[str, bytes]) -> None:
    said = up.said.stdout + up.said.stderr
    assert leaked(said.encode(), secrets) == []
    line = re.search(r"^app-1: app/\.env\.production:(\d+)\n  - (.*)\n  \+ (.*)$", said, re.M)
    assert line is not None
    assert '  - JWT_SECRET="[secret-key-here]"\n  + JWT_SECRET="••••••••"\n' in said
    assert "edge: nginx/nginx.conf:" in said


def test_no_command_line_has_a_secret(secrets: dict[str, bytes]) -> None:
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    assert leaked("\n".join(lines).encode(), secrets) == []


def test_no_log_has_a_secret(replica: Replica, secrets: dict[str, bytes]) -> None:
    logs = [
        *replica.directory.glob("log/*"),
        *replica.directory.glob("hosts/*/var/log/**/*.log"),
        replica.directory / "keeper.log",
        replica.directory / "replica.json",
    ]
    assert len(logs) > 20
    assert [str(file) for file in logs if leaked(file.read_bytes(), secrets)] == []


def test_files_with_secrets_are_their_owners_alone(
    replica: Replica, secrets: dict[str, bytes]
) -> None:
    keys = {**secrets, "private key": b"PRIVATE KEY"}
    files = [each for each in replica.directory.rglob("*") if each.is_file()]
    assert mode(replica.directory / "credentials.json") == 0o600
    # The others are not read: MongoDB's journals alone are 300 MB.
    for_others = [each for each in files if mode(each) & 0o077 and not each.is_symlink()]
    assert for_others, "the application's own files, at least"
    assert [str(each) for each in for_others if leaked(each.read_bytes(), keys)] == []


def test_nobody_else_can_list_a_directory(replica: Replica) -> None:
    directories = [replica.directory, *(d for d in replica.directory.rglob("*") if d.is_dir())]
    own = [each for each in directories if "node_modules" not in each.parts]
    assert len(own) > 50
    assert [str(each) for each in own if mode(each) & 0o044] == []


def leaked(content: bytes, secrets: dict[str, bytes]) -> list[str]:
    return [name for name, value in secrets.items() if value in content]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
