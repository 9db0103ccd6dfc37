"""The stack's backup.js and restore.js, against real servers: what they write, keep and refuse."""

import contextlib
import json
import os
import random
import shutil
import stat
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from pymongo import MongoClient

from golive import toolchain
from golive.drills.hashes import held
from golive.drills.manifest import manifest

STACK = Path("environments/stack")
SCRIPTS = STACK / "deploy/backup"
START_TIMEOUT_S = 60
EVERY_TYPE = {
    "_id": ObjectId(),
    "int": 1,
    "double": 1.0,
    "minus": -0.0,
    "long": Int64(1),
    "decimal": Decimal128("1.10"),
    "date": datetime(2026, 1, 1, tzinfo=UTC),
    "binary": Binary(b"\0\xff", 5),
    "regex": Regex("^a.*", "im"),
    "time": Timestamp(1, 2),
    "text": "é\0",
    "none": None,
    "list": [1, {"a": []}],
}


@pytest.fixture(scope="module")
def node():
    return toolchain.ensure(lambda _: None).node


@contextlib.contextmanager
def mongod(directory, *options):
    """A server on an address of its own, ended with the tests: its URI."""
    directory.mkdir()
    address = f"127.84.{random.randrange(130, 256)}.{random.randrange(1, 255)}"
    log = directory.with_suffix(".log")
    program = toolchain.ensure(lambda _: None).mongod
    command = ["setpriv", "--pdeathsig", "KILL", program, "--dbpath", directory, "--nounixsocket"]
    command += ["--bind_ip", address, "--wiredTigerCacheSizeGB", "0.25", *options]
    with log.open("w") as output:
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output)
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while "Waiting for connections" not in log.read_text():
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.02)
        yield f"mongodb://{address}:27017/?directConnection=true"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A replica set of one member with data of every type, two databases and a user."""
    with mongod(tmp_path_factory.mktemp("source") / "data", "--replSet", "one") as uri:
        with MongoClient(uri) as client:
            client.admin.command("replSetInitiate", {})
            until = time.monotonic() + START_TIMEOUT_S
            while not client.admin.command("hello")["isWritablePrimary"]:
                assert time.monotonic() < until
                time.sleep(0.05)
            client.one.types.insert_one(EVERY_TYPE)
            client.one.many.insert_many({"_id": n, "text": "x" * 500} for n in range(2500))
            client.one.many.create_index([("text", 1), ("_id", -1)], name="both", sparse=True)
            client.one.create_collection("checked", validator={"_id": {"$exists": True}})
            client.one.create_collection("empty")
            client.two.single.insert_one({"_id": "only"})
            client.admin.command("createUser", "rider", pwd="secret", roles=["root"])
        yield uri


@pytest.fixture
def empty(tmp_path):
    with mongod(tmp_path / "target") as uri:
        yield uri


@pytest.fixture
def scripts(tmp_path):
    """A copy of the scripts as the backup host has them."""
    directory = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, directory)
    modules = toolchain.ensure_application(STACK / "app", lambda _: None)
    (directory / "node_modules").symlink_to(modules)
    return directory


@pytest.fixture
def script(scripts, node):
    def run(name, *arguments, **variables):
        return subprocess.run(
            [node, scripts / name, *arguments],
            env={"PATH": os.defpath, **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backups"


@pytest.fixture
def backup(script, source, place):
    """A backup that was just made."""
    run = script("backup.js", MONGO_URI=source, DIRECTORY=str(place))
    assert run.returncode == 0, run.stderr
    return Path(run.stdout.strip())


def test_a_restored_backup_is_what_was_backed_up(script, source, backup, empty):
    run = script("restore.js", str(backup), MONGO_URI=empty)

    assert run.returncode == 0, run.stderr
    assert "restored 2502 documents in 5 collections" in run.stdout
    with MongoClient(source) as before, MongoClient(empty) as after:
        for database in ("one", "two"):
            assert held(after[database]) == held(before[database])
        assert after.one.checked.options() == before.one.checked.options() != {}
        assert after.one.types.find_one() == before.one.types.find_one()
    with MongoClient(empty, username="rider", password="secret") as rider:
        assert rider.one.many.count_documents({}) == 2500


def test_only_the_owner_can_read_it_whatever_the_umask(script, source, place):
    old = os.umask(0)
    try:
        assert script("backup.js", MONGO_URI=source, DIRECTORY=str(place)).returncode == 0
    finally:
        os.umask(old)

    modes = {stat.S_IMODE(each.lstat().st_mode) for each in [place, *place.rglob("*")]}
    assert modes == {0o700, 0o600}


def test_its_checksums_are_those_of_coreutils_and_its_hashes_those_of_mongodb(backup, source):
    check = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=backup)
    assert check.returncode == 0
    with MongoClient(source) as client:
        hashes = client.one.command("dbHash")["collections"]
    said = {each.name: each.md5 for each in manifest(backup).collections if each.database == "one"}
    assert said == hashes


def test_seven_calendar_days_are_kept(script, source, place):
    today = datetime.now(UTC)
    place.mkdir()
    for days in range(1, 11):
        (place / (today - timedelta(days=days)).strftime("mongodb-%Y-%m-%dT00-00-00Z")).mkdir()
    (place / (today - timedelta(days=9)).strftime("mongodb-%Y-%m-%dT00-00-00Z.making")).mkdir()
    (place / "lost+found").mkdir()

    run = script("backup.js", MONGO_URI=source, DIRECTORY=str(place))

    assert run.returncode == 0, run.stderr
    kept = sorted(each.name for each in place.iterdir())
    days = {name[8:18] for name in kept if name.startswith("mongodb-")}
    assert len(days) == 7
    assert min(days) == (today - timedelta(days=6)).strftime("%Y-%m-%d")
    assert len(kept) == 8
    assert "lost+found" in kept


def test_a_failed_backup_removes_nothing_and_leaves_nothing(script, place):
    place.mkdir()
    old = place / "mongodb-2020-01-01T00-00-00Z"
    old.mkdir()

    nowhere = "mongodb://127.84.129.1:1/?serverSelectionTimeoutMS=200"
    run = script("backup.js", MONGO_URI=nowhere, DIRECTORY=str(place))

    assert run.returncode == 1
    assert run.stderr.startswith("no backup was made: ")
    assert list(place.iterdir()) == [old]


def test_settings_that_are_missing_are_named(script, place):
    run = script("backup.js", MONGO_URI="", DIRECTORY=str(place), KEEP_DAYS="7")
    assert run.returncode == 1
    assert "MONGO_URI, DIRECTORY and KEEP_DAYS" in run.stderr
    assert not place.exists()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"viewOn": "single", "pipeline": []}, "view"),
        ({"capped": True, "size": 4096}, "capped collection"),  # no snapshot is read of one
        ({"timeseries": {"timeField": "at"}}, "timeseries"),
    ],
)
def test_what_cannot_be_restored_is_refused_rather_than_forgotten(
    script, source, place, options, kind
):
    with MongoClient(source) as client:
        client.two.create_collection("special", **options)
        try:
            run = script("backup.js", MONGO_URI=source, DIRECTORY=str(place))
        finally:
            client.two.drop_collection("special")
            client.two.drop_collection("system.views")
    assert run.returncode == 1
    assert f"two.special: a {kind} is not backed up" in run.stderr
    assert list(place.iterdir()) == []


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "one bit": (lambda b: flip(b / "one/many.bson.gz"), "one/many.bson.gz is damaged"),
    "cut off": (lambda b: os.truncate(b / "one/many.bson.gz", 99), "one/many.bson.gz is damaged"),
    "a file gone": (lambda b: (b / "two/single.bson.gz").unlink(), "two/single.bson.gz is missing"),
    "one too many": (lambda b: (b / "two/more.bson.gz").touch(), "two/more.bson.gz is not listed"),
    "the manifest": (lambda b: flip(b / "manifest.json"), "manifest.json is damaged"),
    "no checksums": (lambda b: os.truncate(b / "SHA256SUMS", 0), "lists no manifest.json"),
    "all of them": (lambda b: (b / "SHA256SUMS").unlink(), "SHA256SUMS"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_refused_before_the_server_is_asked(script, backup, damage):
    break_it, expected = DAMAGES[damage]
    break_it(backup)

    run = script("restore.js", str(backup), MONGO_URI="mongodb://127.84.129.1:1/")

    assert run.returncode == 1
    assert expected in run.stderr


def test_a_server_with_data_is_left_alone(script, backup, empty):
    with MongoClient(empty) as client:
        client.other.kept.insert_one({"_id": 1})

        run = script("restore.js", str(backup), MONGO_URI=empty)

        assert run.returncode == 1
        assert "the server has data already: other" in run.stderr
        assert set(client.list_database_names()) == {"admin", "config", "local", "other"} - (
            {"config"} - set(client.list_database_names())
        )


def test_usage(script):
    run = script("restore.js")
    assert run.returncode == 1
    assert "usage: MONGO_URI=" in run.stderr


def test_a_manifest_names_its_moment(backup):
    said = json.loads((backup / "manifest.json").read_text())
    assert abs(said["snapshot"]["seconds"] - time.time()) < 60
    assert said["format"] == 1
