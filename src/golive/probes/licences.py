"""Packages that software is made of, and under which licence each says that it is."""

import hashlib
import importlib.metadata
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from license_expression import AND, OR, ExpressionError, Licensing

from golive.machine import Machine
from golive.outcome import Unproven, Whose

_OURS = "golive"
_CLASSIFIER = re.compile(r"License :: (?:.* :: )?(?!OSI Approved$)(.+)")
_PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)")
_ROOT = re.compile(r".*/node_modules/((?:@[^/]+/)?[^/]+)/package\.json")
_NO_ANSWER = re.compile(r"(?i)see licen[cs]e|unknown|$")
# Each manifest after its path, each ended by a NUL byte.
_MANIFESTS = (
    "find -L %s -path '*/node_modules/*/package.json' -exec sh -c "
    """'for file; do printf "%%s\\0" "$file"; cat -- "$file"; printf "\\0"; done' sh {} +"""
)


@dataclass(frozen=True, order=True)
class Package:
    """A package of `kind` npm or pypi. `licence` is what it says; None where it says nothing."""

    kind: str
    name: str
    version: str
    licence: str | None = None

    @property
    def purl(self) -> str:
        """Its package URL (purl-spec): what it is called in a bill of materials."""
        name = re.sub(r"[-_.]+", "-", self.name).lower() if self.kind == "pypi" else self.name
        return f"pkg:{self.kind}/{quote(name, safe='/')}@{self.version}"


@dataclass(frozen=True)
class Locked:
    """A package as a lock file has it. `optional`: it is not installed everywhere.

    `sha512` is the digest of its archive in hexadecimal, None where the lock has several or none.
    """

    package: Package
    optional: bool = False
    sha512: str | None = None


@dataclass(frozen=True)
class Lock:
    """What a lock file says that `subject` is made of."""

    subject: Package
    parts: tuple[Locked, ...]


def npm_installed(machine: Machine, directory: str) -> tuple[Package, ...]:
    """The packages below `directory`/node_modules on a host, each once, in order.

    Raises Unproven where there are none, or where one cannot be read.
    """
    listed = machine.run(_MANIFESTS, machine.path(f"{directory}/node_modules") + "/")
    parts = listed.split("\0")[:-1]
    found = set()
    for path, text in zip(parts[::2], parts[1::2], strict=True):
        if match := _ROOT.fullmatch(path):
            try:
                found.add(_npm_package(match[1], json.loads(text)))
            except (ValueError, KeyError, AttributeError) as error:
                reason = f"{machine.name}: {path}: not a manifest: {error!r}"
                raise Unproven(reason, Whose.TARGET) from error
    if not found:
        raise Unproven(f"{machine.name}: no package in {directory}/node_modules", Whose.TARGET)
    return tuple(sorted(found, key=lambda each: each.purl))


def _npm_package(directory: str, manifest: Mapping[str, Any]) -> Package:
    said = manifest.get("license") or manifest.get("licenses") or ""
    several = said if isinstance(said, list) else [said]
    names = [each["type"] if isinstance(each, dict) else str(each) for each in several]
    text = " OR ".join(names)  # several were a choice, before there were expressions
    name, version = manifest.get("name", directory), manifest["version"]
    return Package("npm", name, version, None if _NO_ANSWER.match(text) else text)


def npm_locked(machine: Machine, file: str) -> Lock:
    """What is shipped by a package-lock.json (version 2 or 3) of a host. Raises Unproven."""
    try:
        packages = json.loads(machine.read(file))["packages"]
        subject = Package("npm", packages[""]["name"], packages[""]["version"])
        parts = tuple(
            Locked(
                Package("npm", place.rpartition("node_modules/")[2], each["version"]),
                optional=bool(each.get("optional") or each.get("peer")),
                sha512=_sha512(each.get("integrity", "")),
            )
            for place, each in packages.items()
            if place and not each.get("dev")
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{machine.name}: {file}: not a lock of npm: {error!r}"
        raise Unproven(reason, Whose.TARGET) from error
    if not parts:
        raise Unproven(f"{machine.name}: {file} has no package", Whose.TARGET)
    return Lock(subject, parts)


def _sha512(integrity: str) -> str | None:
    """The digest of a Subresource Integrity value, in hexadecimal."""
    algorithm, _, digest = integrity.partition("-")
    return b64decode(digest).hex() if algorithm == hashlib.sha512().name else None


def python_installed() -> tuple[Package, ...]:
    """Every package of the Python that runs golive, but golive itself, in order."""
    found: dict[str, Package] = {}
    for each in importlib.metadata.distributions():
        package = Package("pypi", each.name, each.version, _python_licence(each.metadata))
        if each.name != _OURS:
            found.setdefault(package.purl.partition("@")[0], package)  # the first is imported
    return tuple(sorted(found.values(), key=lambda each: each.purl))


def _python_licence(metadata: Any) -> str | None:  # noqa: ANN401 (PackageMetadata lacks get)
    """The expression (PEP 639), else the classifiers, else the first line of the old field."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = metadata.get_all("Classifier", [])
    names = [found[1] for each in classifiers if (found := _CLASSIFIER.fullmatch(each))]
    text = " OR ".join(names) or str(metadata.get("License") or "").partition("\n")[0]
    return None if _NO_ANSWER.match(text) else text


def python_locked(file: Path) -> Lock:
    """The pins of golive's requirements file. Raises Unproven where it has none."""
    try:
        pins = _PIN.findall(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Unproven(f"{file}: cannot be read: {error}", Whose.OURS) from error
    if not pins:
        raise Unproven(f"{file}: has no pinned package", Whose.OURS)
    subject = Package("pypi", _OURS, importlib.metadata.version(_OURS))
    return Lock(subject, tuple(Locked(Package("pypi", *pin), optional=True) for pin in pins))


def accepted(licence: str, names: Iterable[str]) -> bool:
    """Whether a licence, or an expression of several (SPDX 2.3, Annex D), comes down to `names`."""
    known = set(names)
    if licence in known:
        return True
    try:
        parsed = Licensing().parse(licence)
    except ExpressionError:
        return False
    return parsed is not None and _accepted(parsed, known)


def _accepted(expression: Any, names: set[str]) -> bool:  # noqa: ANN401 (the library has no types)
    if isinstance(expression, OR):
        return any(_accepted(each, names) for each in expression.args)
    if isinstance(expression, AND):
        return all(_accepted(each, names) for each in expression.args)
    return str(expression) in names
