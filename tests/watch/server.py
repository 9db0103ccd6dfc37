"""A server with a real PM2, whose workers a test ends, and its error log."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from golive import toolchain
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven
from golive.probes import pm2
from golive.watch import error_log

HOME = "/var/lib/pm2"
_PROGRAM = "setInterval(() => {}, 1e6); if (process.send) process.send('ready');\n"


class Server:
    """An application server, seen by a local connection; `machine.host.root` is its /."""

    def __init__(self, root: Path) -> None:
        self.machine = Machine("app-1", Host(connection="local://", root=root))
        self.log = Path(self.machine.path(error_log.PATH))
        self._tools = toolchain.ensure(lambda _: None)
        self.log.parent.mkdir(parents=True)
        self.log.touch()
        (root / "api.js").write_text(_PROGRAM)
        app = {
            "name": "api",
            "script": "api.js",
            "instances": 2,
            "exec_mode": "cluster",
            "error_file": str(self.log),
            "out_file": str(root / "out.log"),
            "merge_logs": True,
            "wait_ready": True,
        }
        (root / "apps.json").write_text(json.dumps({"apps": [app]}))

    def start(self) -> "subprocess.Popen[bytes]":
        """Start PM2 itself, with the workers."""
        return subprocess.Popen(
            [self._tools.node, self._tools.pm2, "start", "apps.json", "--no-daemon"],
            cwd=self.machine.host.root,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, *arguments: str) -> None:
        """Ask PM2 for something."""
        subprocess.run(
            [self._tools.node, self._tools.pm2, *arguments],
            cwd=self.machine.host.root,
            env=self._environment,
            check=True,
            capture_output=True,
            timeout=60,
        )

    @property
    def _environment(self) -> dict[str, str]:
        path = f"{self._tools.node.parent}:{os.defpath}"
        return {"PATH": path, "PM2_HOME": self.machine.path(HOME)}

    def up(self) -> bool:
        """Whether both workers run."""
        try:
            found = self.workers()
        except Unproven:
            return False
        return [each.status for each in found] == ["online", "online"]

    def crash(self) -> None:
        """A worker is killed, and is there again."""
        (first, *_) = self.workers()
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: self.up() and first.pid not in {each.pid for each in self.workers()})

    def workers(self) -> tuple[pm2.Worker, ...]:
        return pm2.inspect(self.machine, HOME).workers

    def write(self, *lines: str) -> None:
        with self.log.open("a") as log:
            log.writelines(f"{line}\n" for line in lines)


@contextmanager
def running(root: Path) -> Iterator[Server]:
    """The server with two workers; nothing of it is left after the block."""
    server = Server(root)
    Path(server.machine.path(HOME)).mkdir(parents=True)
    process = server.start()
    try:
        until(server.up)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
