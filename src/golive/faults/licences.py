"""Packages that nobody has accepted, on one application server or beside golive itself."""

import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.faults.application import DIRECTORY
from golive.faults.fault import Target, fault

_FEATURE = "10_licences/licences.feature::"
_SHIPPED = (
    f"{_FEATURE}Every package of the application is under a licence that asks only to be named"
)
_SHIPPED_BILL = f"{_FEATURE}The application's bill of materials is complete"
_TOOLS = f"{_FEATURE}Every package of golive is under a licence that lets us use it"
_TOOLS_BILL = f"{_FEATURE}The bill of materials of golive is complete"


@fault(_SHIPPED)
@contextmanager
def licence_changed(replica: Target) -> Iterator[None]:
    """CHK-10: a package of the application is under the GPL, on one server."""
    with _node_modules(replica, "app-2", "cors", license="GPL-3.0-only"):
        yield


@fault(_SHIPPED_BILL)
@contextmanager
def package_not_locked(replica: Target) -> Iterator[None]:
    """CHK-10: somebody has installed a package by hand, on one server."""
    with _node_modules(replica, "app-3", "left-pad", version="1.3.0", license="MIT"):
        yield


@fault(_TOOLS)
@contextmanager
def tool_licence_changed(_: Target) -> Iterator[None]:
    """CHK-10: a package that golive runs with may not be used for profit any more."""
    with _distribution("click", importlib.metadata.version("click"), "CC-BY-NC-4.0"):
        yield


@fault(_TOOLS_BILL)
@contextmanager
def tool_not_locked(_: Target) -> Iterator[None]:
    """CHK-10: a package that no requirements file has is installed beside golive."""
    with _distribution("golive-fault", "1.0", "MIT"):
        yield


@contextmanager
def _node_modules(replica: Target, host: str, name: str, **said: str) -> Iterator[None]:
    """With what the manifest of a package says changed; a new package where there is none."""
    link = replica.path(host, f"{DIRECTORY}/node_modules")
    original = link.readlink()
    with tempfile.TemporaryDirectory(prefix="fault-", dir=link.parent) as directory:
        Path(directory).chmod(0o755)
        for each in (link.parent / original).iterdir():
            if each.name != name:
                Path(directory, each.name).symlink_to(each)
        package, real = Path(directory, name), link.parent / original / name
        package.mkdir()
        manifest = json.loads((real / "package.json").read_text()) if real.is_dir() else {}
        for each in real.iterdir() if real.is_dir() else ():
            if each.name != "package.json":
                (package / each.name).symlink_to(each)
        (package / "package.json").write_text(json.dumps({"name": name} | manifest | said))
        _point(link, Path(directory))
        try:
            yield
        finally:
            _point(link, original)


def _point(link: Path, target: Path) -> None:
    """Let a link lead elsewhere, without a moment in which it leads nowhere."""
    new = link.with_name(f"{link.name}.new")
    new.symlink_to(target)
    new.replace(link)


@contextmanager
def _distribution(name: str, version: str, licence: str) -> Iterator[None]:
    """With the metadata of a package before all others; there is no code to it."""
    with tempfile.TemporaryDirectory(prefix="golive-fault-") as directory:
        place = Path(directory, f"{name.replace('-', '_')}-{version}.dist-info")
        place.mkdir()
        fields = {"Name": name, "Version": version, "License-Expression": licence}
        lines = ["Metadata-Version: 2.4", *(f"{key}: {value}" for key, value in fields.items())]
        (place / "METADATA").write_text("\n".join(lines) + "\n")
        sys.path.insert(0, directory)
        try:
            yield
        finally:
            sys.path.remove(directory)
