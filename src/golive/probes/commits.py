"""What git knows of a release: its tag, what changed since the one before, who reviewed that."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from golive.outcome import Unproven, Whose

_FIELD, _VALUE = "\x1f", "\x1d"
_FORMAT = "%H%x1f%P%x1f%aE%x1f%s%x1f%(trailers:key=Reviewed-by,valueonly,unfold,separator=%x1d)"


@dataclass(frozen=True)
class Tag:
    """A tag. `made` is when an annotated one was; that of its commit for a lightweight one."""

    name: str
    commit: str
    made: datetime
    annotated: bool


@dataclass(frozen=True)
class Commit:
    """A commit. People are their e-mail addresses, as .mailmap has them."""

    id: str
    parents: tuple[str, ...]
    author: str
    subject: str
    reviewers: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """The commits of a release; `before` is the tag of the release before, None for the first."""

    before: str | None
    commits: tuple[Commit, ...]

    @property
    def unreviewed(self) -> tuple[Commit, ...]:
        """The commits that nobody but their author has reviewed, as far as git knows."""
        return tuple(c for c in self.commits if len(c.parents) < 2 and not self.reviewers(c))

    def reviewers(self, commit: Commit) -> set[str]:
        """Who, other than its author, has put a Reviewed-by to a commit, or merged it."""
        named = {*commit.reviewers, *(m.author for m, b in self._merges if commit.id in b)}
        return named - {commit.author}

    @cached_property
    def _merges(self) -> list[tuple[Commit, set[str]]]:
        """Each merge, with the commits that it brought."""
        by_id = {commit.id: commit for commit in self.commits}
        return [
            (
                merge,
                _reachable(by_id, *merge.parents[1:]) - _reachable(by_id, merge.parents[0]),
            )
            for merge in self.commits
            if len(merge.parents) > 1
        ]


def tag(repository: Path, name: str) -> Tag | None:
    """The tag, None where there is none of this name. Raises Unproven."""
    listed = _git(
        repository,
        *("for-each-ref", f"refs/tags/{name}"),
        "--format=%(refname:strip=2)%1f%(objecttype)%1f%(creatordate:iso-strict)",
    )
    for line in listed.splitlines():
        found, kind, made = line.split(_FIELD)
        if found == name:
            commit = _git(repository, "rev-parse", f"refs/tags/{name}^{{commit}}").strip()
            return Tag(name, commit, datetime.fromisoformat(made), kind == "tag")
    return None


def at_head(repository: Path) -> tuple[str, ...]:
    """The tags of releases (v1.2.0) that name the commit at HEAD. Raises Unproven."""
    return tuple(_git(repository, "tag", "--list", "v[0-9]*", "--points-at", "HEAD").split())


def committed(repository: Path, commit: str) -> datetime:
    """When a commit was made. Raises Unproven, also where there is no such commit."""
    shown = _git(repository, "show", "--no-patch", "--format=%cI", f"{commit}^{{commit}}")
    return datetime.fromisoformat(shown.strip())


def changes(repository: Path, commit: str) -> Changes:
    """What came with a release: the commits up to its own, after the release before. Raises
    Unproven.
    """
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() == "true":
        reason = f"{repository} is a shallow clone, without its history: git fetch --unshallow"
        raise Unproven(reason, Whose.OURS)
    match = ("--tags", "--match=v[0-9]*", "--abbrev=0")
    try:
        before = _git(repository, "describe", *match, f"{commit}^").strip()
    except Unproven:  # the first release; or its first commit
        before = None
    chosen = f"{before}..{commit}" if before else commit
    text = _git(repository, "log", "-z", f"--format={_FORMAT}", chosen, "--")
    return Changes(before, tuple(_commit(each) for each in text.split("\0") if each))


def contents(repository: Path, commit: str, directory: str) -> dict[str, str]:
    """The files below a directory of a commit, by their path in it, as git's own digests.

    Raises Unproven, also where there is none.
    """
    listed = _git(repository, "ls-tree", "-r", "-z", "--full-tree", commit, f"{directory}/")
    entries = [entry.split("\t", 1) for entry in listed.split("\0") if entry]
    if not entries:
        raise Unproven(f"{repository}: no {directory} in {commit}", Whose.TARGET)
    return {
        path.removeprefix(f"{directory}/"): about.split()[2]
        for about, path in entries
        if about.split()[1] == "blob"
    }


def digests(repository: Path, files: Mapping[str, Path]) -> dict[str, str]:
    """The digests that git would give to files of this machine, by the same names."""
    paths = "\n".join(str(path.resolve()) for path in files.values())
    listed = _git(repository, "hash-object", "--no-filters", "--stdin-paths", text=paths)
    return dict(zip(files, listed.split(), strict=True))


def content(repository: Path, commit: str, path: str) -> str:
    """The text of a file in a commit. Raises Unproven."""
    return _git(repository, "show", f"{commit}:{path}")


def _commit(text: str) -> Commit:
    id_, parents, author, subject, trailers = text.strip("\n").split(_FIELD)
    return Commit(
        id_,
        tuple(parents.split()),
        author.lower(),
        subject,
        tuple(_address(each) for each in trailers.split(_VALUE) if each.strip()),
    )


def _address(person: str) -> str:
    """The address of `Name <address>`; the whole where there is none."""
    return person.rpartition("<")[2].rstrip("> ").strip().lower()


def _reachable(commits: Mapping[str, Commit], *starts: str) -> set[str]:
    seen: set[str] = set()
    todo = list(starts)
    while todo:
        id_ = todo.pop()
        if id_ in commits and id_ not in seen:
            seen.add(id_)
            todo += commits[id_].parents
    return seen


def _git(repository: Path, *arguments: str, text: str | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", repository, *arguments], input=text, capture_output=True, text=True
        )
    except OSError as error:
        raise Unproven(f"git cannot be run: {error}", Whose.TOOL) from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Unproven(
            f"{repository}: git {arguments[0]}: {said[0] if said else done.returncode}", Whose.OURS
        )
    return done.stdout
