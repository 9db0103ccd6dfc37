"""What cannot start is told at once, in the server's own words, and nothing is left running."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from golive.replica.processes import Server, ServerError, refuse_taken_ports
from golive.replica.readiness import accepts
from golive.replica.subnet import Subnet, may_bind_low_ports

from .commands import Replica, copy_of_stack, golive


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A copy of the stack that may be broken; there is a space in its path."""
    return copy_of_stack(tmp_path / "the stack")


@pytest.fixture
def refusal(number: int, stack: Path) -> Callable[[], str]:
    """What `golive up` says of the broken stack."""

    def refused() -> str:
        said = golive("up", "--subnet", number, "--stack", stack)
        assert said.returncode == 2
        assert said.stderr.count("golive: ") == 1
        assert "Traceback" not in said.stderr
        assert "not ready" not in said.stderr, "told by a timeout"
        assert Replica(number).remains() == []
        assert not Replica(number).directory.exists()
        return said.stderr.partition("golive: ")[2]

    return refused


def test_a_configuration_of_nginx_that_is_wrong(stack: Path, refusal: Callable[[], str]) -> None:
    append(stack / "nginx/nginx.conf", "nonsense on;\n")
    said = refusal()
    assert said.startswith("edge ended with status 1.\n")
    assert 'nginx: [emerg] unknown directive "nonsense" in ' in said  # on standard error
    assert "The end of error.log:" in said


def test_what_nginx_says_in_its_log_only(stack: Path, refusal: Callable[[], str]) -> None:
    # Found after nginx has turned its standard error to its log.
    replace(stack / "nginx/nginx.conf", "/var/lib/nginx/body", "/var/absent/nginx/body")
    said = refusal()
    assert said.startswith("edge ended with status 1.\n")
    assert "absent/nginx/body" in said


def test_a_configuration_of_redis_that_is_wrong_without_its_password(
    stack: Path, refusal: Callable[[], str]
) -> None:
    replace(stack / "redis/redis.conf", "masterauth [", "masterauths [")
    said = refusal()
    assert "ended with status 1." in said
    assert "FATAL CONFIG FILE ERROR" in said
    assert ">>> 'masterauths ••••••••'" in said


def test_a_configuration_of_mongodb_that_is_wrong(stack: Path, refusal: Callable[[], str]) -> None:
    append(stack / "mongodb/mongod.conf", "nonsense: true\n")
    said = refusal()
    assert said.startswith("mongo-")
    assert "Unrecognized option: nonsense" in said


def test_an_application_that_crashes_at_its_start(stack: Path, refusal: Callable[[], str]) -> None:
    append(stack / "app/src/config.js", "\nthrow new Error('out of tyres');\n")
    said = refusal()
    assert said.startswith("app-")
    assert "a worker ended." in said
    assert "out of tyres" in said


def test_an_application_that_refuses_its_settings(stack: Path, refusal: Callable[[], str]) -> None:
    replace(stack / "app/.env.production", 'JWT_EXPIRATION="30m"', 'JWT_EXPIRATION="[soon]"')
    said = refusal()
    assert "a worker ended." in said
    assert "JWT_EXPIRATION" in said


def test_a_port_that_answers_already(number: int, stack: Path) -> None:
    port = Subnet(number, may_bind_low_ports()).port(80)
    with socket.create_server((f"127.{number}.5.4", port)) as taken:
        host, _ = taken.getsockname()
        said = golive("up", "--subnet", number, "--stack", stack)
    assert said.returncode == 2
    assert f"{host}:{port}, for receivers: process " in said.stderr
    assert "has it" in said.stderr
    assert Replica(number).remains() == []


def test_a_program_that_listens_on_all_addresses() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        server = Server("some", "127.0.0.9", (port,), ("true",), Path("/"), accepts("", 0))
        with pytest.raises(ServerError, match=rf"^127\.0\.0\.9:{port}, for some: process \d+ \("):
            refuse_taken_ports([server])


def test_what_is_no_stack(number: int, tmp_path: Path) -> None:
    said = golive("up", "--subnet", number, "--stack", tmp_path)
    assert said.returncode == 2
    assert said.stderr == f"golive: {tmp_path} is no stack: it has no nginx/nginx.conf\n"


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def replace(file: Path, before: str, after: str) -> None:
    content = file.read_text()
    assert before in content
    file.write_text(content.replace(before, after))
