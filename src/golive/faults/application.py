"""Change an application server, and wait until all of its workers run with the change."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import psutil

from golive.faults.fault import FaultError, Target
from golive.faults.files import edited, replaced

DIRECTORY = "/var/www/dashboard-velo-api"
FILE = f"{DIRECTORY}/.env"
OUT_LOG = "/var/log/dashboard-velo/out.log"
_PID_FILE = "/var/lib/pm2/pm2.pid"
NAME = "dashboard-velo-api"
_WITHIN_S = 180  # for what hangs: PM2 itself waits 50 s for each worker


@contextmanager
def variables(replica: Target, host: str, **values: str) -> Iterator[None]:
    """With these variables in the host's file, read by its workers; afterwards as it was."""
    with reloaded(replica, host, file_with(replica, host, **values)):
        yield


def file_with(replica: Target, host: str, **values: str) -> AbstractContextManager[None]:
    """With these variables in the host's file. Raises FaultError for one that it has not."""
    text = replica.path(host, FILE).read_text()
    for name, value in values.items():
        # Not quoted in the message: values are secrets.
        lines = [line for line in text.splitlines() if line.startswith(f"{name}=")]
        if len(lines) != 1:
            raise FaultError(f"{replica.path(host, FILE)}: has {name} {len(lines)} times")
        text = text.replace(lines[0], f'{name}="{value}"')
    return replaced(replica, host, FILE, text.encode())


def variable(replica: Target, host: str, name: str) -> str:
    """The value of a variable in the host's file."""
    found = re.search(rf'(?m)^{name}="(.*)"$', replica.path(host, FILE).read_text())
    if found is None:
        raise FaultError(f"{replica.path(host, FILE)}: has no {name}")
    return found[1]


@contextmanager
def source_edited(replica: Target, host: str, file: str, *edits: tuple[str, str]) -> Iterator[None]:
    """With (before, after) edits in a source file of the host's application, running."""
    with reloaded(replica, host, edited(replica, host, f"{DIRECTORY}/{file}", *edits)):
        yield


@contextmanager
def reloaded(replica: Target, host: str, *changes: AbstractContextManager[None]) -> Iterator[None]:
    """With `changes` made and the workers reloaded; afterwards both as before.

    What the workers wrote meanwhile is taken out of their log again.
    """
    log = replica.path(host, OUT_LOG)
    size = log.stat().st_size
    try:
        with ExitStack() as made:
            for change in changes:
                made.enter_context(change)
            pm2(replica, host, "reload", NAME)
            yield
    finally:
        pm2(replica, host, "reload", NAME)
        with log.open("r+b") as file:  # PM2 appends, wherever the end is
            file.truncate(size)


def daemon(replica: Target, host: str) -> psutil.Process:
    """The host's PM2, as it runs now."""
    return psutil.Process(int(replica.path(host, _PID_FILE).read_text()))


def pm2(replica: Target, host: str, *arguments: str) -> None:
    """Give the host's PM2 an order; it returns when the workers are ready. Raises FaultError."""
    running = daemon(replica, host)
    node, program = running.cmdline()[:2]
    try:
        order = subprocess.run(
            [node, program, *arguments],
            cwd=replica.path(host, DIRECTORY),
            env=running.environ(),
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
        )
    except subprocess.TimeoutExpired as error:
        raise FaultError(f"{host}: pm2 {' '.join(arguments)} takes too long") from error
    if order.returncode:
        said = (order.stderr or order.stdout).strip()[-500:]
        raise FaultError(f"{host}: pm2 {' '.join(arguments)}: status {order.returncode}: {said}")
