"""Whether an environment may be loaded, how, and with which account: nothing happens by mistake."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from urllib.parse import urlsplit

from golive.endpoint import Endpoint
from golive.environment import Environment, Permit
from golive.load.plan import Account, Plan, Stage
from golive.load.profile import Profile
from golive.machine import credential, machines
from golive.outcome import NotRun
from golive.probes.account import Database, lent

PRODUCTION = "production"
_FRESH_PER_SECOND = 8  # of an 8,190-address network: it goes round in 17 minutes
_MONGODB_PORT = 27017
_ADMIN = "admin"


class RefusedError(Exception):
    """This load may not be generated; the message says what is lacking."""


def check(environment: Environment, *, yes: bool) -> None:
    """Raise RefusedError unless this environment may be loaded. `yes`: production, really."""
    if Permit.LOAD not in environment.permits:
        raise RefusedError(f"{environment.name} does not permit load: permits, in its file")
    if PRODUCTION in environment.name.lower() and not yes:
        raise RefusedError(f"{environment.name}: people are on it; --yes-load-production if so be")


def check_host(environment: Environment, host: str) -> None:
    """Raise RefusedError for a URL that is not the environment's site."""
    name = urlsplit(host if "//" in host else f"//{host}").hostname
    if name not in (environment.site.name, environment.site.address):
        raise RefusedError(
            f"{host} is not {environment.name}: only https://{environment.site.name} may be loaded"
        )


def plan(
    environment: Environment,
    profile: Profile,
    visit: int,
    account: Account | None,
    workers: int = 1,
) -> Plan:
    """What a generator is to do. Of one client no more is asked than the environment's pace."""
    site = environment.site
    return Plan(
        site=site.name,
        address=site.address or site.name,
        port=site.ports.https,
        roots=str(site.roots) if site.roots else None,
        network=str(environment.clients.load) if environment.clients.load else None,
        first=_first(environment.clients.load),
        header=environment.clients.load_header,
        stages=tuple(_paced(environment, stage) for stage in profile.planned()),
        people=profile.present(),
        visit=visit,
        account=account,
        workers=workers,
    )


def one_client(environment: Environment) -> bool:
    """Whether all people are one client to this environment, and share its limits."""
    return environment.clients.load is None and environment.clients.load_header is None


def _first(network: IPv4Network | None) -> int:
    """Where the addresses of a run that begins now start: the site remembers one 15 minutes."""
    return int(time.time() * _FRESH_PER_SECOND) % (network.num_addresses - 2) if network else 0


def _paced(environment: Environment, stage: Stage) -> Stage:
    if not one_client(environment):
        return stage
    pace = environment.pace
    rate = None if stage.rate is None else min(stage.rate, pace)
    users = None if stage.users is None else min(stage.users, max(1, int(pace)))
    return replace(stage, rate=rate, users=users, abuse=0.0)


@contextlib.contextmanager
def account(environment: Environment, source: str | None) -> Iterator[Account | None]:
    """Whom riders sign in as; None where nobody can: then only visitors come.

    The account that the environment's credentials name; else one that is made at the site, where
    that is permitted, and removed afterwards. `source` is the client who makes it.
    """
    given = _given(environment)
    database = None if given else _database(environment)
    if database is None:
        yield given
        return
    site = environment.site
    endpoint = Endpoint(site.address or site.name, site.ports.https, site.name, site.roots, source)
    with lent(endpoint, database) as (email, password):
        yield Account(email, password)


def _given(environment: Environment) -> Account | None:
    try:
        return Account(
            credential(environment, "load-email"), credential(environment, "load-password")
        )
    except NotRun:
        return None


def _database(environment: Environment) -> Database | None:
    """MongoDB, to remove an account from; None where none may be made, or removed."""
    if Permit.WRITE not in environment.permits:
        return None
    try:
        password = credential(environment, "mongo-admin-password")
        members = tuple(
            f"{each.host.address or each.name}:{_MONGODB_PORT}"
            for each in machines(environment, "mongo")
        )
    except NotRun:
        return None
    return Database(members, _ADMIN, password, environment.site.roots)
