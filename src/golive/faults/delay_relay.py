"""A relay that lets everything arrive late: the way to a server that is far, or slow.

Each byte is passed on `DELAY` ms after it came, in order, whatever else is on its way. It says
`ready` when it listens, and is stopped by a signal.

    python -m golive.faults.delay_relay LISTEN-ADDRESS PORT TARGET-ADDRESS PORT DELAY
"""

import asyncio
import contextlib
import sys


async def _serve(listen: tuple[str, int], target: tuple[str, int], delay_s: float) -> None:
    async def join(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            server, requests = await asyncio.open_connection(*target)
            await asyncio.gather(_pass(client, requests, delay_s), _pass(server, answers, 0))

    server = await asyncio.start_server(join, *listen)
    async with server:
        print("ready", flush=True)  # noqa: T201 (whoever started it waits for it)
        await server.serve_forever()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass on what comes, each part `delay_s` after it came."""
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        data = b"first"
        while data:
            try:
                data = await source.read(65536)
            except OSError:
                data = b""
            await parts.put((loop.time() + delay_s, data))

    reading = asyncio.create_task(read())
    with contextlib.suppress(OSError):
        while True:
            due, data = await parts.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            sink.write(data)
            await sink.drain()
    reading.cancel()
    sink.close()


if __name__ == "__main__":
    asyncio.run(
        _serve(
            (sys.argv[1], int(sys.argv[2])),
            (sys.argv[3], int(sys.argv[4])),
            float(sys.argv[5]) / 1000,
        )
    )
