"""What git knows of a release, in real repositories."""

import os
import subprocess
from datetime import UTC, datetime

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.commits import changes, committed, content, contents, digests, tag

ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org",
    "GIT_AUTHOR_NAME": "A",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+00:00",
}


class Repository:
    """A repository that a test makes, commit by commit."""

    def __init__(self, path):
        self.path = path
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments, author="ann@example.org"):
        return subprocess.run(
            ["git", "-C", self.path, *arguments],
            env={**ENV, "GIT_AUTHOR_EMAIL": author},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, message, author="ann@example.org"):
        self.git("commit", "--quiet", "--allow-empty", "-m", message, author=author)
        return self.git("rev-parse", "HEAD")

    def merge(self, branch, author):
        self.git("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch, author=author)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def unreviewed(repository, commit="HEAD"):
    return [each.subject for each in changes(repository.path, commit).unreviewed]


def test_an_annotated_and_a_lightweight_tag(repository):
    commit = repository.commit("one")
    repository.git("tag", "v1.0.0")
    repository.git("tag", "--annotate", "-m", "x", "v1.0.1")

    light, annotated = tag(repository.path, "v1.0.0"), tag(repository.path, "v1.0.1")

    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (light.commit, light.annotated, light.made) == (commit, False, made)
    assert (annotated.commit, annotated.annotated, annotated.made) == (commit, True, made)
    assert tag(repository.path, "v1.0") is None
    assert committed(repository.path, commit) == made


def test_a_trailer_of_another_is_a_review(repository):
    repository.commit("one\n\nReviewed-by: Bob <BOB@example.org>")
    repository.commit("two\n\nReviewed-by: Ann <Ann@Example.org>")
    repository.commit("three")

    assert unreviewed(repository) == ["three", "two"]


def test_a_merge_by_another_is_a_review(repository):
    repository.commit("first\n\nReviewed-by: Bob <bob@example.org>")
    for branch, merger in (("a", "bob@example.org"), ("b", "ann@example.org")):
        repository.git("switch", "--quiet", "--create", branch, "main")
        repository.commit(f"on {branch}")
        repository.commit(f"more on {branch}")
        repository.git("switch", "--quiet", "main")
        repository.merge(branch, merger)
    repository.commit("straight onto main")

    assert sorted(unreviewed(repository)) == ["more on b", "on b", "straight onto main"]


def test_a_merge_reviews_only_what_it_brings(repository):
    repository.commit("before\n\nReviewed-by: Bob <bob@example.org>")
    repository.commit("on main")
    repository.git("switch", "--quiet", "--create", "side", "HEAD~1")
    repository.commit("on side")
    repository.git("switch", "--quiet", "main")
    repository.merge("side", "bob@example.org")

    assert unreviewed(repository) == ["on main"]


def test_what_came_with_the_release_before_is_not_asked_for(repository):
    repository.commit("old")
    repository.git("tag", "v0.9.0")
    head = repository.commit("new")
    repository.git("tag", "v1.0.0")

    seen = changes(repository.path, head)

    assert (seen.before, [c.subject for c in seen.commits]) == ("v0.9.0", ["new"])


def test_an_address_may_be_mapped(repository):
    (repository.path / ".mailmap").write_text("Ann <ann@example.org> <a.private@example.org>\n")
    repository.commit("own\n\nReviewed-by: Ann <ann@example.org>", author="a.private@example.org")

    assert unreviewed(repository) == ["own"]


def test_a_shallow_clone_proves_nothing(repository, tmp_path):
    repository.commit("one")
    repository.commit("two\n\nReviewed-by: Bob <bob@example.org>")
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(clone))

    with pytest.raises(Unproven, match="shallow clone, without its history") as raised:
        changes(clone, "HEAD")
    assert raised.value.whose is Whose.OURS


def test_files_of_a_commit_and_of_a_directory(repository):
    stack = repository.path / "a stack"
    (stack / "sub").mkdir(parents=True)
    (stack / "x\ty").write_text("1\r\n")
    (stack / "sub/é").write_text("2")
    repository.git("add", ".")
    commit = repository.commit("one")
    here = {name: stack / name for name in ("x\ty", "sub/é")}

    assert contents(repository.path, commit, "a stack") == digests(repository.path, here)
    assert content(repository.path, commit, "a stack/sub/é") == "2"
    (stack / "sub/é").write_text("3")
    assert contents(repository.path, commit, "a stack") != digests(repository.path, here)
    with pytest.raises(Unproven, match="no elsewhere in"):
        contents(repository.path, commit, "elsewhere")


def test_no_repository(tmp_path):
    with pytest.raises(Unproven, match="not a git repository"):
        tag(tmp_path, "v1.0.0")
    with pytest.raises(Unproven, match="not a git repository"):
        changes(tmp_path, "HEAD")


def test_no_such_commit(repository):
    repository.commit("one")
    with pytest.raises(Unproven, match="git show"):
        committed(repository.path, "0" * 40)
    with pytest.raises(Unproven, match="git log"):
        changes(repository.path, "0" * 40)


def test_no_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unproven, match="git cannot be run") as raised:
        tag(repository.path, "v1.0.0")
    assert raised.value.whose is Whose.TOOL
