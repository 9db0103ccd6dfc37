"""A server to be copied by drills: the files of a replica's hosts, without a replica that runs."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from golive import toolchain
from golive.drills.host import Origin
from golive.replica.authority import Authority
from golive.replica.hosts import Hosts
from golive.replica.subnet import Subnet, in_use, may_bind_low_ports
from golive.replica.substitution import Secrets

ROOT = Path(__file__).parents[2]
STACK = ROOT / "environments/stack"
MIME_TYPES = Path("/etc/nginx/mime.types")


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A copy of the stack that may be changed before the server is made."""
    return shutil.copytree(
        STACK, tmp_path / "stack", ignore=shutil.ignore_patterns("node_modules", "dist")
    )


@pytest.fixture
def origin(stack: Path) -> Iterator[Origin]:
    """Where drills take their server from; not below pytest's, whose paths are too long."""
    tools = toolchain.ensure_application(stack / "app", lambda _: None)
    subnet = Subnet(next(n for n in range(231, 255) if not in_use(n)), may_bind_low_ports())
    directory = Path(tempfile.mkdtemp(prefix="drills-"))
    directory.chmod(0o711)
    try:
        Hosts(directory, stack, subnet, Secrets()).install(Authority.create(), tools, MIME_TYPES)
        yield Origin(directory, subnet.number, subnet.port(80), subnet.port(443))
    finally:
        shutil.rmtree(directory)
