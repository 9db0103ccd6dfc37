"""Which servers a replica has, with their commands and what makes each of them ready."""

import sys
from dataclasses import dataclass
from pathlib import Path

from golive.replica.hosts import APPLICATION, SITE, TEXTFILES, Hosts
from golive.replica.processes import Command, Server
from golive.replica.readiness import (
    accepts,
    all_of,
    answers,
    greets,
    launched,
    replicates,
)
from golive.replica.stapling import staples
from golive.toolchain import Toolchain

MONGODB_PORT = 27017
_REDIS_PORT = 6379
_APPLICATION_PORT = 3000
_MEASURED = ("edge", "app-1", "app-2", "app-3", "monitoring", "backup")
PRELOADED = [
    Path(__file__).with_name(f"{name}.js") for name in ("switches", "last_words", "own_address")
]


@dataclass(frozen=True)
class Servers:
    """The servers of one replica. All start at the same time, the slowest first in line."""

    hosts: Hosts
    tools: Toolchain

    def all(self) -> list[Server]:
        """Every server of the replica."""
        return [
            *map(self._mongodb, self.hosts.subnet.named("mongo-")),
            *map(self._application, self.hosts.subnet.named("app-")),
            self._edge(),
            *map(self._redis, self.hosts.subnet.named("redis-")),
            *self._monitoring(),
            *map(self._node_exporter, _MEASURED),
            self._ocsp(),
            self._receivers(),
        ]

    def members(self) -> list[str]:
        """The MongoDB members, address:port."""
        mongo = self.hosts.subnet.named("mongo-")
        return [f"{address}:{MONGODB_PORT}" for address in mongo.values()]

    def _at(self, host: str) -> tuple[str, Path]:
        return self.hosts.subnet.hosts[host], self.hosts.root(host)

    def _edge(self) -> Server:
        address, root = self._at("edge")
        http, https = (self.hosts.subnet.port(port) for port in (80, 443))
        command = (
            *(self.tools.nginx, "-p", root, "-c", root / "etc/nginx/nginx.conf"),
            *("-e", root / "var/log/nginx/error.log", "-g", "daemon off;"),
        )
        return Server(
            "edge",
            address,
            (http, https),
            command,
            root,
            staples(address, https, SITE),
            # Without an answer of the responder at its first handshake, nginx asks again only
            # after five minutes (ngx_ssl_ocsp_error).
            after=("ocsp",),
            logs=(root / "var/log/nginx/error.log",),
            dies_of="TERM",  # a killed master leaves its workers
        )

    def _application(self, host: str) -> Server:
        address, root = self._at(host)
        command = (
            *(self.tools.node, self.tools.pm2, "start", "ecosystem.config.js"),
            *("--no-daemon", "--env", "production"),
        )
        logs = tuple(root / "var/log/dashboard-velo" / f"{name}.log" for name in ("out", "error"))
        return Server(
            host,
            address,
            (_APPLICATION_PORT,),
            command,
            root / APPLICATION,
            # PM2 starts one worker after the other, and says when all of them are ready.
            all_of(
                launched("dashboard-velo-api", self.hosts.directory / "log" / f"{host}.log", logs),
                answers(address, _APPLICATION_PORT, "/ready"),
            ),
            logs=logs,
            environment={
                "PM2_HOME": str(root / "var/lib/pm2"),
                "PATH": f"{self.tools.node.parent}:/usr/bin:/bin",
                "NODE_OPTIONS": " ".join(f'--require="{file}"' for file in PRELOADED),
                "TMPDIR": str(root / "tmp"),
                "GOLIVE_ADDRESS": address,
            },
        )

    def _redis(self, host: str) -> Server:
        address, root = self._at(host)
        primary = host == "redis-1"
        file = "redis.conf" if primary else "replica.conf"
        replicas = len(self.hosts.subnet.named("redis-")) - 1
        ready = replicates(
            address,
            _REDIS_PORT,
            self.hosts.secrets["redis-admin-password"],
            replicas if primary else None,
        )
        command = (self.tools.redis_server, root / "etc/redis" / file)
        return Server(host, address, (_REDIS_PORT,), command, root, ready)

    def _mongodb(self, host: str) -> Server:
        address, root = self._at(host)
        command = (self.tools.mongod, "--config", root / "etc/mongodb/mongod.conf")
        ready = accepts(address, MONGODB_PORT)  # the replica set speaks its protocol later
        return Server(host, address, (MONGODB_PORT,), command, root, ready)

    def _monitoring(self) -> list[Server]:
        address, root = self._at("monitoring")
        secrets = self.hosts.secrets
        prometheus = (
            self.tools.prometheus,
            f"--config.file={root}/etc/prometheus/prometheus.yml",
            f"--storage.tsdb.path={root}/var/lib/prometheus",
            f"--web.listen-address={address}:9090",
            "--web.enable-lifecycle",
        )
        alertmanager = (
            self.tools.alertmanager,
            f"--config.file={root}/etc/alertmanager/alertmanager.yml",
            f"--storage.path={root}/var/lib/alertmanager",
            f"--web.listen-address={address}:9093",
            "--cluster.listen-address=",
        )
        redis_exporter = (
            self.tools.redis_exporter,
            "--redis.addr=",
            "--redis.user=exporter",
            f"--web.listen-address={address}:9121",
        )
        mongodb_exporter: Command = (
            *(sys.executable, "-m", "golive.replica.mongodb_exporter", f"{address}:9216"),
            self.hosts.root("authority") / "root.pem",
            *self.members(),
        )
        return [
            Server(
                "prometheus", address, (9090,), prometheus, root, answers(address, 9090, "/-/ready")
            ),
            Server(
                "alertmanager",
                address,
                (9093,),
                alertmanager,
                root,
                answers(address, 9093, "/-/ready"),
            ),
            Server(
                "redis-exporter",
                address,
                (9121,),
                redis_exporter,
                root,
                answers(address, 9121),
                environment={"REDIS_PASSWORD": secrets["redis-exporter-password"]},
            ),
            Server(
                "mongodb-exporter",
                address,
                (9216,),
                mongodb_exporter,
                root,
                answers(address, 9216, "/metrics"),
                after=tuple(self.hosts.subnet.named("mongo-")),
                environment={"MONGODB_PASSWORD": secrets["mongo-exporter-password"]},
            ),
        ]

    def _node_exporter(self, host: str) -> Server:
        address, root = self._at(host)
        command = (
            self.tools.node_exporter,
            f"--web.listen-address={address}:9100",
            f"--collector.textfile.directory={root / TEXTFILES}",
        )
        name = f"node-exporter-{host}"
        return Server(name, address, (9100,), command, root, answers(address, 9100))

    def _ocsp(self) -> Server:
        address, root = self._at("authority")
        port = self.hosts.subnet.port(80)
        command = (
            *(sys.executable, "-m", "golive.replica.ocsp"),
            *("--listen", f"{address}:{port}", "--authority", root),
        )
        return Server("ocsp", address, (port,), command, root, answers(address, port))

    def _receivers(self) -> Server:
        address, root = self._at("mail")
        subnet = self.hosts.subnet
        port = subnet.port(25)
        hosts = ("slack", "sms", "heartbeat")
        webhooks = tuple((subnet.hosts[host], subnet.port(80)) for host in hosts)
        command: Command = (
            *(sys.executable, "-m", "golive.replica.receivers"),
            *(self.hosts.directory / "received", f"{address}:{port}"),
            *(f"{host}:{http}" for host, http in webhooks),
        )
        # A webhook is posted to: it refuses GET (501), and that is an answer.
        ready = all_of(greets(address, port), *(answers(*each, status=501) for each in webhooks))
        return Server("receivers", address, (port,), command, root, ready, elsewhere=webhooks)
