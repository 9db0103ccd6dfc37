"""A repository of releases for drills, made from the application that a replica runs.

Two are the application itself, each with a small package of its own that `npm ci` unpacks without
a network; the others fail in one way each, and where they are installed they are a few lines.
`git fast-import` makes them all.
"""

import base64
import hashlib
import io
import json
import random
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from golive.drills.host import Host
from golive.outcome import Unproven, Whose
from golive.replica.hosts import APPLICATION

FIRST, SECOND = "v1.0.0", "v1.1.0"
UNINSTALLABLE, UNBUILDABLE = "v1.2.0-uninstallable", "v1.2.0-unbuildable"
UNLOADABLE, CRASHING = "v1.2.0-unloadable", "v1.2.0-crashing"
UNHEALTHY, INCOMPLETE = "v1.2.0-unhealthy", "v1.2.0-incomplete"

BUILD_TOOL = "release-builder"  # a development dependency: only a build needs it
NOTE = "release-note"  # a dependency: without it the second release does not start

_IGNORED = "/dist/\nnode_modules/\n.env*\n"
_WITHIN_S = 60

_SERVER = """\
const http = require('node:http');
const { version } = require('./package.json');
let asked = 0;
const answers = {
  '/health': () => [200, JSON.stringify({ status: 'ok', version })],
  '/ready': () => [%d, '{}'],
  '/metrics': () => [200, `http_requests_total{status="200"} ${asked}\\n`],
};
http.createServer((req, res) => {
  asked += 1;
  const [status, body] = answers[req.url]?.() ?? [404, '{}'];
  res.writeHead(status).end(body);
}).listen(3000, process.env.HOST, () => process.send?.('ready'));
process.on('SIGINT', () => process.exit(0));
"""


# The second release stores more than the first, and has an index that the first knows nothing of.
NEWER_FIELD = "device"
_NEWER = """\
const { Collection } = require('mongodb');
const { insertOne } = Collection.prototype;
Collection.prototype.insertOne = async function (document, ...rest) {
  if (this.collectionName === 'activities') {
    document.device = { model: 'GV-2', firmware: { major: 2, signed: true } };
    await this.createIndex({ 'device.model': 1, startedAt: -1 });
  }
  return insertOne.call(this, document, ...rest);
};
"""


@dataclass(frozen=True)
class Repository:
    """`origin` is where releases are published, `workspace` a checkout from which one deploys."""

    host: Host
    origin: Path
    workspace: Path

    def move_tag(self, tag: str, commit: str) -> None:
        """Make a published tag mean another commit."""
        _git(self.host, self.origin, "update-ref", f"refs/tags/{tag}", commit)

    def fetch(self) -> None:
        """Fetch all that is published into the checkout."""
        _git(self.host, self.workspace, "fetch", "--quiet", "--all", "--tags")

    def clone(self, name: str) -> Path:
        """Another checkout, with the same files of variables."""
        directory = self.workspace.with_name(name)
        return _clone(self.host, self.origin, directory)

    def checked_out(self) -> str:
        """The commit that is in the checkout."""
        return _git(self.host, self.workspace, "rev-parse", "HEAD").strip()

    def commit(self, tag: str) -> str:
        """The commit that a published tag means."""
        return _git(self.host, self.origin, "rev-parse", f"refs/tags/{tag}^0").strip()


