"""The toolchain: found without running anything, installed all or nothing, errors to act on."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from golive import cache
from golive.toolchain import (
    Toolchain,
    ToolchainError,
    debian,
    ensure,
    ensure_application,
    npm,
    parallel,
)
from golive.toolchain.command import run
from golive.toolchain.parallel import together


def quiet(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return ensure(print)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **_: object) -> None:
        raise AssertionError(f"started {args}")

    monkeypatch.setattr(subprocess, "Popen", refuse)


# The toolchain as installed


def test_every_tool_is_the_version_asked_for(toolchain: Toolchain) -> None:
    def says(*argv: str | Path) -> str:
        return subprocess.check_output(argv, text=True, stderr=subprocess.STDOUT)

    assert says(toolchain.node, "--version") == "v18.16.0\n"
    assert says(toolchain.node, toolchain.npm, "--version").endswith("9.5.1\n")
    assert says(toolchain.mongod, "--version").startswith("db version v6.0.5\n")
    assert json.loads((toolchain.pm2.parents[1] / "package.json").read_text())["version"] == "5.3.0"
    assert says(toolchain.nginx, "-v").startswith("nginx version: nginx/")
    assert says(toolchain.redis_server, "--version").startswith("Redis server v=7.")
    assert says(toolchain.redis_cli, "--version").startswith("redis-cli 7.")
    assert says(toolchain.prometheus, "--version").startswith("prometheus, version ")
    assert says(toolchain.promtool, "--version").startswith("promtool, version ")
    assert says(toolchain.alertmanager, "--version").startswith("alertmanager, version ")
    assert says(toolchain.amtool, "--version").startswith("amtool, version ")
    assert says(toolchain.node_exporter, "--version").startswith("node_exporter, version ")
    assert "Redis Metrics Exporter" in says(toolchain.redis_exporter, "--version")
    assert says(toolchain.openssl, "version").startswith("OpenSSL 3.")


@pytest.mark.usefixtures("nothing_runs")
def test_what_is_installed_is_found_without_running_anything(toolchain: Toolchain) -> None:
    said: list[str] = []

    assert ensure(said.append) == toolchain
    assert said == []


@pytest.mark.usefixtures("nothing_runs", "empty_cache")
def test_without_root_the_missing_packages_and_the_command_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(debian, "ADMINISTRATOR_PATH", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ToolchainError) as raised:
        ensure(quiet)

    packages = sorted(set(debian.PACKAGE_OF.values()))
    assert f"Not installed: {', '.join(packages)}" in str(raised.value)
    assert f"apt-get install -y --no-install-recommends {' '.join(packages)}" in str(raised.value)


@pytest.mark.usefixtures("nothing_runs", "empty_cache")
def test_another_architecture_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")

    with pytest.raises(ToolchainError, match=r"aarch64.*x86_64 only"):
        ensure(quiet)


@pytest.mark.usefixtures("empty_cache")
def test_without_npm_it_says_where_npm_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ToolchainError, match="apt-get install npm"):
        npm.install_pm2()


@pytest.mark.parametrize("name", ["node", "pm2"])
def test_the_locks_pin_every_package_and_name_no_registry(name: str) -> None:
    packages = json.loads((npm.LOCKS / name / "package-lock.json").read_text())["packages"]
    fetched = [entry for path, entry in packages.items() if path and "inBundle" not in entry]

    assert fetched
    assert [entry for entry in fetched if not entry.get("integrity")] == []
    assert [entry for entry in packages.values() if "resolved" in entry] == []


# Debian's services


def test_services_stay_stopped_only_while_packages_install(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"

    with debian.services_stay_stopped(policy):
        assert subprocess.run([policy, "nginx", "start"], check=False).returncode == 101

    assert list(tmp_path.iterdir()) == []


def test_the_policy_is_removed_when_the_installation_fails(tmp_path: Path) -> None:
    with (
        pytest.raises(ToolchainError, match="apt"),
        debian.services_stay_stopped(tmp_path / "policy-rc.d"),
    ):
        raise ToolchainError("apt")

    assert list(tmp_path.iterdir()) == []


def test_the_policy_that_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text(debian.POLICY_TEXT)

    with debian.services_stay_stopped(policy):
        assert policy.exists()

    assert not policy.exists()


def test_a_policy_of_the_machines_own_is_kept(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")

    with debian.services_stay_stopped(policy):
        assert policy.read_text() == "#!/bin/sh\nexit 104\n"

    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


# The application's dependencies


def project(directory: Path, **manifest: object) -> Path:
    directory.mkdir()
    manifest = {"name": "tiny", "version": "1.0.0", **manifest}
    lock = {
        "name": "tiny",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {"": manifest},
    }
    (directory / "package.json").write_text(json.dumps(manifest))
    (directory / "package-lock.json").write_text(json.dumps(lock))
    return directory


@pytest.fixture
def cache_with_node(toolchain: Toolchain, empty_cache: Path) -> Path:
    """An otherwise empty cache, with the Node.js that is already installed."""
    installed = toolchain.node.parents[3]
    empty_cache.mkdir()
    (empty_cache / installed.name).symlink_to(installed)
    return empty_cache


def test_an_applications_install_scripts_run_with_the_node_of_production(
    tmp_path: Path, cache_with_node: Path
) -> None:
    app = project(
        tmp_path / "app", scripts={"install": "node -p process.version > $INIT_CWD/version"}
    )

    modules = ensure_application(app, quiet)

    assert modules.is_dir()
    assert modules.is_relative_to(cache_with_node)
    assert (modules.parent / "version").read_text() == "v18.16.0\n"
    assert sorted(file.name for file in app.iterdir()) == ["package-lock.json", "package.json"]


@pytest.mark.usefixtures("cache_with_node")
def test_an_application_is_installed_once_for_each_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure_application(project(tmp_path / "one"), quiet)
    other = ensure_application(project(tmp_path / "other", license="MIT"), quiet)
    monkeypatch.setattr(subprocess, "Popen", None)

    assert ensure_application(project(tmp_path / "same"), quiet) == first
    assert other != first


@pytest.mark.usefixtures("cache_with_node")
def test_development_dependencies_are_not_fetched(tmp_path: Path) -> None:
    app = project(tmp_path / "app", devDependencies={"no-such-package-of-golive": "1.0.0"})
    lock = json.loads((app / "package-lock.json").read_text())
    lock["packages"]["node_modules/no-such-package-of-golive"] = {"version": "1.0.0", "dev": True}
    (app / "package-lock.json").write_text(json.dumps(lock))

    modules = ensure_application(app, quiet)

    assert not (modules / "no-such-package-of-golive").exists()


def test_a_failing_npm_is_quoted_and_leaves_nothing(tmp_path: Path, cache_with_node: Path) -> None:
    app = project(tmp_path / "app", scripts={"install": "echo the disk is on fire; exit 7"})

    with pytest.raises(ToolchainError) as raised:
        ensure_application(app, quiet)

    assert "the application: `" in str(raised.value)
    assert " ci " in str(raised.value)
    assert "the disk is on fire" in str(raised.value)
    assert [path.name for path in cache_with_node.glob("*application*") if path.is_dir()] == []


@pytest.mark.usefixtures("empty_cache")
def test_an_application_without_a_lock_is_refused(tmp_path: Path) -> None:
    app = project(tmp_path / "app")
    (app / "package-lock.json").unlink()

    with pytest.raises(ToolchainError, match=r"package-lock\.json is missing"):
        ensure_application(app, quiet)


# Commands, together


def test_a_failed_command_is_named_with_its_status_and_last_lines() -> None:
    with pytest.raises(ToolchainError) as raised:
        run("thing", ["sh", "-c", "seq 100; echo no space left >&2; exit 3"])

    lines = str(raised.value).splitlines()
    assert lines[0].startswith("thing: `sh -c 'seq 100;")
    assert "ended with status 3" in str(raised.value)
    assert lines[-1] == "    no space left"
    assert "    99" in lines
    assert "    1" not in lines


@pytest.mark.parametrize("dies_with_us", [True, False])
def test_a_command_that_does_not_exist_is_named(dies_with_us: bool) -> None:
    with pytest.raises(ToolchainError, match="no-such-command"):
        run("thing", ["no-such-command"], dies_with_us=dies_with_us)


def test_what_an_installer_started_dies_when_we_are_killed(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    child = f"exec 3>'{fifo}'; echo started >&3; exec sleep 600"
    code = f"from golive.toolchain.command import run; run('x', ['sh', '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", code]) as installer, fifo.open() as alive:
        assert alive.readline() == "started\n"
        installer.send_signal(signal.SIGKILL)

        assert alive.read() == ""  # the end of file: nobody holds the other end any more


def test_jobs_run_at_the_same_time() -> None:
    meet = threading.Barrier(2, timeout=30)
    said: list[str] = []

    together({"one": meet.wait, "other": meet.wait}, said.append)

    assert sorted(line.split(" after ")[0] for line in said) == [
        "one: installed",
        "other: installed",
    ]


def test_what_takes_long_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "PROGRESS_S", 0.01)
    shown = threading.Event()

    def say(line: str) -> None:
        if line.startswith("still installing slow"):
            shown.set()

    together({"slow": lambda: shown.wait(30)}, say)

    assert shown.is_set()


def test_all_failures_are_in_one_error() -> None:
    def fail(why: str) -> None:
        raise ToolchainError(why)

    with pytest.raises(ToolchainError) as raised:
        together({"a": lambda: fail("no a"), "b": lambda: fail("no b"), "c": list}, quiet)

    assert sorted(str(raised.value).splitlines()) == ["no a", "no b"]


def test_a_defect_of_ours_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        together({"a": lambda: 1 // 0}, quiet)


# The cache


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GOLIVE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.root() == tmp_path / "home/.cache/golive"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.root() == tmp_path / "xdg/golive"
    monkeypatch.setenv("GOLIVE_CACHE", str(tmp_path / "own"))
    assert cache.root() == tmp_path / "own"
    assert cache.root().stat().st_mode & 0o777 == 0o700


def test_an_entry_is_made_once(empty_cache: Path) -> None:
    def make(directory: Path) -> None:
        (directory / "file").write_text("made")

    def again(_directory: Path) -> None:
        raise AssertionError("made twice")

    assert cache.entry("it", make) == empty_cache / "it"
    assert cache.entry("it", again) == empty_cache / "it"
    assert (empty_cache / "it/file").read_text() == "made"


def test_a_failed_make_leaves_no_entry(empty_cache: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").write_text("half")
        raise ToolchainError("broken off")

    with pytest.raises(ToolchainError, match="broken off"):
        cache.entry("it", fail)

    assert [path.name for path in empty_cache.iterdir()] == [".it.lock"]


KILLED = """
import os, signal
from golive import cache

def make(directory):
    (directory / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

cache.entry("it", make)
"""


def test_a_killed_make_leaves_no_entry_and_the_next_one_cleans_up(empty_cache: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (empty_cache / "it").exists()

    cache.entry("it", lambda directory: (directory / "whole").touch())

    assert [path.name for path in (empty_cache / "it").iterdir()] == ["whole"]
    assert sorted(path.name for path in empty_cache.iterdir()) == [".it.lock", "it"]


ONE_OF_TWO = """
import sys
from golive import cache

def make(directory):
    print("making", flush=True)
    sys.stdin.readline()

print("asking", flush=True)
print(cache.entry("it", make), flush=True)
"""


def test_of_two_at_once_one_makes_and_the_other_waits(empty_cache: Path) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", ONE_OF_TWO],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    with start() as first:
        assert first.stdout is not None
        assert [first.stdout.readline(), first.stdout.readline()] == ["asking\n", "making\n"]
        with start() as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "asking\n"
            first_said, _ = first.communicate("go on\n", timeout=30)
            second_said, _ = second.communicate("go on\n", timeout=30)

    assert first_said == second_said == f"{empty_cache / 'it'}\n"
