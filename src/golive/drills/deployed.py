"""What is deployed on a server: files, archives of them, and the processes that work there."""

import contextlib
import hashlib
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from golive.outcome import Unproven, Whose
from golive.replica.hosts import APPLICATION

DEPLOY_DIR = f"/{APPLICATION}"
BACKUP_DIR = "/var/backups/dashboard-velo-api"

Files = tuple[tuple[str, str], ...]
"""Path and digest of each file below a directory, in order; of a link, where it leads."""


@dataclass(frozen=True)
class Running:
    """What runs: the version that answers (None: nobody does, or with an error), the files of the
    deployed directory, and the processes that work in it.
    """

    version: str | None
    files: Files
    processes: tuple[int, ...]

    def named(self, name: str) -> str | None:
        """The digest of a file, None where there is none."""
        return dict(self.files).get(name)


def files(directory: Path) -> Files:
    """The files below a directory."""
    found = {}
    for place, directories, names in os.walk(directory):
        for file in (Path(place, name) for name in (*directories, *names)):
            inside = str(file.relative_to(directory))
            if file.is_symlink():
                found[inside] = f"-> {file.readlink()}"
            elif file.is_file():
                found[inside] = hashlib.sha256(file.read_bytes()).hexdigest()
    return tuple(sorted(found.items()))


def packed(archive: Path) -> Files:
    """The same of an archive. Raises Unproven where it cannot be read."""
    found = {}
    try:
        with tarfile.open(archive) as opened:
            for each in opened:
                name = each.name.removeprefix("./")
                if each.issym():
                    found[name] = f"-> {each.linkname}"
                elif each.isfile() and (content := opened.extractfile(each)):
                    found[name] = hashlib.sha256(content.read()).hexdigest()
    except (OSError, EOFError, tarfile.TarError) as error:
        raise Unproven(f"{archive}: {error}", Whose.TARGET) from error
    return tuple(sorted(found.items()))


def processes(directory: Path) -> tuple[int, ...]:
    """The processes that work in a directory, wherever a link to it leads."""
    where = directory.resolve()
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(each.cwd()) == where and "server.js" in " ".join(each.cmdline()):
                found.append(each.pid)
    return tuple(sorted(found))
