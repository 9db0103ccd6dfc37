"""Other versions of Node.js and PM2 on the first application server, started in their place."""

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from golive.faults.application import DIRECTORY, daemon
from golive.faults.fault import FaultError, Target, fault
from golive.replica.reap import members, remember_session

_HOST = "app-1"
_LAUNCHED = "[dashboard-velo-api] launched"
_WITHIN_S = 60
_POLL_S = 0.05


@fault("platform/servers.feature::Node.js")
@contextmanager
def another_node(replica: Target) -> Iterator[None]:
    """APP-05: PM2 and its workers are run by the Node.js of the machine, of another version."""
    node, pm2 = _programs(replica)
    other = shutil.which("node")
    if other is None or Path(other).resolve() == node or _version(Path(other)) == _version(node):
        raise FaultError(f"this machine has no Node.js but {_version(node)}: install another")
    try:
        _restart(replica, Path(other), pm2)
        yield
    finally:
        _restart(replica, node, pm2)


@fault("platform/servers.feature::PM2")
@contextmanager
def another_pm2(replica: Target) -> Iterator[None]:
    """APP-06: the PM2 that runs is 5.3.1 by its package.json."""
    node, pm2 = _programs(replica)
    package = pm2.parents[1]
    with tempfile.TemporaryDirectory(dir=replica.directory) as directory:
        copy = Path(directory) / "node_modules/pm2"
        shutil.copytree(package, copy, symlinks=True)
        for sibling in package.parent.iterdir():
            if sibling != package:
                (copy.parent / sibling.name).symlink_to(sibling)
        described = json.loads((copy / "package.json").read_text())
        described["version"] = "5.3.1"
        (copy / "package.json").write_text(json.dumps(described))
        try:
            _restart(replica, node, copy / "bin/pm2")
            yield
        finally:
            _restart(replica, node, pm2)


def _programs(replica: Target) -> tuple[Path, Path]:
    """The node and the pm2 that run."""
    running = daemon(replica, _HOST)
    pm2 = next(Path(each) for each in running.cmdline() if each.endswith("/bin/pm2"))
    return Path(running.exe()), pm2


def _version(node: Path) -> str:
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout


def _restart(replica: Target, node: Path, pm2: Path) -> None:
    """End PM2 and its workers, and return when those of `node` and `pm2` serve."""
    old = daemon(replica, _HOST)
    words, environment = old.cmdline(), old.environ()
    environment["PATH"] = f"{node.parent}:/usr/bin:/bin"
    words[words.index(next(each for each in words if each.endswith("/bin/pm2")))] = str(pm2)
    of_host = [each for each in members(replica.directory) if _works_below(each, replica)]
    for each in of_host:
        each.kill()
    psutil.wait_procs(of_host, timeout=_WITHIN_S)
    log = replica.directory / "log" / f"{_HOST}.log"
    with log.open("ab") as output:
        began = output.tell()
        process = subprocess.Popen(
            [str(node), *words[1:]],
            cwd=replica.path(_HOST, DIRECTORY),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    remember_session(replica.directory, process.pid)
    until = time.monotonic() + _WITHIN_S
    while _LAUNCHED not in _since(log, began):
        if process.poll() is not None or time.monotonic() > until:
            raise FaultError(f"{_HOST} does not serve again: see {log}")
        time.sleep(_POLL_S)


def _works_below(process: psutil.Process, replica: Target) -> bool:
    return Path(process.cwd()).is_relative_to(replica.path(_HOST, "/var/www"))


def _since(log: Path, began: int) -> str:
    with log.open("rb") as file:
        file.seek(began)
        return re.sub(r"\x1b\[[0-9;]*m", "", file.read().decode(errors="replace"))
