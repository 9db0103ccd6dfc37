"""The environment file: where a deployment is, how it is reached, and what may be done to it."""

import re
from collections.abc import Collection
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from golive import located_yaml

DIRECTORY = Path("environments")
CONTACTS = "contacts.yaml"  # stands in DIRECTORY too, and is no environment


class EnvironmentFileError(Exception):
    """There is no such environment file, or it is wrong; the message says all that is, by line."""


class Kind(StrEnum):
    """Who starts what the environment describes."""

    REPLICA = "replica"  # golive, as processes on a loopback subnet
    COMPOSE = "compose"  # golive, as containers
    DEPLOYED = "deployed"  # someone else: it is only looked at


class Permit(StrEnum):
    """What a scenario may do to an environment beyond requests paced under its limits."""

    BURST = "burst"  # exceed a rate limit on purpose
    LOAD = "load"  # sustained load
    RESTART = "restart"  # restart or reload a server
    RESTORE = "restore"  # overwrite data from a backup
    FAULT = "fault"  # break something on purpose
    WRITE = "write"  # create test data, and remove it


class ResponseKind(StrEnum):
    """A kind of response: each is made in another place of the stack, so each is looked at."""

    PAGE = "page"
    API = "api"
    NOT_FOUND = "not-found"
    REDIRECT = "redirect"
    STATIC = "static"
    PROXY_ERROR = "proxy-error"


