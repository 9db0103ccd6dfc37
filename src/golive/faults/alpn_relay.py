"""A relay that turns TLS clients away which offer protocols (RFC 7301) but not HTTP/2.

nginx cannot be told to do that; a load balancer put before it can. Whom it lets through keeps
his address. It says `ready` when it listens, and is stopped by a signal.

    python -m golive.faults.alpn_relay LISTEN-ADDRESS TARGET-ADDRESS PORT
"""

import asyncio
import contextlib
import sys
from asyncio import StreamReader, StreamWriter

_NO_APPLICATION_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))  # a fatal alert, RFC 7301 3.2
_RECORD_HEADER = 5
_OFFER_OF_HTTP_1_ONLY = b"\x00\x10\x00\x0b\x00\x09\x08http/1.1"  # the whole extension


async def _relay(reader: StreamReader, writer: StreamWriter, target: str, port: int) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        header = await reader.readexactly(_RECORD_HEADER)
        hello = header + await reader.readexactly(int.from_bytes(header[3:]))
        if _OFFER_OF_HTTP_1_ONLY in hello:
            writer.write(_NO_APPLICATION_PROTOCOL)
        else:
            client = writer.get_extra_info("peername")[0]
            inner, outer = await asyncio.open_connection(target, port, local_addr=(client, 0))
            outer.write(hello)
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, outer))
                both.create_task(_copy(inner, writer))
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def _copy(source: StreamReader, sink: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.write_eof()


async def main(listen: str, target: str, port: int) -> None:
    """Relay until told to stop."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await _relay(reader, writer, target, port)

    async with await asyncio.start_server(serve, listen, port) as server:
        print("ready", flush=True)  # noqa: T201 (whoever started it waits for it)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
