"""Which release is watched: as its record names it, or a tag of git."""

from pathlib import Path

from golive.located_yaml import read
from golive.probes import commits
from golive.release import record, scaffold
from golive.watch.files import RecordError
from golive.watch.record import Release


def identify(
    given: str | None, directory: Path = scaffold.DIRECTORY, repository: Path = Path()
) -> Release:
    """The release of this tag, or in this record (FILE.yaml); if none is given, the tag at HEAD.

    A tag that has a record in `directory` is the commit of the record: a tag can be moved. Raises
    RecordError where it is not one, FileError (the record), Unproven (git).
    """
    tag = given if given is not None else _at_head(repository)
    is_file = tag.endswith((".yaml", ".yml"))
    path = Path(tag) if is_file else directory / f"{tag}.yaml"
    if is_file or path.is_file():
        found = read(path, record.Record, {"base": path.parent, "name": path.stem})
        return Release(tag=found.tag, commit=found.commit)
    named = commits.tag(repository, tag)
    if named is None:
        raise RecordError(f"there is no release {tag}: neither {path} nor a tag of git")
    return Release(tag=named.name, commit=named.commit)


def _at_head(repository: Path) -> str:
    found = commits.at_head(repository)
    if len(found) != 1:
        which = f"{len(found)} tags are" if found else "no tag v* is"
        raise RecordError(f"which release is watched? {which} at HEAD: --release TAG or FILE")
    return found[0]
