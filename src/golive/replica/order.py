"""Whether a replica is as it was started: processes, roles, links; and how it becomes so again."""

import contextlib
import http.client
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import redis
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from golive.replica.reap import members
from golive.replica.restart import RestartError, start_ended, thaw
from golive.replica.state import CREDENTIALS, ServerState, State

DATABASE = "dashboard-velo"
WRITTEN = ("activities", "tracks")  # by each write of a drill's traffic, under one id
RIDER = "golive-drill-"  # so begins the name of the rider on whose behalf

_MONGODB, _REDIS, _APPLICATION = 27017, 6379, 3000
_WITHIN_S = 60.0
_POLL_S = 0.05
_TIMEOUT_S = 3.0


def disorder(directory: Path) -> tuple[str, ...]:
    """What of the replica in `directory` is not as it was started, a line each.

    What needs something else is not asked while that is not in order.
    """
    state = State.read(directory)
    processes = (problem for each in state.servers for problem in _process(each))
    for problems in (
        processes,
        _mongodb(directory, state),
        _redis(directory, state),
        _ready(state),
    ):
        if found := tuple(problems):
            return found
    return ()


def restore(directory: Path) -> float:
    """Bring it back to order; the seconds that took. Raises RestartError.

    What is stopped goes on, what has ended is started again, the first MongoDB member becomes
    the primary again.
    """
    began = time.monotonic()
    thaw(directory)
    start_ended(directory)
    while problems := disorder(directory):
        if time.monotonic() > began + _WITHIN_S:
            raise RestartError(
                f"the replica is not in order after {_WITHIN_S:g} s: {'; '.join(problems)}"
            )
        if any(problem.startswith("MongoDB") for problem in problems):
            with contextlib.suppress(PyMongoError), _primary(directory) as client:
                client.admin.command("replSetStepUp")  # refused until it has caught up
        time.sleep(_POLL_S)
    return round(time.monotonic() - began, 3)


def remove_written(directory: Path) -> None:
    """Remove what drills have written, those too that were killed. Raises RestartError."""
    try:
        with _primary(directory) as client:
            for name in WRITTEN:
                client[DATABASE][name].delete_many({"riderId": {"$regex": f"^{RIDER}"}})
    except PyMongoError as error:
        raise RestartError(f"what a drill has written is still there: {error}") from error


def inventory(directory: Path) -> dict[str, tuple[str, ...]]:
    """The programs of each server's processes, by server: how many workers it has, say."""
    sessions: dict[int, list[str]] = {}
    for process in members(directory):
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            program = Path(process.exe()).name
            sessions.setdefault(os.getsid(process.pid), []).append(program)
    servers = State.read(directory).servers
    return {each.name: tuple(sorted(sessions.get(each.pid, ()))) for each in servers}


def _process(server: ServerState) -> Iterator[str]:
    if server.ended is not None:
        yield f"{server.name} has ended"
    elif server.ready_s is None:
        yield f"{server.name} is not ready"
    else:
        try:
            if psutil.Process(server.pid).status() == psutil.STATUS_STOPPED:
                yield f"{server.name} is stopped"
        except psutil.NoSuchProcess:
            yield f"{server.name} has ended"


@contextmanager
def _primary(directory: Path) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the member that is to be the primary."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        State.read(directory).subnet.hosts["mongo-1"],
        _MONGODB,
        directConnection=True,
        username="admin",
        password=_secrets(directory)["mongo-admin-password"],
        tls=True,
        tlsCAFile=str(directory / "hosts/authority/root.pem"),
        serverSelectionTimeoutMS=int(_TIMEOUT_S * 1000),
        socketTimeoutMS=int(_TIMEOUT_S * 1000),
        retryReads=False,
    )
    try:
        yield client
    finally:
        client.close()


def _mongodb(directory: Path, state: State) -> Iterator[str]:
    order = [f"{address}:{_MONGODB}" for address in state.subnet.named("mongo-").values()]
    try:
        with _primary(directory) as client:
            members = client.admin.command("replSetGetStatus")["members"]
    except PyMongoError as error:
        yield f"MongoDB: {error}"
        return
    states = {each["name"]: each["stateStr"] for each in members if each["health"] == 1}
    wanted = dict.fromkeys(order, "SECONDARY") | {order[0]: "PRIMARY"}
    if states != wanted:
        yield f"MongoDB's members are {states}"


def _redis(directory: Path, state: State) -> Iterator[str]:
    password = _secrets(directory)["redis-admin-password"]
    nodes = state.subnet.named("redis-")
    for host, address in nodes.items():
        client = redis.Redis(
            host=address, username="admin", password=password, socket_timeout=_TIMEOUT_S
        )
        try:
            said: Any = client.info("replication")
        except (RedisError, OSError) as error:
            yield f"{host}: {error}"
            continue
        finally:
            client.close()
        if host == "redis-1":
            online = [f"slave{n}" for n in range(9) if said.get(f"slave{n}", {}).get("state")]
            if said["role"] != "master" or len(online) != len(nodes) - 1:
                yield f"{host} is a {said['role']} of {len(online)} replicas"
        elif said["role"] != "slave" or said["master_link_status"] != "up":
            yield f"{host} is a {said['role']}, its link {said.get('master_link_status')}"


def _ready(state: State) -> Iterator[str]:
    for host, address in state.subnet.named("app-").items():
        connection = http.client.HTTPConnection(address, _APPLICATION, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", "/ready")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            yield f"{host}: {error}"
            continue
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            yield f"{host} answers /ready with {status}"


def _secrets(directory: Path) -> dict[str, str]:
    secrets: dict[str, str] = json.loads((directory / CREDENTIALS).read_text())
    return secrets
