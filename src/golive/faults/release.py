"""Break that the release which the replica is taken for is one commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited_file
from golive.release.example import STACK

_FEATURE = "02_code_review/release.feature::"


@fault(f"{_FEATURE}The release has a tag")
@contextmanager
def tag_without_a_maker(replica: Target) -> Iterator[None]:
    """DEP-03: the tag is a lightweight one: nobody knows who made it, and when."""
    release, commit = replica.release, replica.release.data["commit"]
    annotated = release.git("rev-parse", release.tag).strip()
    try:
        release.git("tag", "--force", release.tag, commit)
        yield
    finally:
        release.git("update-ref", f"refs/tags/{release.tag}", annotated)


@fault(f"{_FEATURE}The application says which version it is")
@contextmanager
def version_not_raised(replica: Target) -> Iterator[None]:
    """DEP-03: package.json has the version of the release before."""
    release = replica.release
    file = f"{release.tag}:{STACK}/app/package.json"
    before, version = release.git("show", file), release.tag.removeprefix("v")
    after = before.replace(f'"version": "{version}"', '"version": "0.9.0"')
    old = release.git("hash-object", "-w", "--stdin", text=after).strip()
    blob = release.git("rev-parse", file).strip()
    try:
        release.git("replace", blob, old)  # git shows the other, and the commit stays what it is
        yield
    finally:
        release.git("replace", "--delete", blob)


@fault(f"{_FEATURE}What is judged here is the release")
@contextmanager
def changed_since(replica: Target) -> Iterator[None]:
    """DEP-03: somebody has changed a file of the stack after the release was tagged."""
    line = "multi_accept on;"
    with edited_file(replica.stack / "nginx/nginx.conf", (line, f"{line}  # at once")):
        yield
