"""Ask servers, in their own protocol, whether they serve. An OSError means not yet."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from golive.replica.processes import ServerError, last_words

Ready = Callable[[], Awaitable[bool]]


def accepts(address: str, port: int) -> Ready:
    """Whether a TCP connection is accepted."""

    async def ready() -> bool:
        _, writer = await asyncio.open_connection(address, port)
        writer.close()
        return True

    return ready


def answers(address: str, port: int, path: str = "/", status: int = 200) -> Ready:
    """Whether HTTP GET `path` is answered with `status`."""

    async def ready() -> bool:
        asked = f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"
        return f" {status} ".encode() in await _first_line(address, port, asked)

    return ready


def greets(address: str, port: int) -> Ready:
    """Whether a mail server says that it is ready (220, RFC 5321 4.2.2)."""

    async def ready() -> bool:
        return (await _first_line(address, port, "")).startswith(b"220 ")

    return ready


def all_of(*conditions: Ready) -> Ready:
    """Whether all of these hold."""

    async def ready() -> bool:
        return all([await condition() for condition in conditions])

    return ready


def launched(name: str, log: Path, application_logs: tuple[Path, ...]) -> Ready:
    """Whether PM2 has started every worker of an application, as its log says.

    Raises ServerError once a worker has ended: PM2 would start it again for a minute.
    """

    async def ready() -> bool:
        text = log.read_text(errors="replace")
        if re.search(rf"App \[{re.escape(name)}:\d+\] exited with code", text):
            raise ServerError(f"{log.stem}: a worker ended.{last_words(log, *application_logs)}")
        return f"[{name}] launched" in text

    return ready


def replicates(address: str, port: int, password: str, replicas: int | None) -> Ready:
    """Whether Redis answers its administrator, as a primary of `replicas` or (None) as a replica.

    A replica is ready once its link to the primary is up. Redis' own client takes a third of
    a second to import: two commands need none (RESP: +OK, then $length and the text).
    """
    expected = "master_link_status:up" if replicas is None else f"connected_slaves:{replicas}"

    async def ready() -> bool:
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(f"AUTH admin {password}\r\nINFO replication\r\n".encode())
            signed_in, length = await reader.readline(), await reader.readline()
            if signed_in != b"+OK\r\n" or not length.startswith(b"$"):
                raise ConnectionError(f"Redis says {signed_in + length!r}")  # loading, say
            info = await reader.readexactly(int(length[1:]))
        finally:
            writer.close()
        return expected in info.decode().splitlines()

    return ready


async def _first_line(address: str, port: int, asked: str) -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(asked.encode())
        return await reader.readline()
    finally:
        writer.close()
