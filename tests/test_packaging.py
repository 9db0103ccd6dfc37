"""The packaging: the lock, the wheel, and what `make` does with them."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)[^\\]*\\\n(?P<hashes>(?: {4}.*\n)+)", re.MULTILINE
)
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?")


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return [Requirement(line) for line in lines]


def test_the_lock_holds_hashed_pins_and_nothing_else() -> None:
    text = (ROOT / "requirements.txt").read_text()
    without_header = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)

    assert PIN.sub("", without_header) == ""
    for pin in PIN.finditer(without_header):
        hashes = pin["hashes"].splitlines()
        assert [line for line in hashes if not HASH.fullmatch(line)] == [], pin["name"]


def test_the_lock_satisfies_what_pyproject_declares() -> None:
    pins = {
        pin["name"]: pin["version"] for pin in PIN.finditer((ROOT / "requirements.txt").read_text())
    }
    unsatisfied = [
        str(requirement)
        for requirement in declared()
        if requirement.name.lower() not in pins
        or not requirement.specifier.contains(pins[requirement.name.lower()])
    ]

    assert unsatisfied == [], "run `make lock`"


def test_the_wheel_holds_the_locks_of_the_toolchain(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", tmp_path, ROOT], check=True)
    [wheel] = tmp_path.glob("golive-*.whl")
    locks = ROOT / "src/golive/toolchain/locks"

    names = zipfile.ZipFile(wheel).namelist()

    expected = [str(p.relative_to(ROOT / "src")) for p in locks.rglob("*") if p.is_file()]
    assert len(expected) == 6
    assert [name for name in expected if name not in names] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a path with spaces: the Makefile, the lock, nothing set up."""
    directory = tmp_path / "a check out"
    directory.mkdir()
    for file in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / file, directory)
    return directory


def script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def make(checkout: Path, *arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    make_program = shutil.which("make")
    assert make_program is not None
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        [make_program, *arguments],
        cwd=checkout,
        env={**env, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_gate_passes_arguments_on_and_tells_golives_status(checkout: Path) -> None:
    script(checkout / ".venv/bin/golive", "printf '<%s>' \"$@\"; exit 3")
    (checkout / ".venv/.ready").touch()

    done = make(checkout, "gate", "ARGS=--stack 'a copy' -x", path=os.environ["PATH"])

    assert done.stdout == "<gate><--stack><a copy><-x>"
    assert "Error 3" in done.stderr
    assert done.returncode == 2


def test_a_changed_lock_is_set_up_again(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv/.ready").touch()
    os.utime(checkout / ".venv/.ready", (0, 0))
    tools = checkout.parent / "tools"
    script(tools / "uv", "echo uv said no; exit 1")

    done = make(checkout, "gate", path=f"{tools}:{os.environ['PATH']}")

    assert "setting up .venv with uv" in done.stdout
    assert "uv said no" in done.stdout
    assert done.returncode == 2
    assert not (checkout / ".venv/.ready").exists()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A PATH with nothing but rm."""
    rm = shutil.which("rm")
    assert rm is not None
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/rm").symlink_to(rm)
    return tmp_path / "bare"


def test_without_python_3_11_make_says_so(checkout: Path, bare: Path) -> None:
    done = make(checkout, "gate", path=str(bare))

    assert done.stderr.startswith("golive needs Python 3.11")
    assert done.returncode == 2


def test_without_ensurepip_and_root_make_names_the_package(checkout: Path, bare: Path) -> None:
    script(bare / "python3.11", "exit 1")
    script(bare / "id", "echo 1000")

    done = make(checkout, "gate", path=str(bare))

    assert "as root: apt-get install python3-venv" in done.stderr
    assert done.returncode == 2


def test_continuous_integration_runs_make_test() -> None:
    ci = ROOT / ".ci/run"

    assert os.access(ci, os.X_OK)
    assert ci.read_text().splitlines()[-1] == "make test"
