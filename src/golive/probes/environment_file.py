"""The file of environment variables, read as the application and as a shell would read it.

Its values are secrets: they have no repr, and only `steps` that know which are not may show one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from golive.machine import Machine
from golive.outcome import Unproven, Whose

# The grammar of dotenv 16 (lib/main.js), which the application loads its file with.
_LINE = re.compile(
    r"^\s*(?:export\s+)?([A-Za-z0-9_.-]+)(?:\s*=\s*?|:\s+?)"
    r"(\s*'(?:\\'|[^'])*'|\s*\"(?:\\\"|[^\"])*\"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?"
    r"\s*(?:#.*)?$",
    re.MULTILINE,
)
_QUOTED = re.compile(r"^(['\"`])([\s\S]*)\1$", re.MULTILINE)

# An assignment in which a POSIX shell expands nothing and runs nothing (POSIX.1-2017, XCU 2.2).
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)")
_WORD = re.compile(r"""'([^']*)'|"([^"$`\\]*)"|([^\s'"$`\\;&|<>()~]+)""")
_REST = re.compile(r"\s*(?:\s#.*)?")


class Values(Mapping[str, str]):
    """Variables by name, in the file's order; shown as the names only."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<values of {', '.join(self._values)}>"


@dataclass(frozen=True)
class EnvironmentFile:
    """A host's file. `mode` is octal (600), `modified_s` seconds since 1970.

    `values` is what dotenv makes of it; `sourced` what a shell that sources the file would,
    without the variables of which it would make something else, or run something.
    """

    host: str
    path: str
    mode: int
    owner: str
    modified_s: int
    values: Values
    sourced: Values


@dataclass(frozen=True)
class MongoUri:
    """What a MongoDB connection string says; `options` in lower case, each as often as it stands.

    `tls` follows mongodb+srv where no option says otherwise.
    """

    tls: bool
    options: Mapping[str, tuple[str, ...]]


def read(machine: Machine, path: str) -> EnvironmentFile:
    """The host's file `path`. Raises Unproven, the target's fault, where it holds no variable."""
    mode, owner, modified = machine.run("stat -c '%%a %%U %%Y' -- %s", machine.path(path)).split()
    text = machine.read(path)
    values = parse(text)
    if not values:
        raise Unproven(f"{machine.name}: no variable in {machine.path(path)}", Whose.TARGET)
    return EnvironmentFile(
        machine.name,
        machine.path(path),
        int(mode, 8),
        owner,
        int(modified),
        Values(values),
        Values(source(text)),
    )


def parse(text: str) -> dict[str, str]:
    """What dotenv reads."""
    values = {}
    for found in _LINE.finditer(re.sub(r"\r\n?", "\n", text)):
        raw = (found[2] or "").strip()
        value = _QUOTED.sub(r"\2", raw)
        if raw.startswith('"'):
            value = value.replace("\\n", "\n").replace("\\r", "\r")
        values[found[1]] = value
    return values


def source(text: str) -> dict[str, str]:
    """What a shell reads, of the lines that are plain assignments; nothing is run to find out."""
    values = {}
    for line in text.splitlines():
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is None:
            continue
        value, at = "", assignment.start(2)
        while word := _WORD.match(line, at):
            value += next(part for part in word.groups() if part is not None)
            at = word.end()
        if _REST.fullmatch(line, at):
            values[assignment[1]] = value
    return values


def mongo_uri(text: str) -> MongoUri:
    """What a connection string says (MongoDB specification "Connection String", "URI Options").

    Raises Unproven, the target's fault, where it is none; the message does not quote it.
    """
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise Unproven("MONGO_URI is no connection string", Whose.TARGET) from error
    if parts.scheme not in ("mongodb", "mongodb+srv") or not parts.hostname:
        raise Unproven("MONGO_URI is no connection string of MongoDB", Whose.TARGET)
    options: dict[str, tuple[str, ...]] = {}
    for name, values in query.items():
        options[name.lower()] = options.get(name.lower(), ()) + tuple(values)
    given = options.get("tls", ()) + options.get("ssl", ())
    tls = {value == "true" for value in given} if given else {parts.scheme == "mongodb+srv"}
    return MongoUri(tls == {True}, options)
