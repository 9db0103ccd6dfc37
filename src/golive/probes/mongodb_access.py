"""What a MongoDB member refuses, and to whom; and what a user may do, by the server's own word."""

import json
import struct
from contextlib import closing
from dataclasses import dataclass

import bson
from pymongo.errors import NotPrimaryError, OperationFailure

from golive.outcome import Unproven, Whose
from golive.probes.mongodb import TIMEOUT_S, Login, Member, connect, connected

_HEADER = struct.Struct("<iiii")  # length, request id, response to, operation code
_OP_MSG = 2013
_CLUSTER, _ANY = "the cluster", "everything"


@dataclass(frozen=True)
class Answer:
    """How a command was answered: `refusal` is the error's code name, None where served."""

    database: str
    command: str
    refusal: str | None


@dataclass(frozen=True)
class Grant:
    """Actions that a user may do on a resource.

    `database` may be "" (every one), "the cluster" or "everything"; `collection` is "" for all
    of the database but its system collections.
    """

    database: str
    collection: str
    actions: frozenset[str]


@dataclass(frozen=True)
class Privileges:
    """What a user may do; `roles` as role@database, of the user itself and inherited ones."""

    roles: frozenset[str]
    grants: tuple[Grant, ...]


def answers(
    member: Member, login: Login | None, commands: tuple[tuple[str, str], ...]
) -> tuple[Answer, ...]:
    """How each command (database, JSON) is answered to the user, or (None) to nobody.

    The commands are sent. Raises Unproven.
    """
    with connected(member, login) as client:
        client.admin.command("ping")  # a login that fails is no answer to a command
        result = []
        for database, command in commands:
            refusal = None
            try:
                client[database].command(json.loads(command))
            except (OperationFailure, NotPrimaryError) as error:
                # A secondary asks first who it is that wants to write, and says then that it
                # is none to write to: whoever gets to know the latter was let in.
                details: dict[str, object] = dict(error.details or {})
                refusal = str(details.get("codeName", error))
            result.append(Answer(database, command, refusal))
    return tuple(result)


def privileges(member: Member, login: Login) -> Privileges:
    """What the user may do, as the member says (connectionStatus). Raises Unproven."""
    with connected(member, login) as client:
        said = client.admin.command("connectionStatus", showPrivileges=True)["authInfo"]
    return Privileges(
        frozenset(f"{each['role']}@{each['db']}" for each in said["authenticatedUserRoles"]),
        tuple(
            Grant(*_resource(each["resource"]), frozenset(each["actions"]))
            for each in said["authenticatedUserPrivileges"]
        ),
    )


def _resource(resource: dict[str, object]) -> tuple[str, str]:
    if resource.get("cluster"):
        return _CLUSTER, ""
    if resource.get("anyResource"):
        return _ANY, ""
    return str(resource.get("db", "")), str(resource.get("collection", ""))


def answers_plain_text(member: Member) -> bool:
    """Whether the member answers a client that does not use TLS. Raises Unproven.

    It does not where it ends the connection; no answer at all proves nothing.
    """
    body = b"\0\0\0\0\0" + bson.encode({"hello": 1, "$db": "admin"})  # no flags, section 0
    message = _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body
    with closing(connect(member)) as connection:
        try:
            connection.sendall(message)
            received = connection.recv(_HEADER.size)
        except TimeoutError as error:
            reason = f"{member}: neither answers nor ends the connection within {TIMEOUT_S:g} s"
            raise Unproven(reason, Whose.TARGET) from error
        except ConnectionError:  # ended before it had read all
            return False
    if received and (len(received) < _HEADER.size or _HEADER.unpack(received)[3] != _OP_MSG):
        raise Unproven(f"{member}: does not answer as MongoDB does: {received!r}", Whose.TARGET)
    return bool(received)
