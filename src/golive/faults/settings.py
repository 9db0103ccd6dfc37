"""Break what an application server does with its environment variables."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from golive.faults.application import pm2, source_edited, variables
from golive.faults.environment_file import AS_IT_IS, LOGGING, REDIS, SAME, SERVER
from golive.faults.fault import Target, fault
from golive.machine import credential

_FEATURE = "04_environment_variables/settings.feature::"
_PRODUCTION = f"{_FEATURE}The workers run for production, on the documented port"
_VERSION = f"{_FEATURE}The API answers under its version, and under no other"
_ORIGINS = f"{_FEATURE}Pages of the site may use the API, pages of any other may not"
_KEYS = f"{_FEATURE}The application's keys in Redis carry its prefix"
_LOG = f"{_FEATURE}Each line of the log is JSON, at the level info or above"
_PM2_PRODUCTION = "platform/pm2.feature::The environment is production"
_ONE_DATABASE = "platform/redis.feature::Only one database is used"

_DATABASE = 1


@fault(_PRODUCTION, AS_IT_IS, _PM2_PRODUCTION)
@contextmanager
def started_for_staging(replica: Target) -> Iterator[None]:
    """ENV-01: PM2 has started the workers with --env staging, which goes before the file."""
    try:
        pm2(replica, "app-1", "reload", "ecosystem.config.js", "--env", "staging")
        yield
    finally:
        pm2(replica, "app-1", "reload", "ecosystem.config.js", "--env", "production")


@fault(_VERSION)
@contextmanager
def any_version(replica: Target) -> Iterator[None]:
    """ENV-03: the API answers under whatever version is asked for."""
    edit = ("`/api/${config.API_VERSION}`", "'/api/:version'")
    with source_edited(replica, "app-2", "src/catalog.js", edit):
        yield


@fault(_ORIGINS, SERVER, SAME)
@contextmanager
def another_origin_allowed(replica: Target) -> Iterator[None]:
    """ENV-04: a third origin is allowed."""
    more = "https://dashboard-velo.com.evil.example"
    documented = "https://dashboard-velo.com,https://www.dashboard-velo.com"
    with variables(replica, "app-1", CORS_ORIGIN=f"{documented},{more}"):
        yield


@fault(_KEYS, REDIS, SAME, _ONE_DATABASE)
@contextmanager
def another_database(replica: Target) -> Iterator[None]:
    """ENV-10: the application of a server counts in database 1, where nobody else looks."""
    try:
        with variables(replica, "app-3", REDIS_DB=str(_DATABASE)):
            yield
    finally:
        password = credential(replica.environment, "redis-admin-password")
        address = replica.subnet.hosts["redis-1"]
        with Redis(address, db=_DATABASE, username="admin", password=password) as redis:
            redis.flushdb()


@fault(_LOG, LOGGING, SAME)
@contextmanager
def log_as_text(replica: Target) -> Iterator[None]:
    """ENV-19: LOG_FORMAT is text."""
    with variables(replica, "app-2", LOG_FORMAT="text"):
        yield
