"""Which release a watch is of: a tag of a real repository, or a record."""

from pathlib import Path

import pytest

from golive.located_yaml import FileError
from golive.outcome import Unproven
from golive.release import scaffold
from golive.watch.files import RecordError
from golive.watch.record import Release
from golive.watch.release import identify

from ..probes.test_commits import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path)
    found.commit("one")
    found.git("tag", "v1.2.0")
    return found


def identified(repository: Repository, given: str | None) -> Release:
    return identify(given, repository.path / "releases", repository.path)


def test_the_tag_at_head(repository: Repository):
    commit = repository.git("rev-parse", "HEAD")
    repository.git("tag", "nightly")
    assert identified(repository, None) == Release(tag="v1.2.0", commit=commit)
    repository.commit("two")
    with pytest.raises(RecordError, match="no tag v\\* is at HEAD: --release"):
        identified(repository, None)
    assert identified(repository, "v1.2.0").commit == commit


def test_two_tags_at_head_are_one_too_many(repository: Repository):
    repository.git("tag", "v1.2.1")
    with pytest.raises(RecordError, match="2 tags are at HEAD"):
        identified(repository, None)


def test_the_record_of_a_tag_counts_and_not_where_the_tag_is_now(repository: Repository):
    commit = repository.git("rev-parse", "HEAD")
    path = scaffold.create("v1.2.0", repository.path / "releases", repository.path)
    repository.commit("two")
    repository.git("tag", "--force", "v1.2.0")
    for given in (None, "v1.2.0", str(path)):
        assert identified(repository, given).commit == commit


def test_what_is_no_release(repository: Repository, tmp_path_factory: pytest.TempPathFactory):
    with pytest.raises(RecordError, match="there is no release v9"):
        identified(repository, "v9")
    with pytest.raises(FileError, match=r"none\.yaml"):
        identified(repository, "none.yaml")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(Unproven, match="not a git repository"):
        identify(None, elsewhere, elsewhere)
