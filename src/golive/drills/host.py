"""A server for drills: what the replica's edge and first application server have, apart from them.

nginx with the edge's configuration, the application's files, PM2, and the scripts that deploy; but
with addresses and stores of its own, and a directory of its own as `/`. So a drill may break it
while everything else is looked at.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from pymongo import MongoClient
from pymongo.database import Database
from redis import Redis

from golive import toolchain
from golive.drills.guard import guarded
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.replica.hosts import APPLICATION, DEPLOY, SITE
from golive.replica.reap import MARK, remember_session
from golive.replica.servers import PRELOADED
from golive.toolchain import Toolchain

_STARTS_WITHIN_S = 60.0
_POLL_S = 0.02
_REDIS_PASSWORD = "a-drill-is-on-loopback"  # noqa: S105 (the application insists on one)
# Beside those that the files name: packages make them.
_DIRECTORIES = (
    "bin home run/lock var/backups var/lib/mongodb var/lib/nginx var/log/dashboard-velo "
    "var/log/nginx var/www"
)
_SNAPSHOT = """\
const { MongoClient } = require('mongodb');
const { writeFileSync } = require('node:fs');
const client = new MongoClient(process.argv[2]);
(async () => {
  const collections = await client.db().collections();
  const saved = await Promise.all(collections.map(async (each) => [
    each.collectionName, await each.find().toArray()]));
  writeFileSync(process.argv[3], JSON.stringify(Object.fromEntries(saved)));
  await client.close();
})();
"""


@dataclass(frozen=True)
class Origin:
    """Where the drill's server is copied from: a replica's directory and number.

    `https` and `http` are the ports that the edge listens on.
    """

    replica: Path
    number: int
    http: int
    https: int

    def root(self, host: str) -> Path:
        """The directory that is `/` to a host of the replica."""
        return self.replica / "hosts" / host


@dataclass(frozen=True)
class Host:
    """A drill's server; `root` is what stands for its `/`."""

    origin: Origin
    directory: Path
    tools: Toolchain

    @property
    def root(self) -> Path:
        """The directory that is `/` to its files."""
        return self.directory / "host"

    def path(self, path: str) -> Path:
        """Where its file `path` (absolute, as in production) is."""
        return self.root / path.removeprefix("/")

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Its addresses, in a network of the replica's subnet that nothing else uses."""
        tails = {"edge": 10, "blue": 1, "green": 2, "redis": 20, "mongo": 30, "client": 40}
        return {name: f"127.{self.origin.number}.6.{tail}" for name, tail in tails.items()}

    @cached_property
    def http(self) -> Endpoint:
        """The site over plain HTTP, where the edge serves /health only."""
        return Endpoint(self.addresses["edge"], self.origin.http, SITE)

    @cached_property
    def https(self) -> Endpoint:
        """The site over HTTPS."""
        roots = self.origin.root("authority") / "root.pem"
        return Endpoint(self.addresses["edge"], self.origin.https, SITE, roots)

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables of whoever deploys."""
        path = f"{self.root}/bin:{self.tools.node.parent}:{os.defpath}:/usr/sbin:/sbin"
        return {
            "PATH": path,
            "HOME": str(self.root / "home"),
            # Short: the application makes Unix sockets in it, whose path has 107 bytes.
            "TMPDIR": str(self.directory / "t"),
            "LANG": "C.UTF-8",
            "PM2_HOME": str(self.path("/var/lib/pm2")),
            "GIT_CONFIG_NOSYSTEM": "1",
            "npm_config_offline": "true",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_update_notifier": "false",
            MARK: str(self.directory),
        }

    @property
    def mongo_uri(self) -> str:
        """The drill's own database."""
        return f"mongodb://{self.addresses['mongo']}:27017/dashboard-velo?directConnection=true"

    def live_address(self) -> str:
        """The address of the slot that nginx names. Raises Unproven where that is not one."""
        upstream = self.path("/etc/nginx/upstream.conf").read_text()
        found = [self.addresses[each] for each in ("blue", "green")]
        found = [each for each in found if f" {each}:" in upstream]
        if len(found) != 1:
            raise Unproven(f"nginx names {len(found)} slots: {upstream}", Whose.TARGET)
        return found[0]

    def copied(self, text: str, host: str) -> str:
        """A text of a replica's host, with what is this server's own."""
        text = text.replace(str(self.origin.root(host)), str(self.root))
        return re.sub(rf"\b127\.{self.origin.number}\.0\.10\b", self.addresses["edge"], text)

    def configure(self, **values: object) -> None:
        """Write /etc/dashboard-velo/deploy.conf; `values` come last."""
        roots, https = self.https.roots, self.https
        to = f"{SITE}:443:{https.address}:{https.port}"
        lines = [
            f'BLUE="{self.addresses["blue"]}"',
            f'GREEN="{self.addresses["green"]}"',
            'ON_EDGE="env"',  # nginx is here
            'SNAPSHOT="snapshot"',
            f'SITE="https://{SITE}"',
            f'CURL=(--cacert "{roots}" --connect-to "{to}")',
            "OBSERVE=0",  # what it asks for itself is something to observe
            *(f'{name}="{value}"' for name, value in values.items()),
        ]
        self.path("/etc/dashboard-velo/deploy.conf").write_text("\n".join(lines) + "\n")

    def environment_file(self) -> str:
        """The application's variables, with its own stores."""
        own = {
            "HOST": self.addresses["blue"],
            "MONGO_URI": self.mongo_uri,
            "REDIS_HOST": self.addresses["redis"],
            "REDIS_PASSWORD": _REDIS_PASSWORD,
        }
        text = (self.origin.root("app-1") / APPLICATION / ".env").read_text()
        for name, value in own.items():
            text = re.sub(rf"(?m)^{name}=.*$", f'{name}="{value}"', text)
        return text

    @contextmanager
    def database(self) -> Iterator[Database[dict[str, Any]]]:
        """The application's own database here."""
        with MongoClient[dict[str, Any]](self.mongo_uri, serverSelectionTimeoutMS=5000) as client:
            yield client.get_default_database()

    def forget_requests(self) -> None:
        """Count nobody's requests any more: days lie between deployments, as the limits see it.

        Of all smoke tests of a rehearsal there are more than a client may ask in 15 minutes.
        """
        with Redis(host=self.addresses["redis"], password=_REDIS_PASSWORD) as client:
            for key in client.scan_iter(match="*rate:*"):
                client.delete(key)

    def forget_cache(self) -> None:
        """Leave nothing in Redis."""
        with Redis(host=self.addresses["redis"], password=_REDIS_PASSWORD) as client:
            client.flushall()

    def reload_nginx(self) -> None:
        """Return when all requests go where nginx's files say."""
        master = int(self.path("/run/nginx.pid").read_text())
        old = psutil.Process(master).children()
        os.kill(master, signal.SIGHUP)
        # New workers have begun when the old ones are told to finish.
        _, alive = psutil.wait_procs(old, timeout=_STARTS_WITHIN_S)
        if alive:
            raise Unproven("nginx's old workers do not end after a reload", Whose.OURS)

    def start(self, *command: str | Path) -> "subprocess.Popen[bytes]":
        """Start one of its servers, in a session of its own."""
        with (self.directory / "servers.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # nginx overwrites its environment: the replica, too, must know it by its session.
        for place in (self.directory, self.origin.replica):
            remember_session(place, process.pid)
        return process


@contextmanager
def server(origin: Origin) -> Iterator[Host]:
    """A server on which nothing is deployed yet; all of it is ended after the block.

    Raises Unproven where it cannot be started.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with guarded(origin.replica) as directory:
            host = Host(origin, directory, toolchain.ensure(lambda _: None))
            try:
                _install(host)
                _start(host, processes)
            except OSError as error:
                raise Unproven(f"the drill's server cannot be made: {error}", Whose.OURS) from error
            yield host
    finally:
        for process in processes:
            process.wait()  # the guard has ended it


def _install(host: Host) -> None:
    (host.directory / "t").mkdir()
    for each in _DIRECTORIES.split():
        (host.root / each).mkdir(parents=True)
    edge, app = host.origin.root("edge"), host.origin.root("app-1")
    for file in (edge / "etc/nginx").glob("*"):
        _write(host.path(f"/etc/nginx/{file.name}"), host.copied(file.read_text(), "edge"))
    upstream = f"server {host.addresses['blue']}:3000 max_fails=3 fail_timeout=10s;\n"
    _write(host.path("/etc/nginx/upstream.conf"), upstream)
    shutil.copytree(edge / "etc/letsencrypt", host.path("/etc/letsencrypt"))
    for file in (app / DEPLOY).glob("*.sh"):
        _write(host.path(f"/{DEPLOY}/{file.name}"), host.copied(file.read_text(), "app-1"), 0o755)
    host.path("/etc/dashboard-velo").mkdir()
    host.configure()
    # Installed for all releases: to pack and unpack 34 MB for each of them would show no more.
    modules = host.path("/var/www/node_modules")
    modules.symlink_to((app / APPLICATION / "node_modules").resolve())
    conf, log = host.path("/etc/nginx/nginx.conf"), host.path("/var/log/nginx/error.log")
    _write(host.path("/snapshot.js"), _SNAPSHOT)
    node_options = " ".join(f'--require="{file}"' for file in PRELOADED)
    # The marks are lost where a script cleans the environment, as it should.
    commands = {
        "nginx": f"exec {host.tools.nginx} -p '{host.root}' -c '{conf}' -e '{log}' \"$@\"",
        "npm": f'exec {host.tools.node} {host.tools.npm} "$@"',
        "pm2": f"export {MARK}='{host.directory}' NODE_OPTIONS='{node_options}'\n"
        f'exec {host.tools.node} {host.tools.pm2} "$@"',
        "snapshot": f"NODE_PATH='{modules}' exec {host.tools.node} '{host.path('/snapshot.js')}' "
        f"'{host.mongo_uri}' '{host.path('/var/backups')}'/snapshot-$(date +%s%N).json",
    }
    for name, command in commands.items():
        _write(host.path(f"/bin/{name}"), f"#!/bin/sh\n{command}\n", 0o755)


def _start(host: Host, processes: "list[subprocess.Popen[bytes]]") -> None:
    tools, at = host.tools, host.addresses
    mongo = ("--bind_ip", at["mongo"], "--wiredTigerCacheSizeGB", "0.25", "--nounixsocket")
    redis = ("--bind", at["redis"], "--requirepass", _REDIS_PASSWORD, "--save", "")
    started = {
        (at["mongo"], 27017): (tools.mongod, "--dbpath", host.path("/var/lib/mongodb"), *mongo),
        (at["redis"], 6379): (tools.redis_server, *redis),
        (at["edge"], host.origin.https): (host.path("/bin/nginx"), "-g", "daemon off;"),
    }
    processes += [host.start(*command) for command in started.values()]
    for where, process in zip(started, processes, strict=True):
        _await(host, where, process)


def _await(host: Host, where: tuple[str, int], process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(where, 1):
            return
        if process.poll() is not None or time.monotonic() > until:
            said = (host.directory / "servers.log").read_text(errors="replace")[-1000:]
            raise Unproven(f"the drill's server {process.args!r} did not start: {said}", Whose.OURS)
        time.sleep(_POLL_S)


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
