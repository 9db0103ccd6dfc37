"""Real HTTPS servers to put under load: a good one, one that stalls, one that fails."""

import asyncio
import contextlib
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from golive.load.plan import Plan, Stage
from golive.replica.authority import Authority

NAME = "api.dashboard-velo.com"
ROWS = b'{"total":0,"items":[]}'


class Site:
    """Answers every request on a loopback address of its own, and counts who asked.

    `failing` is how many of 3 are answered with 500. While it stalls nothing is answered.
    """

    def __init__(self, directory: Path, failing: int = 0) -> None:
        authority = Authority.create()
        authority.write(directory)
        authority.issue([NAME]).write(directory)
        self.roots = directory / "root.pem"
        self.address = f"127.{random.randrange(200, 250)}.{random.randrange(250)}.9"
        self.failing = failing
        self.requests = 0
        self.statuses: Counter[int] = Counter()
        self.clients: Counter[str] = Counter()
        self._stalled_until = 0.0
        self._trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._trust.load_cert_chain(directory / "fullchain.pem", directory / "privkey.pem")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.address, 0, ssl=self._trust)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        await reader.readexactly(int(line.partition(b":")[2]))
                await asyncio.sleep(max(0.0, self._stalled_until - time.monotonic()))
                self.requests += 1
                self.clients[writer.get_extra_info("peername")[0]] += 1
                status = 500 if self.requests % 3 < self.failing else 200
                self.statuses[status] += 1
                writer.write(
                    b"HTTP/1.1 %d Well\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (status, len(ROWS), ROWS)
                )
                await writer.drain()

    def stall(self, after_s: float, for_s: float) -> None:
        """Answer nothing from then on, for so long."""

        def begin() -> None:
            self._stalled_until = time.monotonic() + for_s

        self._loop.call_soon_threadsafe(self._loop.call_later, after_s, begin)

    def close(self) -> None:
        """Nobody listens any more, and every connection is cut; twice is once."""
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def plan(self, *stages: Stage, workers: int = 1, visit: int = 1000, people: int = 4) -> Plan:
        """Load for this site, each person from an address of his own."""
        network = self.address.rpartition(".")[0].rpartition(".")[0] + ".0.0/16"
        return Plan(
            site=NAME,
            address=self.address,
            port=self.port,
            roots=str(self.roots),
            network=network,
            first=0,
            header=None,
            stages=stages,
            people=people,
            visit=visit,
            account=None,
            workers=workers,
        )


@contextlib.contextmanager
def site(directory: Path, failing: int = 0) -> Iterator[Site]:
    """A site for the block."""
    made = Site(directory, failing)
    try:
        yield made
    finally:
        made.close()
