"""What a server says of its size and system, on a machine with answers of its own."""

import os
from pathlib import Path

import pytest

from golive.environment import Environment, Host
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine
from golive.outcome import NotRun, Unproven, Whose
from golive.probes.mongodb import Login, Member
from golive.probes.servers import Size, System, cpus, mongodb_size, product, size, system
from golive.steps import servers as steps

GB = 10**9
HERE = Machine("here", Host(connection="local://"))

# A t3.medium, by the commands that are asked on it.
GOOD = {
    "nproc": "2",
    "df": f"1B-blocks Avail\n{52 * GB} {30 * GB}",
    "/proc/meminfo": "MemTotal:        3977948 kB\nMemFree: 1 kB",
    "/etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.2 LTS"',
    "product": "t3.medium",
}


@pytest.fixture
def machine_of(tmp_path, monkeypatch):
    """Makes a machine on which the commands answer so."""

    def make(answers: dict[str, str]) -> Environment:
        for name, text in answers.items():
            file = tmp_path / f"{Path(name).name}.answer"
            file.write_text(f"{text}\n")
        for name in ("nproc", "df"):
            script(tmp_path / name, f'exec /bin/cat "{tmp_path}/{name}.answer"')
        files = f'exec /bin/cat "{tmp_path}/$(/usr/bin/basename "$1").answer"'
        script(tmp_path / "cat", files)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return environment()

    return make


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def environment(**more: object) -> Environment:
    return Environment.model_validate(
        {
            "name": "lab",
            "kind": "deployed",
            "site": {"name": "lab.example"},
            "hosts": {"app-1.lab": {"connection": "local://"}},
            "requests": {},
            "limits": {"general": {"path": "/"}, "authentication": {"path": "/"}},
            **more,
        }
    )


def judged(lab: Environment) -> None:
    """All that the feature says of an application server's hardware and system."""
    given = (lab, Measurements(), EvidenceLog())
    steps.cpus_are(*given, 2)
    steps.memory_is(*given, 4, 10)
    steps.storage_is(*given, 50)
    steps.storage_is_free(*given, 15)
    steps.system_is(*given, "Ubuntu", "22.04")


def test_a_right_server_passes(machine_of):
    judged(machine_of(GOOD))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"nproc": "1"}, r"expected: 2 CPUs\n  actual: 1 CPUs"),
        ({"/proc/meminfo": "MemTotal: 1977948 kB"}, r"4 GB of memory.*\n  actual: 2.0 GB"),
        ({"/proc/meminfo": "MemTotal: 7977948 kB"}, r"4 GB of memory.*\n  actual: 8.2 GB"),
        ({"df": f"1B-blocks Avail\n{8 * GB} {7 * GB}"}, r"50 GB of storage.*\n  actual: 8.0 GB"),
        ({"df": f"1B-blocks Avail\n{52 * GB} {2 * GB}"}, r"15 % free.*\n  actual: 4 % \(2.0 GB\)"),
        (
            {"/etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="20.04"\nPRETTY_NAME="Ubuntu 20.04"'},
            r"expected: Ubuntu 22.04\n  actual: Ubuntu 20.04",
        ),
        (
            {"/etc/os-release": 'NAME="Debian"\nVERSION_ID="22.04"\nPRETTY_NAME="Debian 22"'},
            r"actual: Debian 22",
        ),
    ],
)
def test_each_wrong_server_fails(machine_of, wrong, expected):
    with pytest.raises(AssertionError, match=expected):
        judged(machine_of(GOOD | wrong))


@pytest.mark.parametrize(
    ("wrong", "message", "whose"),
    [
        ({"nproc": "many"}, "nproc says 'many'", Whose.TOOL),
        ({"df": "Filesystem"}, "not Linux's", Whose.TARGET),
        ({"/proc/meminfo": "MemFree: 1 kB"}, "not Linux's", Whose.TARGET),
        ({"/etc/os-release": "NAME=x"}, "has no 'VERSION_ID'", Whose.TARGET),
    ],
)
def test_garbage_is_unproven(machine_of, wrong, message, whose):
    with pytest.raises(Unproven, match=message) as raised:
        judged(machine_of(GOOD | wrong))
    assert raised.value.whose is whose


@pytest.mark.parametrize(("tool", "ask"), [("nproc", cpus), ("df", lambda at: size(at, "/"))])
def test_a_missing_tool_is_unproven(monkeypatch, tmp_path, tool, ask):
    for name in {"sh", "cat", "nproc", "df"} - {tool}:
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unproven, match=f"no such command: {tool}") as raised:
        ask(HERE)
    assert raised.value.whose is Whose.TOOL


def test_a_directory_that_is_not_there():
    with pytest.raises(Unproven, match="df -B1"):
        size(HERE, "/nowhere")


def test_this_machine():
    assert cpus(HERE) == len(os.sched_getaffinity(0))
    seen = size(HERE, "/")
    assert isinstance(seen, Size)
    assert seen.storage >= seen.free > 0
    assert seen.memory > 0
    assert isinstance(system(HERE), System)


def test_the_firmwares_name():
    file = Path("/sys/devices/virtual/dmi/id/product_name")
    assert product(HERE) == (file.read_text().strip() if file.exists() else None)


def test_no_connection_is_not_run():
    with pytest.raises(NotRun, match="no connection"):
        system(Machine("app-1", Host()))


def test_a_mongodb_that_is_not_there():
    with pytest.raises(Unproven, match="connection refused"):
        mongodb_size(Member("mongo-1", "127.99.9.9"), Login("exporter", "x"))


def test_nothing_to_sign_in_with_is_not_run():
    lab = environment(hosts={"mongo-1.lab": {}})
    with pytest.raises(NotRun, match="mongo-exporter-password"):
        steps.mongodb_storage_is(lab, Measurements(), EvidenceLog(), 100)


def test_a_container_has_what_its_control_group_allows(machine_of):
    machine_of(GOOD | {"nproc": "8", "cpu.max": "150000 100000", "memory.max": str(2 * GB)})

    assert cpus(HERE) == 2  # one and a half
    assert size(HERE, "/").memory == 2 * GB


@pytest.mark.parametrize("quota", ["max 100000", "-1\n100000"])
def test_a_control_group_without_limits_allows_all(machine_of, quota):
    machine_of(GOOD | {"nproc": "8", "cpu.max": quota, "memory.max": "max"})

    assert cpus(HERE) == 8
    assert size(HERE, "/").memory == 3977948 * 1024