Text = Annotated[str, StringConstraints(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _below(info: ValidationInfo, path: Path) -> Path:
    """A path of the file is relative to the file's own directory."""
    base = (info.context or {}).get("base")
    return base / path if isinstance(base, Path) else path


class Ports(_Model):
    """Ports of the public site."""

    http: Port = Field(default=80, description="plain HTTP")
    https: Port = Field(default=443, description="HTTPS")


class Site(_Model):
    """The public site, as its users reach it."""

    name: Text = Field(description="virtual host: SNI and Host")
    address: Text | None = Field(
        default=None, description="what to connect to; none: what DNS says of the name"
    )
    ports: Ports = Ports()
    roots: Path | None = Field(
        default=None, description="PEM file of trusted roots, beside this file; none: the system's"
    )

    @field_validator("roots")
    @classmethod
    def _roots_exist(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        path = _below(info, value)
        if not path.is_file():
            raise ValueError("no such file")
        return path


class Host(_Model):
    """One machine of the deployment."""

    address: Text | None = Field(
        default=None, description="what to connect to; none: what DNS says of the host's name"
    )
    connection: Text | None = Field(
        default=None,
        description="how to look inside: a testinfra URI (ssh://..., local://); none: not possible",
    )
    root: Path = Field(
        default=Path("/"),
        description="the directory that is / to the host's files; other than / in a replica only",
    )

    @field_validator("connection")
    @classmethod
    def _is_uri(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"[a-z0-9+-]+://", value):
            raise ValueError("must be a testinfra URI, such as ssh://user@host or local://")
        return value


class Grafana(_Model):
    """A Grafana that shows what this environment's Prometheus knows."""

    url: Annotated[str, StringConstraints(pattern="^https?://")] = Field(
        description="as people open it; golive signs in with grafana-token of the credentials"
    )


class Clients(_Model):
    """Addresses that this machine may send from."""

    network: IPv4Network | None = Field(
        default=None,
        description="each scenario is a client of its own from here; none: all are one client",
    )
    cdn: IPv4Network | None = Field(
        default=None,
        description="addresses that the site takes for its CDN's, so that it believes the CDN's "
        "word of who the client is; none: this machine has no such address",
    )
    load: IPv4Network | None = Field(
        default=None,
        description="people of a load test come from here, each from an address of his own; none: "
        "all are one client, unless there is a header",
    )
    load_header: Text | None = Field(
        default=None,
        alias="load-header",
        description="header in which the site believes a load test who its client is, as agreed "
        "with who runs it; none: there is none",
    )


class Request(_Model):
    """A request to the public site."""

    path: Annotated[str, StringConstraints(pattern="^/")] = Field(description="path and query")
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: dict[str, JsonValue] | None = Field(default=None, description="sent as JSON")


class Limits(_Model):
    """For each rate limit, a request that falls under it and under no other."""

    general: Request
    authentication: Request


class Deviation(_Model):
    """A statement of the document that this environment does not meet, on purpose."""

    statement: Text = Field(description="its id in features/statements.tsv")
    why: Text = Field(description="the reason, as the report gives it")
    scenario: Text | None = Field(
        default=None, description="id of the one scenario that may fail; none: all that claim it"
    )

    @field_validator("statement")
    @classmethod
    def _exists(cls, value: str, info: ValidationInfo) -> str:
        statements = (info.context or {}).get("statements")
        if statements is not None and value not in statements:
            raise ValueError("no statement has this id")
        return value


class Environment(_Model):
    """An environment file, or what became of it once its stack is up."""

    name: Text = Field(description="as reports name it")
    kind: Kind = Field(description="who starts it")
    stack: Path | None = Field(
        default=None,
        validate_default=True,
        description="directory of the files to start it from, beside this file (not deployed)",
    )
    site: Site
    hosts: dict[str, Host] = Field(default={}, description="by the name in the stack's files")
    pm2_home: Annotated[str, StringConstraints(pattern="^/")] | None = Field(
        default=None, description="PM2_HOME of who runs the application; none: not known"
    )
    clients: Clients = Clients()
    grafana: Grafana | None = Field(
        default=None, description="where the dashboards are looked at; none: in their files only"
    )
    credentials: Path | None = Field(
        default=None,
        description="JSON file, beside this file, of what golive itself signs in with, by the "
        "placeholder's name in the stack (redis-admin-password ...); mode 0600, in no repository",
    )
    received: Path | None = Field(
        default=None,
        description="directory in which a replica's receivers of notifications keep what they get",
    )
    pace: Annotated[float, Field(gt=0)] = Field(
        default=5, description="requests a second, together, where all scenarios are one client"
    )
    requests: dict[ResponseKind, Request] = Field(
        description="for each kind of response, a request that is answered so"
    )
    limits: Limits
    permits: tuple[Permit, ...] = Field(default=(), description="what scenarios may do here")
    live: bool = Field(default=False, description="users are on it: where a release goes last")
    deviations: tuple[Deviation, ...] = Field(
        default=(), description="statements that are not met here, and why"
    )

    @field_validator("stack")
    @classmethod
    def _stack_suits_the_kind(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        kind = info.data.get("kind")
        if kind is Kind.DEPLOYED and value is not None:
            raise ValueError("a deployed environment is not started from a stack")
        if kind in (Kind.REPLICA, Kind.COMPOSE) and value is None:
            raise ValueError(f"kind {kind} needs the directory to start from")
        if value is None:
            return None
        path = _below(info, value)
        if not path.is_dir():
            raise ValueError("no such directory")
        return path

    @field_validator("deviations")
    @classmethod
    def _deployed_declares_none_that_counts(
        cls, value: tuple[Deviation, ...], info: ValidationInfo
    ) -> tuple[Deviation, ...]:
        blocking = (info.context or {}).get("blocking", ())
        counting = sorted({each.statement for each in value}.intersection(blocking))
        if info.data.get("kind") is Kind.DEPLOYED and counting:
            raise ValueError(
                f"a deployed environment must meet what blocks a release: {', '.join(counting)}"
            )
        return value

    def excuse(self, scenario: str, statements: Collection[str]) -> str | None:
        """Why the scenario of this id may fail here; None unless all that it claims is declared."""
        why = {d.statement: d.why for d in self.deviations if d.scenario in (None, scenario)}
        if not statements or not why.keys() >= set(statements):
            return None
        return "; ".join(dict.fromkeys(why[statement] for statement in statements))

    def role(self, role: str) -> dict[str, Host]:
        """The hosts of a role, by name: `app` is app-1, app-2 and so on, `edge` the edge."""
        return {
            name: host
            for name, host in self.hosts.items()
            if re.fullmatch(rf"{role}(-\d+)?(\..*)?", name)
        }


def load(
    name_or_path: str,
    *,
    directory: Path = DIRECTORY,
    statements: Collection[str] | None = None,
    blocking: Collection[str] = (),
) -> Environment:
    """The environment called so in `directory`, or in the file of that path.

    Deviations must be from `statements` (ids), where given; those of a deployed environment
    from none of `blocking`. Raises EnvironmentFileError.
    """
    path = find(name_or_path, directory)
    context: dict[str, object] = {
        "base": path.parent.resolve(),
        "statements": statements,
        "blocking": blocking,
    }
    try:
        return located_yaml.read(path, Environment, context)
    except located_yaml.FileError as error:
        raise EnvironmentFileError(str(error)) from None


def find(name_or_path: str, directory: Path = DIRECTORY) -> Path:
    """The file of an environment. Raises EnvironmentFileError, which lists those there are."""
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        path = Path(name_or_path)
    else:
        path = directory / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(path.stem for path in files(directory)) or "none"
        raise EnvironmentFileError(f"{path}: no such file; environments in {directory}: {known}")
    return path


def files(directory: Path = DIRECTORY) -> list[Path]:
    """The environment files of a directory, in order of name."""
    return sorted(path for path in directory.glob("*.yaml") if path.name != CONTACTS)
