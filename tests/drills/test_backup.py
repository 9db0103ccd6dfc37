"""What a backup has of the writes that were acknowledged while it was made."""

import gzip

import bson
import pytest
from bson.timestamp import Timestamp

from golive.drills.backup import Consistency, _judged
from golive.drills.manifest import Collection, Manifest, manifest
from golive.drills.writer import FIRST, LAST, Acknowledged
from golive.outcome import Unproven, Whose

CONTENT = Manifest(100, 5, ())  # the moment


def at(second, number=0):
    return Timestamp(second, number)


def write(number, at_, after=None):
    return Acknowledged(number, after, at_)


@pytest.fixture
def backup(tmp_path):
    def made(first, last):
        for name, numbers in ((FIRST, first), (LAST, last)):
            text = b"".join(bson.encode({"_id": number}) for number in numbers)
            (tmp_path / f"{name}.bson.gz").write_bytes(gzip.compress(text))
        return tmp_path

    return made


def test_of_one_moment(backup):
    place = backup([0, 1], [0, 1])
    writes = (write(0, at(99)), write(1, at(100, 5)), write(2, at(101), after=at(100, 5)))

    assert _judged(place, CONTENT, writes, 3) == Consistency(3, 2, 0, 0, 0)


def test_a_write_of_before_is_missing_even_if_one_half_is_there(backup):
    seen = _judged(backup([0, 1], [0]), CONTENT, (write(0, at(99)), write(1, at(99))), 2)

    assert seen == Consistency(2, 2, 1, 0, 1)


def test_a_write_of_later(backup):
    seen = _judged(backup([7], [7]), CONTENT, (write(7, at(102), after=at(101)),), 1)

    assert seen == Consistency(1, 0, 0, 1, 0)


def test_one_that_may_be_before_or_after_is_neither(backup):
    seen = _judged(backup([7], [7]), CONTENT, (write(7, at(102), after=at(99)),), 1)

    assert seen == Consistency(1, 0, 0, 0, 0)


def test_collections_that_are_not_backed_up_are_missing_writes(tmp_path):
    seen = _judged(tmp_path, CONTENT, (write(0, at(99)),), 1)

    assert seen.missing == 1


def test_a_file_that_cannot_be_read_proves_nothing(backup):
    place = backup([0], [0])
    (place / f"{LAST}.bson.gz").write_bytes(b"garbage")

    with pytest.raises(Unproven) as raised:
        _judged(place, CONTENT, (write(0, at(99)),), 1)

    assert raised.value.whose is Whose.TARGET


MANIFEST = """{"format": 1, "snapshot": {"seconds": 7, "increment": 2}, "collections": [
  {"database": "d", "name": "c", "documents": 3, "bytes": 9, "indexes": 1, "md5": "x"}]}"""


def test_a_manifest(tmp_path):
    (tmp_path / "manifest.json").write_text(MANIFEST)

    assert manifest(tmp_path) == Manifest(7, 2, (Collection("d", "c", 3, 1, "x"),))


@pytest.mark.parametrize("text", ["", "[]", "{}", MANIFEST.replace("md5", "sum"), MANIFEST[:-9]])
def test_what_is_no_manifest_proves_nothing(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)

    with pytest.raises(Unproven, match="is no manifest of a backup"):
        manifest(tmp_path)