def publish(host: Host) -> Repository:
    """All releases, and a checkout with the files of variables in it. Raises Unproven."""
    origin, workspace = host.path("/srv/origin.git"), host.path("/srv/workspace")
    origin.parent.mkdir()
    _git(host, host.root, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    _git(host, origin, "fast-import", "--quiet", stdin=b"".join(_stream(host)))
    return Repository(host, origin, _clone(host, origin, workspace))


def _clone(host: Host, origin: Path, directory: Path) -> Path:
    _git(host, host.root, "clone", "--quiet", str(origin), str(directory))
    variables = host.environment_file()
    for name, text in {
        ".env.production": variables,
        ".env.staging": variables.replace('NODE_ENV="production"', 'NODE_ENV="staging"'),
    }.items():
        (directory / name).touch(mode=0o600)
        (directory / name).write_text(text)
    return directory


def _git(host: Host, directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=host.environment,
        input=stdin,
        capture_output=True,
        timeout=_WITHIN_S,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise Unproven(f"git {arguments[0]}: {said}", Whose.OURS)
    return done.stdout.decode()


def _stream(host: Host) -> Iterator[bytes]:
    """Each release as a commit of its own, with its tag."""
    for tag, files in _releases(host).items():
        commit = [
            b"commit refs/heads/main\n",
            b"committer golive <golive@localhost> 1700000000 +0000\n",
            b"data %d\n%b\n" % (len(tag), tag.encode()),
            b"deleteall\n",
        ]
        for name, content in files.items():
            commit.append(b"M 100644 inline %b\ndata %d\n" % (name.encode(), len(content)))
            commit.append(content + b"\n")
        yield from commit
        yield b"reset refs/tags/%b\nfrom refs/heads/main\n\n" % tag.encode()


def _releases(host: Host) -> dict[str, dict[str, bytes]]:
    application = _application(host)
    settings = application["ecosystem.config.js"]
    return {
        FIRST: _real(application, FIRST, tools=False)
        # Larger than the second: it needs more space than the second leaves.
        | {".only-in-the-first": b"1\n", "docs/map": random.Random(1).randbytes(1 << 20)},  # noqa: S311
        SECOND: _newer(_real(application, SECOND, tools=True))
        | {".new-in-the-second": b"2\n", "docs/new": b"2\n"},
        UNINSTALLABLE: _changed(
            _real(application, UNINSTALLABLE, tools=False),
            dependencies={"not-in-the-lock": "1.0.0"},
        ),
        UNBUILDABLE: _changed(
            _real(application, UNBUILDABLE, tools=False), scripts={"build": "exit 1"}
        ),
        UNLOADABLE: _small(UNLOADABLE, b"module.exports = {\n"),
        CRASHING: _small(CRASHING, settings, server="throw new Error('a release that crashes');\n"),
        UNHEALTHY: _small(UNHEALTHY, settings, server=_SERVER % 503),
        INCOMPLETE: _small(INCOMPLETE, settings),
    }


def _application(host: Host) -> dict[str, bytes]:
    """The files of the replica's application: one worker, and PM2's patience divided by ten."""
    root = host.origin.root("app-1") / APPLICATION
    files = {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
        and not {"node_modules", "dist", ".env"} & set(file.relative_to(root).parts)
    }
    settings = host.copied(files["ecosystem.config.js"].decode(), "app-1")
    settings = settings.replace("instances: 'max'", "instances: 1")
    settings = settings.replace("listen_timeout: 50000", "listen_timeout: 5000")
    return files | {"ecosystem.config.js": settings.encode(), ".gitignore": _IGNORED.encode()}


def _real(application: Mapping[str, bytes], tag: str, *, tools: bool) -> dict[str, bytes]:
    """The application, with a package that it needs, and one that only its build needs."""
    manifest = json.loads(application["package.json"])
    packages = [_package(NOTE, tag.removeprefix("v"), {"index.js": f"exports.tag = '{tag}';\n"})]
    if tools:
        tool = "#!/usr/bin/env node\nprocess.stdout.write('built with the tool\\n');\n"
        packages.append(_package(BUILD_TOOL, "1.0.0", {"cli.js": tool}, dev=True))
    manifest |= {
        "version": tag.removeprefix("v"),
        "dependencies": {each.name: each.file for each in packages if not each.dev},
        "devDependencies": {each.name: each.file for each in packages if each.dev},
    }
    if tools:
        build = manifest["scripts"]["build"]
        manifest["scripts"] = {**manifest["scripts"], "build": f"{BUILD_TOOL} && {build}"}
    server = application["server.js"].replace(b"\n", f"\nrequire('{NOTE}');\n".encode(), 1)
    return {
        **application,
        "server.js": server,
        **_manifests(manifest, packages),
        **{each.path: each.content for each in packages},
    }


def _newer(files: Mapping[str, bytes]) -> dict[str, bytes]:
    server = files["server.js"].replace(b"\n", b"\nrequire('./newer');\n", 1)
    return {**files, "server.js": server, "newer.js": _NEWER.encode()}


def _changed(files: Mapping[str, bytes], **manifest: object) -> dict[str, bytes]:
    """A release with a package.json that its lock knows nothing of."""
    changed = json.loads(files["package.json"]) | manifest
    return {**files, "package.json": _json(changed)}


def _small(tag: str, settings: bytes, *, server: str = _SERVER % 200) -> dict[str, bytes]:
    """A release of a few lines, which answers that it is well, and nothing else."""
    manifest = {
        "name": "dashboard-velo-api",
        "version": tag.removeprefix("v"),
        "scripts": {"build": "true"},
    }
    return {
        "server.js": server.encode(),
        "ecosystem.config.js": settings,
        ".gitignore": _IGNORED.encode(),
        **_manifests(manifest, []),
    }


@dataclass(frozen=True)
class _Package:
    """An npm package in a file of the repository; `dev`: only a build needs it."""

    name: str
    version: str
    content: bytes
    dev: bool

    @property
    def path(self) -> str:
        return f"vendor/{self.name}-{self.version}.tgz"

    @property
    def file(self) -> str:
        return f"file:{self.path}"

    @property
    def locked(self) -> dict[str, object]:
        digest = base64.b64encode(hashlib.sha512(self.content).digest()).decode()
        return {
            "version": self.version,
            "resolved": self.file,
            "integrity": f"sha512-{digest}",
            **({"dev": True, "bin": {self.name: "cli.js"}} if self.dev else {}),
        }


def _package(name: str, version: str, files: Mapping[str, str], *, dev: bool = False) -> _Package:
    manifest = {"name": name, "version": version, **({"bin": "cli.js"} if dev else {})}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file, text in {"package.json": json.dumps(manifest), **files}.items():
            entry = tarfile.TarInfo(f"package/{file}")
            entry.size, entry.mode = len(text.encode()), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return _Package(name, version, packed.getvalue(), dev)


def _manifests(manifest: Mapping[str, object], packages: list[_Package]) -> dict[str, bytes]:
    lock = {
        "name": manifest["name"],
        "version": manifest["version"],
        "lockfileVersion": 3,
        "requires": True,
        "packages": {
            "": manifest,
            **{f"node_modules/{each.name}": each.locked for each in packages},
        },
    }
    return {"package.json": _json(manifest), "package-lock.json": _json(lock)}


def _json(content: object) -> bytes:
    return f"{json.dumps(content, indent=2)}\n".encode()
