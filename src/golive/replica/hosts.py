"""The hosts of a replica: a root directory each, with the stack's files in their places."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from golive.replica.authority import Authority
from golive.replica.state import CREDENTIALS
from golive.replica.subnet import Subnet
from golive.replica.substitution import Secrets, Substitution, Substitutions

APPLICATION = "var/www/dashboard-velo-api"
BACKUP = "opt/dashboard-velo-backup"
DEPLOY = "opt/dashboard-velo-deploy"
SITE = "api.dashboard-velo.com"

# Which hosts have which part of the stack, and where.
_PLACES = (
    ("edge", "nginx", "etc/nginx"),
    ("app-", "app", APPLICATION),
    ("app-", "pm2", APPLICATION),
    ("app-", "deploy", DEPLOY),
    ("redis-", "redis", "etc/redis"),
    ("mongo-", "mongodb", "etc/mongodb"),
    ("monitoring", "prometheus", "etc/prometheus"),
    ("monitoring", "alertmanager", "etc/alertmanager"),
    ("monitoring", "grafana", "etc/grafana"),
    ("backup", "deploy/backup", BACKUP),
    ("backup", "deploy/cron.d", "etc/cron.d"),
)

TEXTFILES = "var/lib/prometheus/node-exporter"  # Debian's; the node exporter reads it

# Directories that packages and administrators make in production.
_DIRECTORIES = {
    "edge": ("run", "var/log/nginx", "var/lib/nginx", "var/www/acme", TEXTFILES),
    "app-": ("var/log/dashboard-velo", "var/lib/pm2", "etc/dashboard-velo", "tmp"),
    "redis-": ("var/lib/redis",),
    "mongo-": ("var/lib/mongodb",),
    "monitoring": ("var/lib/prometheus", "var/lib/alertmanager"),
    "backup": (BACKUP, "etc/dashboard-velo", "tmp", "var/backups", TEXTFILES),
}

# What cron runs on a host in production, for Prometheus; a replica has it run once.
TELLING = (("edge", "etc/nginx/certificate-end.sh"), ("backup", f"{BACKUP}/age.sh"))
ENVIRONMENT_FILE = ".env.production"


@dataclass(frozen=True)
class Hosts:
    """The root directories of a replica's hosts, below `directory`."""

    directory: Path
    stack: Path
    subnet: Subnet
    secrets: Secrets

    def root(self, host: str) -> Path:
        """The directory that is `/` to the files of this host."""
        return self.directory / "hosts" / host

    def install(self, authority: Authority, node_modules: Path, mime_types: Path) -> None:
        """Put every file of the stack, and the certificates, where the hosts look for them."""
        for host in self.subnet.hosts:
            self.root(host).mkdir(parents=True)
            for directory in _directories(host):
                (self.root(host) / directory).mkdir(parents=True)
        for host, source, place in self._placed():
            name = ".env" if source.name == ENVIRONMENT_FILE else source.name
            target = self.root(host) / place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._is_configuration(source):
                text = self.substitutions_of(host).render(source.read_text())
                _write_private(target, text)
            else:
                shutil.copy2(source, target)
        shutil.copy2(mime_types, self.root("edge") / "etc/nginx/mime.types")
        for host in self.subnet.named("app-"):
            application = self.root(host) / APPLICATION
            (application / "node_modules").symlink_to(node_modules)
        (self.root("backup") / BACKUP / "node_modules").symlink_to(node_modules)
        self._certificates(authority)
        self.tell_prometheus()
        _write_private(self.directory / CREDENTIALS, json.dumps(self.secrets.values))

    def substitutions(self) -> Iterator[Substitution]:
        """Every line that a replica changes in the stack's files, host by host."""
        for host, source, _ in self._placed():
            if self._is_configuration(source):
                file = str(source.relative_to(self.stack))
                yield from self.substitutions_of(host).changes(file, source.read_text())

    def _placed(self) -> Iterator[tuple[str, Path, str]]:
        for host in self.subnet.hosts:
            for prefix, part, place in _PLACES:
                if host.startswith(prefix):
                    for source in sorted((self.stack / part).rglob("*")):
                        inside = source.relative_to(self.stack / part)
                        if not source.is_file() or "node_modules" in inside.parts:
                            continue
                        if self._part(source) == part:
                            yield host, source, f"{place}/{inside.parent}"

    def _part(self, source: Path) -> str:
        """The part that a file belongs to: the innermost, where one part is within another."""
        file = source.relative_to(self.stack)
        return max((part for _, part, _ in _PLACES if file.is_relative_to(part)), key=len)

    def _is_configuration(self, source: Path) -> bool:
        """The application is deployed as it is: what configures it stands in one file."""
        return source.name == ENVIRONMENT_FILE or not source.is_relative_to(self.stack / "app")

    def substitutions_of(self, host: str) -> Substitutions:
        """How the files of a host are changed."""
        return Substitutions(host, self.subnet, self.root(host), self.secrets)

    def names_of(self, host: str) -> list[str]:
        """The names for which a host's certificate is valid."""
        return [host]

    def tell_prometheus(self) -> None:
        """What cron does in production: tell of the certificate's end and the newest backup."""
        for host, script in self.telling():
            subprocess.run(["sh", self.root(host) / script], check=True)

    def telling(self) -> Iterator[tuple[str, str]]:
        """The hosts with a script that tells Prometheus something, and the script's path there."""
        yield from ((host, file) for host, file in TELLING if (self.root(host) / file).exists())

    def _certificates(self, authority: Authority) -> None:
        """The site's certificate, the MongoDB members' own, and the root they chain to."""
        authority_at = self.substitutions_of("authority").address("authority")
        responder = f"http://{authority_at}:{self.subnet.port(80)}/"
        site = authority.issue([SITE], ocsp_url=responder)
        site.write(self.root("edge") / "etc/letsencrypt/live" / SITE)
        authority.write(self.root("authority"))
        root = (self.root("authority") / "root.pem").read_bytes()
        keyfile = self.secrets["mongo-cluster-key"]
        for host, address in self.subnet.named("mongo-").items():
            directory = self.root(host) / "etc/mongodb"
            member = authority.issue(self.names_of(host), [address], client=True)
            member.write_combined(directory / "member.pem")
            (directory / "root.pem").write_bytes(root)
            _write_private(directory / "keyfile", keyfile)
        for host in (*self.subnet.named("app-"), "backup"):
            (self.root(host) / "etc/dashboard-velo/root.pem").write_bytes(root)


def _directories(host: str) -> Iterator[str]:
    for prefix, directories in _DIRECTORIES.items():
        if host.startswith(prefix):
            yield from directories


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
