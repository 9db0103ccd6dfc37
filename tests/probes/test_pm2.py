"""PM2 as it is, asked over its own socket; wrong and absent ones; and what a rehearsal sees."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from golive import toolchain
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import NotRun, Unproven, Whose
from golive.probes import pm2_logs
from golive.probes.own_pm2 import Scale
from golive.probes.pm2 import Daemon, Worker, inspect
from golive.probes.pm2_logs import last_lines, logged
from golive.probes.pm2_rehearsal import Held, rehearse

HOME = "/var/lib/pm2"
APP = """
console.log('started');
setInterval(() => {}, 1000);
process.send('ready');
"""
APPS = """
module.exports = { apps: [{
  name: 'api', script: 'api.js', instances: 2, exec_mode: 'cluster', wait_ready: true,
  kill_timeout: 300, merge_logs: true, out_file: 'out.log', error_file: 'error.log',
  max_memory_restart: '1G', env: { NODE_ENV: 'production', PORT: 3000, SECRET: 'hush' },
}] };
"""


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def tools():
    return toolchain.ensure(lambda _: None)


@pytest.fixture(scope="module")
def machine(tools, tmp_path_factory):
    """A machine with a PM2 that runs two workers; its root is a directory."""
    root = tmp_path_factory.mktemp("host")
    home = root / "var/lib/pm2"
    home.mkdir(parents=True)
    (root / "api.js").write_text(APP)
    (root / "ecosystem.config.js").write_text(APPS)
    with (root / "log").open("w") as log:
        process = subprocess.Popen(
            [tools.node, tools.pm2, "start", "ecosystem.config.js", "--no-daemon"],
            cwd=root,
            env={"PATH": f"{tools.node.parent}:{os.defpath}", "PM2_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
    try:
        out = root / "out.log"
        until(lambda: out.exists() and out.read_text().count("started") == 2)
        yield Machine("app-1", Host(connection="local://", root=root))
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def daemon(machine):
    return inspect(machine, HOME)


def test_daemon(daemon, tools):
    assert (daemon.version, daemon.node, daemon.pm2) == ("5.3.0", "v18.16.0", str(tools.pm2))
    assert Path(daemon.program).resolve() == tools.node.resolve()


def test_workers(daemon, machine):
    first, second = daemon.named("api")
    assert first.pid != second.pid
    assert (first.mode, first.node, first.script) == (
        "cluster_mode", "18.16.0", machine.path("api.js"),
    )  # fmt: skip
    assert first.setting("kill_timeout") == 300
    assert first.setting("merge_logs") is True
    assert first.setting("max_memory_restart") == 2**30
    assert first.setting("restart_delay") is None
    assert {first.variable("NODE_ENV"), second.variable("NODE_ENV")} == {"production"}
    assert first.variable("PORT") == "3000"
    assert machine.path("out.log") in first.logs
    assert machine.path("out.log") in second.logs


def test_no_secret_is_told(daemon):
    assert "hush" not in repr(daemon)


def test_an_application_that_pm2_does_not_run(daemon):
    with pytest.raises(Unproven, match="runs api, no web") as raised:
        daemon.named("web")
    assert raised.value.whose is Whose.TARGET


def host(root: Path) -> Machine:
    return Machine("app-9", Host(connection="local://", root=root))


@pytest.mark.parametrize(
    ("pid", "message"),
    [(None, "pm2.pid"), ("", "holds ''"), ("x", "holds 'x'"), (str(2**22 + 1), "readlink")],
)
def test_no_daemon_is_unproven_and_none_is_started(tmp_path, pid, message):
    home = tmp_path / "var/lib/pm2"
    home.mkdir(parents=True)
    if pid is not None:
        (home / "pm2.pid").write_text(pid)
    before = set(home.iterdir())
    with pytest.raises(Unproven, match=message):
        inspect(host(tmp_path), HOME)
    assert set(home.iterdir()) == before


def test_a_socket_that_nobody_answers(machine, tmp_path):
    home = tmp_path / "var/lib/pm2"
    home.mkdir(parents=True)
    shutil.copy(machine.path(f"{HOME}/pm2.pid"), home)
    with pytest.raises(Unproven, match=r"rpc\.sock: connect ENOENT"):
        inspect(host(tmp_path), HOME)


def test_a_process_that_is_no_pm2(tmp_path):
    home = tmp_path / "var/lib/pm2"
    home.mkdir(parents=True)
    (home / "pm2.pid").write_text(str(os.getpid()))
    with pytest.raises(Unproven, match="app-9"):
        inspect(host(tmp_path), HOME)


def test_a_missing_tool_is_unproven(machine, monkeypatch, tmp_path):
    for name in ("sh", "cat"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unproven, match="no such command: readlink") as raised:
        inspect(machine, HOME)
    assert raised.value.whose is Whose.TOOL


def test_no_connection_is_not_run():
    with pytest.raises(NotRun, match="no connection"):
        inspect(Machine("app-1", Host()), HOME)


# Logs


class Service(BaseHTTPRequestHandler):
    """Answers each request, and writes its path to the log of the server."""

    def do_GET(self):
        if self.server.log is not None:
            with self.server.log.open("a") as log:
                log.write(f"2025-04-05 10:00:00 +00:00: {self.path}\n")
        self.send_response(404)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def service(tmp_path):
    """A server on a machine of its own, with a log that has a line already."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.log = tmp_path / "out.log"
        server.log.write_text("earlier /golive/\n")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def local(service) -> Machine:
    return Machine(
        "app-1", Host(address="127.0.0.1", connection="local://", root=service.log.parent)
    )


