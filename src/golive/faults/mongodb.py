"""Break MongoDB: its members, what the application asks of it, and who may do what."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from golive.faults.application import source_edited
from golive.faults.fault import FaultError, Target, fault
from golive.faults.mongod_restart import mongod_restarted
from golive.machine import credential

_MONGODB = "platform/mongodb.feature::"
_MEMBERS = f"{_MONGODB}One primary and two secondaries, all healthy"
_VOTES = f"{_MONGODB}A decision takes a majority of three votes"
_LAG = f"{_MONGODB}No secondary lags"
_RELEASE = f"{_MONGODB}All members run one release"
_MAJORITY = f"{_MONGODB}The end of a session is acknowledged by a majority of the members"
_RETRYABLE = f"{_MONGODB}A write whose answer is lost can be sent again without being done twice"
_TIMEOUT = f"{_MONGODB}A write does not wait for frozen secondaries without end"
_PLAIN = f"{_MONGODB}Nobody is served without TLS"
_ANONYMOUS = (
    f"{_MONGODB}Nobody is served without signing in, and nobody on the same machine may make a user"
)
_APPLICATION = f"{_MONGODB}The application may read and write its own database, and nothing else"
_EXPORTER = f"{_MONGODB}The exporter may look at the set, and at no data"
_FILES = f"{_MONGODB}What the members know each other by is for the database's user alone"
_MEMORY = "platform/servers.feature::Memory of the MongoDB nodes"
_STORAGE = "platform/servers.feature::Storage of the MongoDB nodes"

_CODE = "src/mongo.js"
_CONCERN = "writeConcern: { w: 'majority', wtimeoutMS: 3000 },"
_WITHIN_S = 30
_POLL_S = 0.05

Member = dict[str, Any]


@fault(_MEMBERS, blinds=(_MEMORY, _STORAGE))
@contextmanager
def secondary_in_maintenance(replica: Target) -> Iterator[None]:
    """MDB-01: a member is RECOVERING: it has the data and serves nobody.

    So it does not tell its size either.
    """
    try:
        _command(replica, "mongo-3", "replSetMaintenance", True)
        _await(lambda: _state(replica, "mongo-3") == "RECOVERING", "mongo-3 is RECOVERING")
        yield
    finally:
        _command(replica, "mongo-3", "replSetMaintenance", False)
        _await(lambda: _state(replica, "mongo-3") == "SECONDARY", "mongo-3 is SECONDARY")


@fault(_VOTES)
@contextmanager
def member_without_vote(replica: Target) -> Iterator[None]:
    """MDB-01: a member has no vote, so that the loss of one of the others stops all writes."""
    with reconfigured(replica, {"votes": 0, "priority": 0}):
        yield


@fault(_LAG)
@contextmanager
def secondary_an_hour_behind(replica: Target) -> Iterator[None]:
    """MDB-01: a member is told to stay an hour behind, and something is written then."""
    try:
        with reconfigured(replica, {"secondaryDelaySecs": 3600, "priority": 0}):
            version = _configuration(replica, "mongo-1")["version"]
            _await(lambda: _configuration(replica, "mongo-3")["version"] == version, "it is told")
            _command(replica, "mongo-1", "appendOplogNote", data={"golive": "fault"})
            yield
    finally:
        _await(lambda: not _behind(replica, "mongo-3"), "mongo-3 has what the primary has")


@fault(_RELEASE)
@contextmanager
def features_of_the_release_before(replica: Target) -> Iterator[None]:
    """(advisory): the last upgrade was not finished: the features are those of 5.0."""
    command = "setFeatureCompatibilityVersion"
    try:
        _command(replica, "mongo-1", command, "5.0")
        yield
    finally:
        _command(replica, "mongo-1", command, "6.0")


@fault(_MAJORITY)
@contextmanager
def one_member_acknowledges(replica: Target) -> Iterator[None]:
    """ENV-05: the application asks the primary alone, whatever MONGO_URI says."""
    with source_edited(replica, "app-2", _CODE, (_CONCERN, _CONCERN.replace("'majority'", "1"))):
        yield


@fault(_RETRYABLE)
@contextmanager
def writes_not_retryable(replica: Target) -> Iterator[None]:
    """ENV-05: the application's driver does not number its writes."""
    with source_edited(replica, "app-2", _CODE, (_CONCERN, f"{_CONCERN} retryWrites: false,")):
        yield


@fault(_TIMEOUT)
@contextmanager
def no_write_timeout(replica: Target) -> Iterator[None]:
    """(advisory): a write waits for the others without end (finding 25)."""
    without = _CONCERN.replace(", wtimeoutMS: 3000", "")
    with source_edited(replica, "app-2", _CODE, (_CONCERN, without)):
        yield


