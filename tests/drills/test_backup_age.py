"""The stack's age.sh: what Prometheus is told of the newest backup."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path("environments/stack/deploy/backup/age.sh")
TEXTFILES = "/var/lib/prometheus/node-exporter"
MADE = 1_700_000_000


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """The directory of the backups, in a host's root; there is none yet."""
    (tmp_path / "textfiles").mkdir()
    script = SCRIPT.read_text().replace(TEXTFILES, str(tmp_path / "textfiles"))
    (tmp_path / "age.sh").write_text(script)
    (tmp_path / "backup.env").write_text(f'DIRECTORY="{tmp_path}/backups"\n')
    return tmp_path / "backups"


def made(directory: Path, at: int) -> None:
    directory.mkdir(parents=True)
    os.utime(directory, (at, at))


def told(backups: Path) -> str:
    subprocess.run(["sh", backups.with_name("age.sh")], check=True)
    [file] = (backups.parent / "textfiles").iterdir()
    assert file.name == "backup.prom"
    return file.read_text()


def test_the_newest_by_its_name(backups: Path) -> None:
    made(backups / "mongodb-2026-01-01T02-30-00Z", MADE + 9)
    made(backups / "mongodb-2026-01-02T02-30-00Z", MADE)
    assert told(backups) == f"mongodb_backup_newest_timestamp_seconds {MADE}\n"


def test_one_that_is_not_whole_is_none(backups: Path) -> None:
    made(backups / "mongodb-2026-01-01T02-30-00Z", MADE)
    made(backups / "mongodb-2026-01-02T02-30-00Z.making", MADE + 9)
    assert told(backups) == f"mongodb_backup_newest_timestamp_seconds {MADE}\n"


def test_without_any_it_is_as_old_as_their_directory(backups: Path) -> None:
    made(backups, MADE)
    assert told(backups) == f"mongodb_backup_newest_timestamp_seconds {MADE}\n"


def test_the_directory_is_made_for_its_owner_only(backups: Path) -> None:
    assert told(backups).startswith("mongodb_backup_newest_timestamp_seconds 1")
    assert backups.stat().st_mode & 0o777 == 0o700
