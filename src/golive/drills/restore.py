"""Restore a backup of MongoDB into an empty server of our own, and compare (MDB-04).

First a damaged copy, of which nothing may arrive; then the backup as it is.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from golive import toolchain
from golive.drills.hashes import Account, Held, accounts, held
from golive.drills.manifest import Manifest
from golive.drills.script import Ran, run
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.mongodb import Login

_READY_WITHIN_S = 60.0
_POLL_S = 0.02
_OWN = {"admin", "config", "local"}  # a server's own databases

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Restored:
    """A restore, and what the server holds then: in how far it is what was backed up.

    `arrived` are its documents. `unlike_backup` names collections that differ from what the
    backup says it holds, `unlike_live` those that differ (documents, number, indexes) from the
    deployment's, of `compared` that nobody has changed there since; `unlike_accounts`
    are users and roles that may do something else there, or are not on one of both; `signed_in`
    are the users who can sign in with their passwords. `lost_s` is the age of the backup's moment.
    """

    ran: Ran
    arrived: int
    unlike_backup: tuple[str, ...]
    compared: tuple[str, ...]
    unlike_live: tuple[str, ...]
    unlike_accounts: tuple[str, ...]
    signed_in: tuple[str, ...]
    lost_s: float


@dataclass(frozen=True)
class RestoreDrill:
    """`damaged` is the attempt with a backup in one file of which one bit is wrong; `arrived` is
    what the server then had of it: documents of any kind, users.
    """

    damaged: Ran
    damaged_file: str
    arrived: int
    restored: Restored


def restore(
    machine: Machine,
    backup: str,
    script: str,
    node: str,
    content: Manifest,
    live: frozenset[Held],
    permitted: frozenset[Account],
    database: str,
    users: tuple[Login, ...],
) -> RestoreDrill:
    """Restore `backup` (a directory) with the host's `script`. Raises Unproven."""
    command = ["node", machine.path(script)]
    home = str(machine.host.root)
    with (
        tempfile.TemporaryDirectory(prefix="restore-", dir=machine.path("/tmp")) as place,  # noqa: S108 (the replica's own)
        _empty_server(machine.host.address or "127.0.0.1", Path(place)) as uri,
    ):
        copy = Path(place) / "damaged"
        shutil.copytree(backup, copy)
        file = _damage(copy)
        damaged = run([*command, str(copy)], home, node, {"MONGO_URI": uri})
        with _client(uri) as client:
            arrived = _documents(client)
            _empty(client)  # for what comes next: a refused restore has changed nothing
        began = datetime.now(UTC)
        ran = run([*command, backup], home, node, {"MONGO_URI": uri})
        with _client(uri) as client:
            there = held(client[database])
            restored = Restored(
                ran=ran,
                arrived=sum(each.documents for each in there),
                unlike_backup=_unlike_backup(content, there, database),
                compared=tuple(sorted(each.name for each in live)),
                unlike_live=tuple(sorted(each.name for each in live - there)),
                unlike_accounts=tuple(sorted({each.name for each in permitted ^ accounts(client)})),
                signed_in=tuple(each.user for each in users if _signs_in(uri, each)),
                lost_s=round(began.timestamp() - content.seconds, 1),
            )
    return RestoreDrill(damaged, str(file.relative_to(copy)), arrived, restored)


@contextmanager
def _empty_server(address: str, place: Path) -> Iterator[str]:
    """A mongod without data, users or TLS, on a port of its own: its URI."""
    data, log = place / "data", place / "log"
    data.mkdir()
    with socket.socket() as free:
        free.bind((address, 0))
        port = str(free.getsockname()[1])
    program = str(toolchain.ensure(lambda _: None).mongod)
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", "--", program),
                *("--dbpath", str(data), "--bind_ip", address, "--port", port),
                *("--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
                *("--setParameter", "ttlMonitorEnabled=false"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until = time.monotonic() + _READY_WITHIN_S
        while "Waiting for connections" not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text(errors="replace")[-500:]
                raise Unproven(f"a mongod of our own does not start: {said}", Whose.TOOL)
            time.sleep(_POLL_S)
        yield f"mongodb://{address}:{port}/"
    finally:
        process.kill()
        process.wait()


@contextmanager
def _client(uri: str) -> Iterator[Client]:
    client: Client = MongoClient(uri, directConnection=True)
    try:
        yield client
    except PyMongoError as error:
        raise Unproven(f"the server of our own does not answer: {error}", Whose.OURS) from error
    finally:
        client.close()


def _damage(backup: Path) -> Path:
    """Turn one bit of the largest file round; the file."""
    file = max(backup.rglob("*.bson.gz"), key=lambda each: each.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return file


def _documents(client: Client) -> int:
    """Documents outside of the server's own databases, and users."""
    names = set(client.list_database_names()) - _OWN
    count = sum(each.documents for name in names for each in held(client[name]))
    return count + client.admin["system.users"].count_documents({})


def _empty(client: Client) -> None:
    for name in set(client.list_database_names()) - _OWN:
        client.drop_database(name)
    client.admin.command("dropAllUsersFromDatabase")


def _unlike_backup(content: Manifest, there: frozenset[Held], database: str) -> tuple[str, ...]:
    expected = {
        (each.name, each.documents, each.md5, each.indexes)
        for each in content.collections
        if each.database == database
    }
    found = {(each.name, each.documents, each.md5, len(each.indexes)) for each in there}
    return tuple(sorted({name for name, *_ in expected ^ found}))


def _signs_in(uri: str, login: Login) -> bool:
    client: Client = MongoClient(
        uri, directConnection=True, username=login.user, password=login.password
    )
    try:
        client.admin.command("ping")
    except OperationFailure:
        return False
    except PyMongoError as error:
        raise Unproven(f"the server of our own does not answer: {error}", Whose.OURS) from error
    finally:
        client.close()
    return True
