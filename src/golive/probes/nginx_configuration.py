"""nginx's configuration as a tree, from the text of `nginx -T`, with its rule of inheritance."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import crossplane

from golive.outcome import Unproven, Whose

Args = tuple[str, ...]

_SECTION = re.compile(r"^# configuration file (.+):\n", re.MULTILINE)
_MAGIC = re.compile(r"[*?\[]")
# ngx_parse_time: "1m 30s" as well as "90".
_TIME = re.compile(r"(\d+)\s*(ms|[smhdwMy]?)")
_SECONDS = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SECONDS |= {"M": 30 * 86400, "y": 365 * 86400}


@dataclass(frozen=True)
class Directive:
    """One directive; `inside` is None for one without a block. `where` is file:line."""

    name: str
    args: Args
    where: str
    inside: "tuple[Directive, ...] | None" = None


@dataclass(frozen=True)
class Block:
    """A block within the blocks around it; `outer` is None for the main context."""

    directive: Directive
    outer: "Block | None" = None

    def __str__(self) -> str:
        return " ".join((self.directive.name, *self.directive.args))

    @property
    def where(self) -> str:
        """file:line of its first line."""
        return self.directive.where

    def values(self, name: str) -> tuple[Args, ...]:
        """The arguments of each directive `name` that stands in this block itself."""
        return tuple(each.args for each in self.directive.inside or () if each.name == name)

    def effective(self, name: str) -> tuple[Args, ...]:
        """What holds here of a directive that nginx inherits: of the nearest level that has any.

        Empty where no level has it, so that nginx's own default holds.
        """
        block: Block | None = self
        while block is not None:
            if values := block.values(name):
                return values
            block = block.outer
        return ()

    def blocks(self, name: str) -> "tuple[Block, ...]":
        """The blocks `name` that stand in this one itself."""
        inside = self.directive.inside or ()
        return tuple(Block(each, self) for each in inside if each.name == name)

    def locations(self) -> "Iterator[Block]":
        """Every location of a server, those within others too."""
        for location in self.blocks("location"):
            yield location
            yield from location.locations()


@dataclass(frozen=True)
class Server:
    """A server that requests are passed to: `options` are those of an upstream (down, backup)."""

    address: str
    port: int
    options: Args = ()


def parse(dump: str) -> Block:
    """The main context of what `nginx -T` printed, every include in its place.

    Raises Unproven where the text is cut off or is no configuration.
    """
    _, *parts = _SECTION.split(dump)
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    if not files:
        raise Unproven("nginx -T printed no configuration file", Whose.TARGET)
    main = next(iter(files))
    return Block(Directive("main", (), main, tuple(_read(main, files, PurePosixPath(main).parent))))


def virtual_hosts(main: Block) -> tuple[Block, ...]:
    """Every `server` of `http`."""
    return tuple(server for http in main.blocks("http") for server in http.blocks("server"))


def answering(main: Block) -> tuple[Block, ...]:
    """Every place that answers requests: each virtual host, and each location in it."""
    return tuple(place for server in virtual_hosts(main) for place in (server, *server.locations()))


def location(main: Block, name: str, path: str) -> Block:
    """The location of exactly this prefix in the TLS virtual host `name`.

    Raises Unproven where there is none: another location answers then, and nginx would have to
    be asked which.
    """
    for server in virtual_hosts(main):
        if listens_with_tls(server) and any(name in args for args in server.values("server_name")):
            for each in server.blocks("location"):
                if each.directive.args == (path,):
                    return each
    raise Unproven(f"no location {path} of a TLS virtual host {name}", Whose.TARGET)


def listens_with_tls(server: Block) -> bool:
    """Whether a virtual host speaks TLS on one of its ports."""
    return any("ssl" in args for args in server.values("listen"))


def passed_to(location: Block) -> tuple[Server, ...]:
    """The servers that a location passes requests to; none where it does not.

    Raises Unproven for an address that only a variable tells.
    """
    servers: list[Server] = []
    for args in location.values("proxy_pass"):
        found = re.match(r"(https?)://([^/$]+)(/[^$]*)?$", args[0])
        if found is None:
            raise Unproven(f"{location.where}: where does {args[0]} lead?", Whose.TOOL)
        default, address = {"http": 80, "https": 443}[found[1]], found[2]
        upstream = _upstreams(location).get(address)
        named = upstream.values("server") if upstream else ((address,),)
        servers += [_server(each[0], default, each[1:]) for each in named]
    return tuple(servers)


def seconds(time: str) -> float:
    """A time of nginx's ("65", "30d", "1m 30s") in seconds. Raises Unproven where it is none."""
    parts = _TIME.findall(time)
    if not parts or _TIME.sub("", time).strip():
        raise Unproven(f"{time!r} is no time in nginx's notation", Whose.TOOL)
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def _upstreams(block: Block) -> dict[str, Block]:
    while block.outer is not None and block.directive.name != "http":
        block = block.outer
    return {each.directive.args[0]: each for each in block.blocks("upstream")}


def _server(address: str, default_port: int, options: Args) -> Server:
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit():  # without a port, or an IPv6 address
        return Server(address, default_port, options)
    return Server(host, int(port), options)


def _read(name: str, files: dict[str, str], prefix: PurePosixPath) -> Iterator[Directive]:
    for statement in _statements(name, files[name]):
        yield from _directives(statement, name, files, prefix)


def _directives(
    statement: dict[str, Any], name: str, files: dict[str, str], prefix: PurePosixPath
) -> Iterator[Directive]:
    args = tuple(statement["args"])
    if statement["directive"] == "include":
        for included in _included(str(prefix / args[0]), files):
            yield from _read(included, files, prefix)
        return
    inside = None
    if "block" in statement:
        inside = tuple(
            directive
            for each in statement["block"]
            for directive in _directives(each, name, files, prefix)
        )
    yield Directive(statement["directive"], args, f"{name}:{statement['line']}", inside)


def _included(pattern: str, files: dict[str, str]) -> list[str]:
    found = sorted(name for name in files if PurePosixPath(name).match(pattern))
    if not found and not _MAGIC.search(pattern):
        raise Unproven(f"nginx -T did not print {pattern}, which is included", Whose.TARGET)
    return found


def _statements(name: str, text: str) -> list[dict[str, Any]]:
    # crossplane reads files only. Not strict: it does not know every directive of today.
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "nginx.conf"
        file.write_text(text)
        payload = crossplane.parse(str(file), single=True, check_ctx=False, check_args=False)
    if payload["errors"]:
        error = payload["errors"][0]
        reason = str(error["error"]).replace(str(file), name)
        raise Unproven(f"{name} as nginx -T printed it cannot be read: {reason}", Whose.TARGET)
    statements: list[dict[str, Any]] = payload["config"][0]["parsed"]
    return statements