def test_the_line_of_a_request(service):
    machine = local(service)
    seen = logged(machine, service.server_port, "/golive/{}", "/out.log", "/golive/{}")
    assert seen.line == f"2025-04-05 10:00:00 +00:00: {seen.path}"
    assert seen.before <= seen.after <= seen.before + 60
    assert last_lines(machine, "/out.log", 2) == ("earlier /golive/", seen.line)


def test_a_request_that_is_not_logged(service, monkeypatch):
    monkeypatch.setattr(pm2_logs, "_WITHIN_S", 0.1)
    machine = local(service)
    service.log = None
    seen = logged(machine, service.server_port, "/golive/{}", "/out.log", "/golive/{}")
    assert seen.line is None


def test_an_application_that_does_not_answer(service):
    machine, port = local(service), service.server_port
    service.shutdown()
    service.socket.close()
    with pytest.raises(Unproven, match="curl"):
        logged(machine, port, "/", "/out.log", "/")


def test_no_log_at_all(service):
    with pytest.raises(Unproven, match=r"no\.log"):
        logged(local(service), service.server_port, "/", "/no.log", "/")


# Rehearsal

RIGHT = {
    "max_restarts": 3,
    "min_uptime": 9000,
    "restart_delay": 400,
    "wait_ready": True,
    "listen_timeout": 50000,
    "kill_timeout": 4000,
    "max_memory_restart": 2**30,
}


def with_settings(daemon: Daemon, **settings: object) -> Worker:
    return replace(daemon.named("api")[0], settings=tuple(settings.items()))


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_rehearsal_of_right_settings(daemon, tmp_path):
    seen = rehearse(
        daemon,
        with_settings(daemon, **RIGHT),
        "127.99.1.1",
        str(tmp_path),
        Scale(4, 150),
        (2000, 8000),
    )
    assert seen.crashes.given_up == 3
    assert seen.crashes.delay_ms == 100
    assert min(seen.crashes.pauses_ms) >= 100
    assert seen.reload.ready_ms <= seen.reload.told_to_stop_ms
    assert (seen.reload.lost, seen.growth.lost) == ((), ())
    assert seen.growth.new not in (None, seen.growth.old)
    assert seen.held == (Held(2000, answered=True), Held(8000, answered=False))
    assert not runs(seen.growth.new)
    assert not list(tmp_path.iterdir())


def test_rehearsal_of_wrong_settings(daemon, tmp_path):
    """No min_uptime, no word of readiness awaited, no limit, and no time to finish."""
    worker = with_settings(daemon, max_restarts=3, restart_delay=8000, kill_timeout=200)
    seen = rehearse(daemon, worker, "127.99.1.2", str(tmp_path), Scale(40, 150), (8000,))
    assert seen.crashes.given_up is None
    assert seen.crashes.starts > 3
    # Not ready by the end of the rehearsal is later still.
    assert seen.reload.ready_ms is None or seen.reload.told_to_stop_ms < seen.reload.ready_ms
    assert seen.held == (Held(8000, answered=False),)
    assert seen.growth.new is None


def test_a_rehearsal_that_cannot_listen(daemon, tmp_path):
    with pytest.raises(Unproven, match="Cannot assign") as raised:
        rehearse(
            daemon, with_settings(daemon, **RIGHT), "192.0.2.1", str(tmp_path), Scale(4, 150), ()
        )
    assert raised.value.whose is Whose.OURS


KILLED = """
import json, sys
from golive.probes.pm2 import Daemon, Worker
from golive.probes.own_pm2 import Scale
from golive.probes.pm2_rehearsal import rehearse
daemon, worker = json.loads(sys.argv[1])
worker["settings"] = tuple(map(tuple, worker["settings"]))
daemon["workers"] = ()
rehearse(Daemon(**daemon), Worker(**worker), "127.99.1.3", sys.argv[2], Scale(4, 150), ())
"""


def test_a_rehearsal_ends_with_whoever_holds_it(daemon, tmp_path):
    worker = with_settings(daemon, **RIGHT)
    given = json.dumps([vars(daemon) | {"workers": []}, vars(worker)])
    process = subprocess.Popen([sys.executable, "-c", KILLED, given, str(tmp_path)])

    def children() -> list[psutil.Process]:
        return [
            each
            for each in psutil.process_iter(["environ"])
            if str(tmp_path) in (each.info["environ"] or {}).get("PM2_HOME", "")
            and each.status() != psutil.STATUS_ZOMBIE
        ]

    try:
        until(lambda: list(tmp_path.glob("pm2-*/*.events")))
        assert children()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: not children())
    assert not children()
