"""What a Redis node refuses, and to whom.

Answers are read as they come over the wire (RESP): a library signs in and negotiates by itself,
and hides the error's code. What could do harm is not sent at all: ACL DRYRUN says whether the
server would let a user do it.
"""

import re
import socket
from contextlib import closing
from dataclasses import dataclass

import redis
from redis.exceptions import ResponseError

from golive.outcome import NotRun, Unproven, Whose
from golive.probes.redis import TIMEOUT_S, Login, Node, connected, unreachable

_TYPES = b"+-:$*_,#(=%~>!"  # what an answer begins with, in RESP2 and RESP3
_ERROR = re.compile(r"-([A-Z]+)\b")


@dataclass(frozen=True)
class Answer:
    """How a command was answered: `refusal` is the error's code (NOAUTH), None where served."""

    command: str
    refusal: str | None


@dataclass(frozen=True)
class Permission:
    """Whether a user may run a command; `refusal` is the server's reason, None where it may."""

    user: str
    command: str
    refusal: str | None


def answers(
    node: Node, commands: tuple[str, ...], password: str | None = None
) -> tuple[Answer, ...]:
    """How each command is answered: to nobody, or after AUTH with `password` alone.

    The commands are sent, each in a connection of its own. Where AUTH itself is refused, that is
    the answer. Raises Unproven.
    """
    return tuple(Answer(command, _refusal(node, command, password)) for command in commands)


def permissions(
    node: Node, admin: Login, password: str, commands: tuple[str, ...]
) -> tuple[Permission, ...]:
    """Whether whoever signs in with `password` alone may run each command; none is run.

    Raises Unproven; NotRun where the server has no ACL DRYRUN (before Redis 7).
    """
    # As Redis does (networking.c): a user name is optional, and its absence is "default". Asked
    # of the server all the same, so that a wrong password is not measured as a right one.
    with connected(node, Login("default", password)) as client:
        user = str(client.acl_whoami())
    with connected(node, admin) as client:
        return tuple(
            Permission(user, command, _dry_run(node, client, user, command)) for command in commands
        )


def _dry_run(node: Node, client: "redis.Redis", user: str, command: str) -> str | None:
    try:
        said = str(client.acl_dryrun(user, *command.split()))
    except ResponseError as error:
        if "unknown subcommand" in str(error).lower():
            raise NotRun(f"{node}: has no ACL DRYRUN: {error}") from error
        if re.search(r"not found|number of arguments", str(error)):
            raise Unproven(f"{node}: ACL DRYRUN of {command!r}: {error}", Whose.OURS) from error
        raise
    return None if said == "OK" else said


def _refusal(node: Node, command: str, password: str | None) -> str | None:
    try:
        connection = socket.create_connection((node.address, node.port), TIMEOUT_S)
    except OSError as error:
        raise unreachable(node, error) from error
    with closing(connection):
        if password is not None and (refused := _ask(node, connection, f"AUTH {password}")):
            return refused
        return _ask(node, connection, command)


def _ask(node: Node, connection: socket.socket, command: str) -> str | None:
    """The code of the error that answers the command, None for any other answer."""
    words = [word.encode() for word in command.split()]
    frames = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    try:
        connection.sendall(b"*%d\r\n%s" % (len(words), b"".join(frames)))
        line = _line(connection)
    except TimeoutError as error:
        reason = f"{node}: connected, but no answer within {TIMEOUT_S:g} s"
        raise Unproven(reason, Whose.TARGET) from error
    except OSError as error:
        raise Unproven(f"{node}: broke the connection off: {error}", Whose.TARGET) from error
    if line is None or line[:1] not in [_TYPES[i : i + 1] for i in range(len(_TYPES))]:
        raise Unproven(f"{node}: does not answer as Redis does: {line!r:.60}", Whose.TARGET)
    if line[:1] != b"-":
        return None
    code = _ERROR.match(line.decode(errors="replace"))
    return code[1] if code else "ERR"


def _line(connection: socket.socket) -> bytes | None:
    """The first line of an answer; None where the connection ends before it does."""
    received = b""
    while b"\r\n" not in received:
        more = connection.recv(4096)
        if not more or len(received) > 65536:
            return None
        received += more
    return received.partition(b"\r\n")[0]
