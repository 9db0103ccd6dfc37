"""What backups there are, from directories as the job leaves them."""

import hashlib
from datetime import UTC, datetime

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import NotRun, Unproven
from golive.probes.backup import Backup, Open, damage, name_of, named, store

DIRECTORY = "/var/backups/mongodb"
MADE = datetime(2026, 11, 22, 2, 30, 1, tzinfo=UTC)
NAME = "mongodb-2026-11-22T02-30-01Z"


@pytest.fixture
def host(tmp_path):
    return Machine("backup", Host(connection="local://", root=tmp_path))


@pytest.fixture
def place(tmp_path):
    directory = tmp_path / "var/backups/mongodb"
    directory.mkdir(mode=0o700, parents=True)
    return directory


def made(place, name, content=b"data"):
    directory = place / name
    directory.mkdir(mode=0o700)
    file = directory / "users.bson.gz"
    file.touch(mode=0o600)
    file.write_bytes(content)
    (directory / "SHA256SUMS").touch(mode=0o600)
    (directory / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {file.name}\n")
    return directory


def test_names():
    assert named(NAME) == Backup(NAME, MADE)
    assert name_of(MADE) == NAME
    assert named(f"{NAME}.making") is None
    assert named("lost+found") is None


def test_backups_in_order_and_days_before_the_newest(host, place):
    for name in (NAME, "mongodb-2026-11-20T23-59-59Z", "mongodb-2026-11-22T01-00-00Z"):
        made(place, name)
    made(place, f"{NAME}.making")

    seen = store(host, DIRECTORY)

    assert [each.name[-10:] for each in seen.backups] == ["T23-59-59Z", "T01-00-00Z", "T02-30-01Z"]
    assert seen.newest.made == MADE
    assert seen.days == (0, 2)
    assert seen.opened == ()


def test_no_backup_and_no_directory(host, place):
    (place / f"{NAME}.making").mkdir()

    assert store(host, DIRECTORY) is None
    assert store(host, "/var/elsewhere") is None


def test_what_is_open_to_others(host, place):
    directory = made(place, NAME)
    (directory / "users.bson.gz").chmod(0o640)
    directory.chmod(0o701)

    seen = store(host, DIRECTORY)

    assert set(seen.opened) == {
        Open(str(directory), "701"),
        Open(str(directory / "users.bson.gz"), "640"),
    }


def test_a_directory_that_others_may_list(host, place):
    made(place, NAME)
    place.chmod(0o755)

    assert store(host, DIRECTORY).opened == (Open(str(place), "755"),)


def test_whole(host, place):
    assert damage(host, str(made(place, NAME))) == ()


def test_a_changed_file_is_damage(host, place):
    directory = made(place, NAME)
    (directory / "users.bson.gz").write_bytes(b"other")

    assert "users.bson.gz: FAILED" in damage(host, str(directory))


def test_a_missing_and_an_unlisted_file_are_damage(host, place):
    directory = made(place, NAME)
    (directory / "users.bson.gz").rename(directory / "more.bson.gz")

    found = "\n".join(damage(host, str(directory)))

    assert "users.bson.gz: FAILED open or read" in found
    assert "more.bson.gz: not listed" in found


def test_without_checksums_nothing_is_known(host, place):
    directory = made(place, NAME)
    (directory / "SHA256SUMS").unlink()

    with pytest.raises(Unproven):
        damage(host, str(directory))


def test_nobody_can_look_inside():
    with pytest.raises(NotRun):
        store(Machine("backup", Host()), DIRECTORY)
