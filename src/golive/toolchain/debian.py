"""The servers, and the browser, that are Debian packages."""

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from golive import cache
from golive.toolchain.command import ToolchainError, run

PACKAGE_OF = {
    "nginx": "nginx",
    "redis-server": "redis-server",
    "redis-cli": "redis-tools",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "prometheus-redis-exporter": "prometheus-redis-exporter",
    "openssl": "openssl",
    "chromium": "chromium",
    "curl": "curl",
    "git": "git",
    "rsync": "rsync",
    "nft": "nftables",
}
"""The package that a command comes in, by command."""

ADMINISTRATOR_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps servers; not on the PATH of a user who is not root."""

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# golive: services stay stopped while their packages install\nexit 101\n"
APT_LOCK = Path("/run/lock/golive-apt.lock")


def find(command: str) -> Path | None:
    """Where the command is; None where it is not installed. Runs nothing."""
    path = os.environ.get("PATH", os.defpath) + os.pathsep + ADMINISTRATOR_PATH
    found = shutil.which(command, path=path)
    return Path(found) if found else None


def missing() -> list[str]:
    """The packages whose commands are not here."""
    return sorted({package for name, package in PACKAGE_OF.items() if find(name) is None})


def missing_libraries() -> list[str]:
    """The packages of the libraries that mongod is linked with and Debian does not always have."""
    try:
        ctypes.CDLL("libcurl.so.4")
    except OSError:
        return ["libcurl4"]
    return []


def require_root(packages: Sequence[str]) -> None:
    """Raise ToolchainError, with the command for an administrator, where we are not root."""
    if packages and os.geteuid() != 0:
        names = " ".join(packages)
        raise ToolchainError(
            f"Not installed: {', '.join(packages)}. Only root can install Debian packages; "
            f"ask an administrator to run\n    apt-get update && "
            f"apt-get install -y --no-install-recommends {names}"
        )


def install(packages: Sequence[str]) -> None:
    """Install Debian packages; start none of their services. Raises ToolchainError."""
    require_root(packages)
    tool = "Debian packages"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another apt at work, our own abandoned one for instance: wait for it.
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-y"]
    with cache.locked(APT_LOCK), services_stay_stopped():
        run(tool, [*apt, "update"], env=env, dies_with_us=False)
        command = [*apt, "install", "--no-install-recommends", *packages]
        run(tool, command, env=env, dies_with_us=False)
    if still := sorted(set(packages) & set(missing())):
        raise ToolchainError(
            f"{tool}: apt-get installed {', '.join(still)}, but without their commands: "
            f"{', '.join(name for name, p in PACKAGE_OF.items() if p in still)}"
        )


@contextmanager
def services_stay_stopped(policy: Path = POLICY) -> Iterator[None]:
    """While open, packages do not start their services (policy-rc.d answers 101, forbidden).

    A policy-rc.d of the machine's own is left as it is; one of ours that a killed run left
    is used, and removed. See /usr/share/doc/init-system-helpers/README.policy-rc.d.
    """
    with tempfile.TemporaryDirectory(dir=policy.parent, prefix=".golive-") as directory:
        ours = Path(directory) / policy.name
        ours.write_text(POLICY_TEXT)
        ours.chmod(0o755)
        try:
            policy.hardlink_to(ours)
        except FileExistsError:
            if policy.read_text(errors="replace") != POLICY_TEXT:
                yield
                return
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
