"""Ask servers, in their own protocol, whether they serve. An OSError means not yet."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

Ready = Callable[[], Awaitable[bool]]

# nginx has a stapled response for each worker, fetched after that worker's first handshake
# (ngx_event_openssl_stapling.c): so many stapled ones in a row mean that all of them have it.
_STAPLED_IN_A_ROW = 12


def accepts(address: str, port: int) -> Ready:
    """Whether a TCP connection is accepted."""

    async def ready() -> bool:
        _, writer = await asyncio.open_connection(address, port)
        writer.close()
        return True

    return ready


def answers(address: str, port: int, path: str, status: int = 200) -> Ready:
    """Whether HTTP GET `path` is answered with `status`."""

    async def ready() -> bool:
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
            return f" {status} ".encode() in await reader.readline()
        finally:
            writer.close()

    return ready


def logged(log: Path, text: str, and_then: Ready) -> Ready:
    """Whether a server has written `text` to its log, and is ready in another way too."""

    async def ready() -> bool:
        return text in log.read_text(errors="replace") and await and_then()

    return ready


def replicates(address: str, port: int, password: str, replicas: int | None) -> Ready:
    """Whether Redis answers its administrator, as a primary of `replicas` or (None) as a replica.

    A replica is ready once its link to the primary is up.
    """

    async def ready() -> bool:
        client = redis.asyncio.Redis(
            host=address,
            port=port,
            username="admin",
            password=password,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            info = await client.info("replication")
        except redis.exceptions.RedisError as error:  # not an OSError: loading, say
            raise ConnectionError(str(error)) from error
        finally:
            await client.aclose()
        if replicas is None:
            return bool(info.get("master_link_status") == "up")
        return bool(info["connected_slaves"] == replicas)

    return ready


def staples(openssl: Path, address: str, port: int, name: str, root: Path) -> Ready:
    """Whether the edge serves TLS with a stapled OCSP response, whichever worker answers."""
    command = (
        *(openssl, "s_client", "-connect", f"{address}:{port}", "-servername", name),
        *("-CAfile", root, "-verify_return_error", "-status"),
    )

    async def stapled() -> bool:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await process.communicate()
        return b"OCSP Response Status: successful" in output

    async def ready() -> bool:
        for _ in range(_STAPLED_IN_A_ROW):
            if not await stapled():
                return False
        return True

    return ready
