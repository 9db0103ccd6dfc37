"""Write records: a new one for a tag, and an entry more into one that people have written."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from golive.located_yaml import FileError, Problem
from golive.outcome import Unproven
from golive.probes import commits
from golive.report.json import write_text

DIRECTORY = Path("releases")

_RECORD = """\
# The record of a release, for golive gate --release FILE. How it is filled in: docs/releases.md.

tag: {tag}
commit: {commit}
repository: {repository}

# What CI has written: JUnit, with the property commit. Files beside this one.
tests:
  unit: {tag}/unit.xml
  integration: {tag}/integration.xml
  e2e: {tag}/e2e.xml
  staging: {tag}/staging.xml      # the end-to-end tests, run against staging

# What people have signed: golive sign ITEM --release FILE --key KEY writes it here.
sign_offs: []

# What fails and is accepted for a time: golive waive STATEMENT --release FILE --key KEY.
waivers: []

notes: ""
"""


class _Block(yaml.SafeDumper):
    """Writes texts of several lines, such as signatures, as they are."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Block.add_representer(str, _text)


def create(tag: str, directory: Path = DIRECTORY, repository: Path = Path()) -> Path:
    """Write the record of a tag that `repository` has; its path.

    Raises FileError where there is no such tag, or a record already.
    """
    path = directory / f"{tag}.yaml"
    try:
        found = commits.tag(repository, tag)
    except Unproven as error:
        raise FileError(Problem(path, error.reason)) from None
    if found is None:
        raise FileError(Problem(path, f"there is no tag {tag}: git tag --annotate {tag} makes it"))
    if path.exists():
        raise FileError(Problem(path, "is there already, and is left as it is"))
    back = Path(*[".."] * len(directory.parts)) if not directory.is_absolute() else repository
    text = _RECORD.format(tag=tag, commit=found.commit, repository=back)
    return write_text(path, text)


def put(path: Path, place: str, entry: Mapping[str, Any]) -> None:
    """Put an entry first into the list `place` of a record; all else in the file stays as it is.

    Raises FileError.
    """
    write_text(path, added(path.read_text(), place, entry, path))


def added(text: str, place: str, entry: Mapping[str, Any], path: Path) -> str:
    """The text of a record with one entry more, the first of the list `place`."""
    block = yaml.dump([dict(entry)], Dumper=_Block, sort_keys=False, allow_unicode=True, width=99)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = root.value if isinstance(root, yaml.MappingNode) else []
    values = {key.value: value for key, value in nodes}
    if place not in values:
        return f"{text.rstrip()}\n\n{place}:\n{textwrap.indent(block, '  ')}"
    node = values[place]
    start, end = node.start_mark.index, node.end_mark.index
    if not node.value or node.tag == "tag:yaml.org,2002:null":
        rest, _, below = text[end:].partition("\n")  # a comment of the same line
        head = f"{text[:start].rstrip(' ')}{rest.rstrip()}"
        return f"{head}\n{textwrap.indent(block, '  ')}{below}"
    if not isinstance(node, yaml.SequenceNode):
        raise FileError(Problem(path, f"{place}: must be a list", node.start_mark.line + 1))
    if node.flow_style:
        message = f"{place}: write it with a line for each entry (- ...), to have one added"
        raise FileError(Problem(path, message, node.start_mark.line + 1))
    indent = " " * node.start_mark.column
    line = text.rfind("\n", 0, start) + 1
    return f"{text[:line]}{textwrap.indent(block, indent)}{text[line:]}"
