"""Packages as npm and pip install them, and what they say of their licence."""

import json
import sys
from pathlib import Path

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.licences import (
    Package,
    accepted,
    npm_installed,
    npm_locked,
    python_installed,
    python_locked,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine("app-1", Host(connection="local://", root=tmp_path))


def manifest(place: Path, **said: object) -> None:
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps(said))


def test_npm_packages_wherever_they_are_nested(machine: Machine, tmp_path: Path):
    store = tmp_path / "store"
    manifest(store / "a", name="a", version="1.0.0", license="MIT")
    manifest(store / "a/node_modules/b", name="b", version="2.0.0", license="ISC")
    manifest(store / "a/dist/esm", type="module")  # no package, but a manifest
    manifest(store / "@scope/c", name="@scope/c", version="1.0.0", license={"type": "BSD-2-Clause"})
    manifest(store / "d", version="1.0.0", licenses=[{"type": "MIT"}, {"type": "Apache-2.0"}])
    (tmp_path / "app").mkdir()
    (tmp_path / "app/node_modules").symlink_to(store)

    assert npm_installed(machine, "/app") == (
        Package("npm", "@scope/c", "1.0.0", "BSD-2-Clause"),
        Package("npm", "a", "1.0.0", "MIT"),
        Package("npm", "b", "2.0.0", "ISC"),
        Package("npm", "d", "1.0.0", "MIT OR Apache-2.0"),
    )


@pytest.mark.parametrize("said", [{}, {"license": ""}, {"license": "SEE LICENSE IN terms.txt"}])
def test_a_package_that_names_no_licence_has_none(machine: Machine, tmp_path: Path, said: dict):
    manifest(tmp_path / "app/node_modules/a", name="a", version="1.0.0", **said)
    (package,) = npm_installed(machine, "/app")
    assert package.licence is None


def test_no_package_and_no_manifest_are_unproven(machine: Machine, tmp_path: Path):
    with pytest.raises(Unproven):
        npm_installed(machine, "/app")
    (tmp_path / "app/node_modules/a").mkdir(parents=True)
    with pytest.raises(Unproven, match="no package"):
        npm_installed(machine, "/app")
    (tmp_path / "app/node_modules/a/package.json").write_text('{"name": "a", "versi')
    with pytest.raises(Unproven, match="not a manifest"):
        npm_installed(machine, "/app")


def test_the_lock_of_the_application(machine: Machine, tmp_path: Path):
    lock = ROOT / "environments/stack/app/package-lock.json"
    (tmp_path / "package-lock.json").write_text(lock.read_text())

    read = npm_locked(machine, "/package-lock.json")

    assert read.subject.name == "dashboard-velo-api"
    assert all(each.sha512 and len(each.sha512) == 128 for each in read.parts)
    assert len(read.parts) == len(json.loads(lock.read_text())["packages"]) - 1


def test_what_is_not_shipped_is_not_in_the_lock(machine: Machine, tmp_path: Path):
    packages = {
        "": {"name": "x", "version": "1.0.0"},
        "node_modules/a/node_modules/@s/b": {"version": "1.0.0"},
        "node_modules/c": {"version": "1.0.0", "dev": True},
        "node_modules/d": {"version": "1.0.0", "optional": True},
    }
    (tmp_path / "lock.json").write_text(json.dumps({"packages": packages}))
    parts = npm_locked(machine, "/lock.json").parts
    assert [(each.package.name, each.optional) for each in parts] == [("@s/b", False), ("d", True)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"packages": {}}', '{"lockfileVersion": 1}'])
def test_what_is_no_lock_is_unproven(machine: Machine, tmp_path: Path, text: str):
    (tmp_path / "lock.json").write_text(text)
    with pytest.raises(Unproven):
        npm_locked(machine, "/lock.json")


def test_python_packages_are_those_that_are_imported(tmp_path: Path, monkeypatch):
    before = {each.name: each for each in python_installed()}
    assert before["click"].licence == "BSD-3-Clause"
    assert before["rich"].licence == "MIT License"  # a classifier
    assert before["tls_parser"].licence is None
    assert "golive" not in before
    place = tmp_path / "click-0.1.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Name: click\nVersion: 0.1\nLicense: UNKNOWN\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    after = {each.name: each for each in python_installed()}

    assert after["click"] == Package("pypi", "click", "0.1", None)
    assert len(after) == len(before)


def test_pins(tmp_path: Path):
    file = tmp_path / "requirements.txt"
    file.write_text("# made\nTLS_parser==2.0.2 \\\n    --hash=sha256:00\nb==1 ; os_name == 'nt'\n")
    purls = [each.package.purl for each in python_locked(file).parts]
    assert purls == ["pkg:pypi/tls-parser@2.0.2", "pkg:pypi/b@1"]
    file.write_text("requests>=2\n")
    with pytest.raises(Unproven) as found:
        python_locked(file)
    assert found.value.whose is Whose.OURS


@pytest.mark.parametrize(
    ("licence", "holds"),
    [
        ("MIT", True),
        ("BSD License", True),
        ("(MIT OR GPL-3.0-only)", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT AND ISC) OR GPL-2.0-only", True),
        ("GPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("MIT License (mostly", False),
        ("", False),
    ],
)
def test_expressions(licence: str, holds: bool):
    assert accepted(licence, ["MIT", "ISC", "BSD License"]) is holds
