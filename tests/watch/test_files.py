"""The record's file: one watch at a time writes it, and nothing in it is lost."""

from pathlib import Path

import pytest

from golive.watch.files import RecordError, alone, file_of, put_aside, read, write
from golive.watch.record import Release

from .test_judge import WELL, record


def test_a_record_is_read_as_it_was_written(tmp_path: Path):
    path = file_of(tmp_path / "deep", "test")
    write(record(WELL), path)
    assert read(path) == record(WELL)
    assert read(tmp_path / "none.json") is None


def test_records_put_aside_never_replace_one_another(tmp_path: Path):
    path = file_of(tmp_path, "test")
    one = record(release=Release(tag="rel/1", commit="0" * 40))
    kept = []
    for text in ("first", "second", "third"):
        path.write_text(text)
        path.with_suffix(".html").write_text(f"page of the {text}")
        kept.append(put_aside(one, path))
        assert not path.exists()
    assert [each.read_text() for each in kept] == ["first", "second", "third"]
    pages = [each.with_suffix(".html").read_text() for each in kept]
    assert pages == ["page of the first", "page of the second", "page of the third"]
    assert kept[0].name == "watch-test-rel-1-20250405T120000.json"


def test_one_watch_at_a_time(tmp_path: Path):
    path = file_of(tmp_path, "test")
    with alone(path):
        with pytest.raises(RecordError, match="another watch writes it"), alone(path):
            pass
        with alone(file_of(tmp_path, "other")):
            pass
    with alone(path):
        pass


def test_a_record_of_before_is_told_in_a_line(tmp_path: Path):
    path = file_of(tmp_path, "test")
    path.write_text('{"schema_version": 1, "environment": "test"}')
    with pytest.raises(RecordError, match=r"no record of a watch .*release: Field required"):
        read(path)
