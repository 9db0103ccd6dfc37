import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.nginx import PID_FILE, loaded
from golive.probes.nginx_configuration import virtual_hosts

from .nginx_server import fresh_address

WORKERS = 2
START_TIMEOUT_S = 10


@contextmanager
def running(root: Path) -> Iterator[Machine]:
    """nginx with a master and workers, as a host of which `root` is the root directory."""
    for directory in ("etc/nginx", "run", "log"):
        (root / directory).mkdir(parents=True)
    user = "user www-data;" if os.geteuid() == 0 else ""
    root.chmod(0o755)
    temporary = "\n".join(
        f"{name}_temp_path {root}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (root / "etc/nginx/nginx.conf").write_text(
        f"""{user}
        worker_processes {WORKERS};
        worker_rlimit_nofile 700;
        pid {root}{PID_FILE};
        events {{ worker_connections 64; }}
        http {{ access_log off; {temporary} include sites/*.conf; }}
        """
    )
    (root / "etc/nginx/sites").mkdir()
    site = root / "etc/nginx/sites/one.conf"
    site.write_text(f"server {{ listen {fresh_address()}:8080; server_name one; }}\n")
    conf, log = root / "etc/nginx/nginx.conf", root / "log/error.log"
    command = ["nginx", "-p", str(root), "-c", str(conf), "-e", str(log), "-g", "daemon off;"]
    with subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command]) as process:
        try:
            _await_workers(process.pid, log)
            yield Machine("edge", Host(connection="local://", root=root))
        finally:
            # The master ends its workers with it; killed, it would leave them behind.
            process.terminate()


def _await_workers(master: int, log: Path) -> None:
    for _ in range(START_TIMEOUT_S * 100):
        workers = psutil.Process(master).children()
        titles = [" ".join(worker.cmdline()) for worker in workers]
        if sum("nginx: worker process" in title for title in titles) == WORKERS:
            return
        select.select([], [], [], 0.01)
    raise RuntimeError(f"nginx has no workers after {START_TIMEOUT_S} s:\n{log.read_text()}")


@pytest.fixture
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    root = tmp_path_factory.mktemp("edge")
    for parent in (root, *root.parents[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)  # for the workers' user
    with running(root) as machine:
        yield machine


def test_processes_and_configuration_are_those_that_run(edge: Machine) -> None:
    nginx = loaded(edge)
    assert nginx.host == "edge"
    assert nginx.master == int((edge.host.root / "run/nginx.pid").read_text())
    assert len(nginx.workers) == WORKERS
    assert {worker.open_files for worker in nginx.workers} == {700}
    assert all(worker.epoll for worker in nginx.workers)
    owner = "www-data" if os.geteuid() == 0 else psutil.Process().username()
    assert {worker.user for worker in nginx.workers} == {owner}
    assert nginx.cpus == os.sysconf("SC_NPROCESSORS_ONLN")
    (server,) = virtual_hosts(nginx.configuration)
    assert server.values("server_name") == (("one",),)
    assert "-g 'daemon off;'" in nginx.look


def test_a_file_changed_since_is_not_what_was_loaded(edge: Machine) -> None:
    site = edge.host.root / "etc/nginx/sites/one.conf"
    before = site.stat()
    time.sleep(0.2)  # more than the clocks of files and processes differ by
    site.write_text(site.read_text().replace("server_name one", "server_name two"))
    os.utime(site, ns=(before.st_atime_ns, before.st_mtime_ns))  # as cp -p and rsync leave it
    with pytest.raises(Unproven, match=r"one\.conf was changed after nginx's workers") as caught:
        loaded(edge)
    assert caught.value.whose is Whose.TARGET
    nginx = _reloaded(edge)
    assert virtual_hosts(loaded(edge).configuration)[0].values("server_name") == (("two",),)
    assert nginx != {worker.pid for worker in loaded(edge).workers}


def test_files_that_nginx_refuses_are_unproven(edge: Machine) -> None:
    (edge.host.root / "etc/nginx/sites/one.conf").write_text("server { listen")
    with pytest.raises(Unproven, match="unexpected end of file"):
        loaded(edge)


def test_a_pid_file_of_another_process_is_unproven(edge: Machine) -> None:
    (edge.host.root / "run/nginx.pid").write_text(f"{os.getpid()}\n")
    with pytest.raises(Unproven, match="and no nginx"):
        loaded(edge)


def test_a_pid_of_nobody_is_unproven(edge: Machine) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    (edge.host.root / "run/nginx.pid").write_text(f"{ended.pid}\n")
    with pytest.raises(Unproven, match="No such file"):
        loaded(edge)


@pytest.mark.parametrize("text", ["", "many"])
def test_a_pid_file_without_a_number_is_unproven(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/nginx.pid").write_text(text)
    with pytest.raises(Unproven, match="holds no number"):
        loaded(Machine("edge", Host(connection="local://", root=tmp_path)))


def test_no_pid_file_is_unproven(tmp_path: Path) -> None:
    with pytest.raises(Unproven, match="No such file"):
        loaded(Machine("edge", Host(connection="local://", root=tmp_path)))


def test_a_host_that_gives_no_login_is_not_run() -> None:
    with pytest.raises(NotRun, match="no connection"):
        loaded(Machine("edge", Host()))


def _reloaded(edge: Machine) -> set[int]:
    """Reload; the pids of the workers that were there before, once they have ended."""
    master = int((edge.host.root / "run/nginx.pid").read_text())
    old = psutil.Process(master).children()
    os.kill(master, signal.SIGHUP)
    _, alive = psutil.wait_procs(old, timeout=START_TIMEOUT_S)
    assert not alive
    return {worker.pid for worker in old}