@fault(_PLAIN)
@contextmanager
def plain_text_served(replica: Target) -> Iterator[None]:
    """ENV-05: a member answers without TLS too."""
    with mongod_restarted(replica, "mongo-3", ("mode: requireTLS", "mode: preferTLS")):
        yield


@fault(_ANONYMOUS)
@contextmanager
def signing_in_not_needed(replica: Target) -> Iterator[None]:
    """ENV-05: a member serves whoever has not signed in."""
    edit = ("authorization: enabled", "authorization: enabled\n  transitionToAuth: true")
    with mongod_restarted(replica, "mongo-3", edit):
        yield


@fault(_APPLICATION)
@contextmanager
def application_reads_all(replica: Target) -> Iterator[None]:
    """ENV-05: the application's user may read every database."""
    with _granted(replica, "dashboard-velo", "readAnyDatabase", "admin"):
        yield


@fault(_APPLICATION)
@contextmanager
def application_is_root(replica: Target) -> Iterator[None]:
    """ENV-05: the application's user is an administrator."""
    with _granted(replica, "dashboard-velo", "root", "admin"):
        yield


@fault(_EXPORTER)
@contextmanager
def exporter_reads_data(replica: Target) -> Iterator[None]:
    """MDB-05: the exporter's user may read the application's data."""
    with _granted(replica, "exporter", "read", "dashboard-velo"):
        yield


@fault(_FILES)
@contextmanager
def key_file_readable(replica: Target) -> Iterator[None]:
    """MDB-01: every user of a host can read what the members know each other by."""
    file = replica.path("mongo-2", "/etc/mongodb/keyfile")
    mode = file.stat().st_mode
    try:
        file.chmod(0o644)
        yield
    finally:
        file.chmod(mode)


def _command(replica: Target, host: str, *command: Any, **more: Any) -> Any:  # noqa: ANN401
    """Run a command as the administrator; the client's threads end with it.

    Nothing of it may be left while the checklist runs: it is run in forks of this process.
    """
    client: MongoClient[dict[str, Any]] = MongoClient(
        replica.subnet.hosts[host],
        directConnection=True,
        username="admin",
        password=credential(replica.environment, "mongo-admin-password"),
        tls=True,
        tlsCAFile=str(replica.environment.site.roots),
        serverSelectionTimeoutMS=_WITHIN_S * 1000,
    )
    try:
        return client.admin.command(*command, **more)
    except PyMongoError as error:
        raise FaultError(f"{host}: {command[0]}: {error}") from error
    finally:
        client.close()


def _member(replica: Target, host: str) -> Member:
    """The member as the primary sees it."""
    address = replica.subnet.hosts[host]
    members: list[Member] = _command(replica, "mongo-1", "replSetGetStatus")["members"]
    names = (f"{address}:", f"{host}.")  # in a replica of containers hosts have names
    return next(each for each in members if each["name"].startswith(names))


def _state(replica: Target, host: str) -> str:
    return str(_member(replica, host)["stateStr"])


def _behind(replica: Target, host: str) -> bool:
    here = _member(replica, "mongo-1")["optime"]["ts"]
    return bool(_member(replica, host)["optime"]["ts"] < here)


@contextmanager
def reconfigured(replica: Target, change: Member, members: int = 1) -> Iterator[None]:
    """With the settings of the last `members` changed, which all have agreed on."""
    before = _configuration(replica, "mongo-1")
    kept, changed = before["members"][:-members], before["members"][-members:]
    try:
        _configure(replica, before | {"members": [*kept, *(each | change for each in changed)]})
        yield
    finally:
        _configure(replica, before)


def _configuration(replica: Target, host: str) -> dict[str, Any]:
    """The set's configuration as the member has it."""
    return dict(_command(replica, host, "replSetGetConfig")["config"])


def _configure(replica: Target, configuration: dict[str, Any]) -> None:
    version = _configuration(replica, "mongo-1")["version"]
    _command(replica, "mongo-1", "replSetReconfig", configuration | {"version": version + 1})


@contextmanager
def _granted(replica: Target, user: str, role: str, database: str) -> Iterator[None]:
    roles = [{"role": role, "db": database}]
    try:
        _command(replica, "mongo-1", "grantRolesToUser", user, roles=roles)
        yield
    finally:
        _command(replica, "mongo-1", "revokeRolesFromUser", user, roles=roles)


def _await(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _WITHIN_S
    while not holds():
        if time.monotonic() > until:
            raise FaultError(f"not within {_WITHIN_S} s: {what}")
        time.sleep(_POLL_S)
