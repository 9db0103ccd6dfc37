"""Break what an application server makes of an account."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from golive.faults.application import variable, variables
from golive.faults.environment_file import SAME, SECURITY, TOKENS
from golive.faults.fault import Target, fault
from golive.machine import credential

_FEATURE = "04_environment_variables/account.feature::"
_ACCESS = (
    f"{_FEATURE}An access token expires after 30 minutes, and is signed with the file's secret"
)
_REFRESH = f"{_FEATURE}A refresh token expires after 7 days, and is signed with a secret of its own"
_SIGNS_IN = f"{_FEATURE}Only a valid access token signs in"
_RENEWS = f"{_FEATURE}Only a valid refresh token renews a session"
_DATABASE = f"{_FEATURE}The account is in the documented database"
_HASH = f"{_FEATURE}The password is hashed at the documented cost"
_TWICE = "04_environment_variables/secrets.feature::No secret does for two things"

_ELSEWHERE = "golive-fault"


@fault(_ACCESS, TOKENS, SAME)
@contextmanager
def access_for_two_hours(replica: Target) -> Iterator[None]:
    """ENV-14: JWT_EXPIRATION is 2h."""
    with variables(replica, "app-1", JWT_EXPIRATION="2h"):
        yield


@fault(_REFRESH, TOKENS, SAME)
@contextmanager
def refresh_for_a_month(replica: Target) -> Iterator[None]:
    """ENV-15: JWT_REFRESH_EXPIRATION is 30d."""
    with variables(replica, "app-2", JWT_REFRESH_EXPIRATION="30d"):
        yield


@fault(_SIGNS_IN, _RENEWS, _TWICE, SAME)
@contextmanager
def one_secret_for_both(replica: Target) -> Iterator[None]:
    """ENV-13: JWT_REFRESH_SECRET is JWT_SECRET, so that each token does for the other."""
    with variables(replica, "app-1", JWT_REFRESH_SECRET=variable(replica, "app-1", "JWT_SECRET")):
        yield


@fault(_HASH, SECURITY, SAME)
@contextmanager
def cheap_hashes(replica: Target) -> Iterator[None]:
    """ENV-22: BCRYPT_SALT_ROUNDS is 4."""
    with variables(replica, "app-3", BCRYPT_SALT_ROUNDS="4"):
        yield


@fault(_DATABASE)
@contextmanager
def kept_twice(replica: Target) -> Iterator[None]:
    """ENV-06: whatever account is made, somebody copies it into another database."""
    with MongoClient[dict[str, Any]](
        list(replica.subnet.named("mongo-").values()),
        username="admin",
        password=credential(replica.environment, "mongo-admin-password"),
        authSource="admin",
        tls=True,
        tlsCAFile=str(replica.environment.site.roots),
    ) as client:
        accounts = client["dashboard-velo"]["users"]
        with accounts.watch([{"$match": {"operationType": "insert"}}]) as changes:

            def copy() -> None:
                try:
                    for change in changes:
                        client[_ELSEWHERE]["users"].insert_one(change["fullDocument"])
                except PyMongoError:
                    return  # it was closed

            copying = threading.Thread(target=copy, daemon=True)
            copying.start()
            try:
                yield
            finally:
                changes.close()
                copying.join()
                client.drop_database(_ELSEWHERE)
