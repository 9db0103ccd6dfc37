"""A Prometheus and an Alertmanager of our own, to ask what those of an environment would do.

Each listens on a free port of 127.0.0.1 that the kernel gives it, keeps its data in a directory of
its own, and ends with the block; or with the thread that began it, however that ends.
"""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request

_WITHIN_S = 20
_POLL_S = 0.05
_OK = 200
_LISTENING = re.compile(r'msg="Listening on" address=127\.0\.0\.1:(\d+)')


@contextmanager
def prometheus(configuration: str, rules: Mapping[str, str]) -> Iterator[Endpoint]:
    """A Prometheus of this configuration (YAML), with files of rules beside it, by name.

    Raises Unproven where it is not installed (TOOL), or does not start with these (TARGET).
    """
    with _directory("prometheus.yml", configuration, rules) as directory:
        command = [
            _program("prometheus"),
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
            "--web.listen-address=127.0.0.1:0",
            # What it could not hand over when it began, it would say again after a minute only.
            "--rules.alert.resend-delay=1s",
        ]
        with _running(command, directory) as endpoint:
            yield endpoint


@contextmanager
def alertmanager(configuration: str) -> Iterator[Endpoint]:
    """An Alertmanager of this configuration (YAML). Raises Unproven as `prometheus` does."""
    with _directory("alertmanager.yml", configuration, {}) as directory:
        command = [
            _program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={directory}/alertmanager.yml",
            f"--storage.path={directory}/data",
            "--web.listen-address=127.0.0.1:0",
            "--cluster.listen-address=",
        ]
        with _running(command, directory) as endpoint:
            yield endpoint


@contextmanager
def _directory(name: str, configuration: str, others: Mapping[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="golive-monitoring-") as directory:
        for file, text in {name: configuration, **others}.items():
            Path(directory, file).write_text(text)
        yield Path(directory)


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise Unproven(f"{names[0]} is not installed (Debian: {names[0]})", Whose.TOOL)
    return found


@contextmanager
def _running(command: Sequence[str], directory: Path) -> Iterator[Endpoint]:
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _ready(process, log, command[0])
    finally:
        process.kill()
        process.wait()


def _ready(process: "subprocess.Popen[bytes]", log: Path, program: str) -> Endpoint:
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        if listening := _LISTENING.search(log.read_text()):
            endpoint = Endpoint("127.0.0.1", int(listening[1]), "localhost")
            if request(endpoint, "/-/ready", scheme="http").status == _OK:
                return endpoint
        time.sleep(_POLL_S)
    ended = process.poll() is not None
    said = log.read_text()[-1000:]
    if ended:
        raise Unproven(f"{program} of our own does not start: {said}", Whose.TARGET)
    raise Unproven(f"{program} of our own is not ready in {_WITHIN_S} s: {said}", Whose.TOOL)
