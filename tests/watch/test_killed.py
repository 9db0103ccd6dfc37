"""The verb itself, killed in the middle: the same command goes on, and finds what came between."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from golive.endpoint import Endpoint
from golive.probes.prometheus import PORT
from golive.probes.relay import Relay
from golive.watch.files import file_of, read
from golive.watch.record import Verdict

from ..probes.test_commits import Repository
from .application import Application, until, watched_application
from .server import HOME, Server, running
from .server import until as holds

ADDRESS = f"127.251.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
RATE = 'sum(rate(http_requests_total{status="500"}[1s]))'
REQUEST = {"path": "/"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def application() -> Iterator[tuple[Application, Endpoint]]:
    """The application, with a Prometheus where an environment has it."""
    with (
        watched_application() as (application, prometheus),
        Relay(ADDRESS, (prometheus.address, prometheus.port), PORT),
    ):
        yield application, prometheus


@pytest.fixture
def command(tmp_path: Path, server: Server) -> list[str]:
    repository = Repository(tmp_path)
    repository.commit("one")
    repository.git("tag", "v1.2.0")
    environment = {
        "name": "test",
        "kind": "deployed",
        "site": {"name": "example.test"},
        "hosts": {
            "monitoring": {"address": ADDRESS},
            "app-1": {"connection": "local://", "root": str(server.machine.host.root)},
        },
        "pm2_home": HOME,
        "requests": dict.fromkeys(("page", "api", "not-found", "redirect", "static"), REQUEST),
        "limits": {"general": REQUEST, "authentication": REQUEST},
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(environment))
    what = ["watch", "--environment", "./test.yaml", "--before", "1s", "--every", "500ms"]
    return [sys.executable, "-m", "golive.cli", *what]


def test_killed_and_gone_on_with(
    application: tuple[Application, Endpoint], command: list[str], tmp_path: Path
):
    watched, prometheus = application
    path = file_of(tmp_path / "report", "test")
    given = [*command, "--for", "600s"]
    with subprocess.Popen(given, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            holds(lambda: path.exists() and (found := read(path)) and found.looks)
        finally:
            process.send_signal(signal.SIGKILL)
    killed = read(path)
    assert killed is not None
    assert killed.verdict is None
    assert killed.counted_from is not None
    assert "going on" in path.with_suffix(".html").read_text()
    watched.bad = 10.0
    until(prometheus, f"min_over_time({RATE}[1500ms:100ms]) > 9")
    watched.bad = 0.0
    until(prometheus, f"{RATE} == 0")
    done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (1, "")
    assert "going on with the watch of v1.2.0" in done.stdout
    record = read(path)
    assert record is not None
    assert record.verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("error rate ")
    assert record.looks[: len(killed.looks)] == killed.looks
    assert record.release.commit == Repository(tmp_path).git("rev-parse", "HEAD")
    assert 'class="before"' in path.with_suffix(".html").read_text()


@pytest.mark.usefixtures("application")
def test_go_from_the_command_line(command: list[str], tmp_path: Path):
    given = [*command, "--for", "2s"]
    done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert "GO\n" in done.stdout
    record = read(file_of(tmp_path / "report", "test"))
    assert record is not None
    assert (record.verdict, record.reasons) == (Verdict.GO, ())
