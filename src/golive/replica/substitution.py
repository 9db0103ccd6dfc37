"""The one place where production files become a replica's.

Addresses, paths, ports, certificates and secrets are replaced, and nothing else; each
replacement is recorded, so that `golive up --verbose` can print every one.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from golive.replica.subnet import DOMAIN, Subnet

_PLACEHOLDER = re.compile(
    r"\[(username|password|[a-z]+(?:-[a-z]+)*-(?:password|key|secret|token|id|webhook)(?:-here)?)\]"
)
_HOST = re.compile(rf"(?<![\w.-])([a-z]+(?:-\d)?)\.{re.escape(DOMAIN)}(?!\.?[\w-])")
_MONGO_ADDRESS = re.compile(r"mongodb\+srv://([^@/\"\s]+)@[^/\"\s]+(/[^\"\s]*)")
_PATH = re.compile(r"(?<![\w.:/-])/(?=(?:etc|opt|run|var)/)")
_LISTEN = re.compile(r"\blisten\s+(?:(?:\*|0\.0\.0\.0):)?(\d+)(?=[\s;])")
_MANAGED_REDIS = re.compile(r"\b[\w.-]+\.cache\.amazonaws\.com\b")
_CDN_RANGE = "173.245.48.0/20"


@dataclass(frozen=True)
class Substitution:
    """One changed line of a stack file, on one host. Secrets are masked in both texts."""

    host: str
    file: str
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        where = f"{self.host}: {self.file}:{self.line}"
        return f"{where}\n  - {self.before.strip()}\n  + {self.after.strip()}"


@dataclass
class Secrets:
    """The secrets of one replica, made when first asked for; one for each placeholder."""

    values: dict[str, str] = field(default_factory=lambda: {"username": "dashboard-velo"})

    def __getitem__(self, placeholder: str) -> str:
        return self.values.setdefault(placeholder, secrets.token_hex(24))

    def mask(self, text: str) -> str:
        """`text` with every secret hidden."""
        for placeholder, value in self.values.items():
            if placeholder != "username":
                text = text.replace(value, "•" * 8)
        return text


@dataclass(frozen=True)
class Substitutions:
    """How the files of one host are changed: `root` is the directory that is its `/`."""

    host: str
    subnet: Subnet
    root: Path
    secrets: Secrets

    def render(self, text: str) -> str:
        """A production file's text as this host of the replica has it."""
        for rule in self._rules():
            text = rule(text)
        return text

    def changes(self, file: str, text: str) -> Iterator[Substitution]:
        """What `render` changes of `text`, line by line."""
        rendered = self.render(text).splitlines()
        for number, (before, after) in enumerate(
            zip(text.splitlines(), rendered, strict=True), start=1
        ):
            if before != after:
                yield Substitution(self.host, file, number, before, self.secrets.mask(after))

    def address(self, host: str) -> str:
        """What stands for a host's name in the files."""
        return self.subnet.hosts[host]

    def _rules(self) -> tuple[Callable[[str], str], ...]:
        return (
            self._mongodb,
            self._managed_redis,
            self._private_address,
            self._secrets,
            self._hosts,
            self._listen,
            self._cdn,
            self._all_addresses,
            self._receiver_ports,
            self._paths,
        )

    def _mongodb(self, text: str) -> str:
        return _MONGO_ADDRESS.sub(self._mongo_address, text)

    def _managed_redis(self, text: str) -> str:
        return _MANAGED_REDIS.sub(self.address("redis-1"), text)

    def _private_address(self, text: str) -> str:
        return text.replace("[private-address]", self.subnet.hosts[self.host])

    def _secrets(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: self.secrets[found[1]], text)

    def _hosts(self, text: str) -> str:
        return _HOST.sub(lambda found: self.subnet.hosts.get(found[1], found[0]), text)

    def _listen(self, text: str) -> str:
        own = self.subnet.hosts[self.host]
        return _LISTEN.sub(lambda found: f"listen {own}:{self.subnet.port(int(found[1]))}", text)

    def _cdn(self, text: str) -> str:
        return text.replace(_CDN_RANGE, self.subnet.cdn)

    def _all_addresses(self, text: str) -> str:
        return re.sub(r"\b0\.0\.0\.0\b", self.subnet.hosts[self.host], text)

    def _paths(self, text: str) -> str:
        return _PATH.sub(f"{self.root}/", text)

    def _mongo_address(self, found: re.Match[str]) -> str:
        """A seed list for the SRV name, which only DNS could resolve; TLS stays required."""
        members = ",".join(f"{self.address(host)}:27017" for host in self.subnet.named("mongo-"))
        separator = "&" if "?" in found[2] else "?"
        # The document's URI says [password], whosever that is.
        login = found[1].replace(":[password]", ":[mongo-password]")
        return (
            f"mongodb://{login}@{members}{found[2]}{separator}authSource=admin"
            f"&replicaSet=dashboard-velo&tls=true&tlsCAFile=/etc/dashboard-velo/root.pem"
        )

    def _receiver_ports(self, text: str) -> str:
        """Ports of the notification receivers where low ports cannot be had."""
        if self.subnet.low_ports:
            return text
        hosts = self.subnet.hosts
        text = text.replace(f"{hosts['mail']}:25'", f"{hosts['mail']}:{self.subnet.port(25)}'")
        for receiver in ("slack", "sms", "heartbeat"):
            text = text.replace(
                f"http://{hosts[receiver]}/", f"http://{hosts[receiver]}:{self.subnet.port(80)}/"
            )
        return text
