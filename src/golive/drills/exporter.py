"""A node exporter whose CPU and memory are what a drill says; the rest is a real one's."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import request

QUIET = 70.0
"""Percent in use: nobody's concern, and near enough to what is, so that a rate is soon there."""

_IDLE = re.compile(r'^node_cpu_seconds_total\{cpu="(\d+)",mode="idle"\} (\S+)', re.MULTILINE)
_TOTAL = re.compile(r"^node_memory_MemTotal_bytes (\S+)", re.MULTILINE)
_KEPT = re.compile(r"^node_(?:memory|uname)_\w+[ {]")


class Exporter:
    """Serves the page of a real node exporter, as it was once, with two figures of a drill."""

    def __init__(self, page: str) -> None:
        total = _TOTAL.search(page)
        self._idle = {core: float(value) for core, value in _IDLE.findall(page)}
        if not total or not self._idle:
            raise Unproven("not the page of a node exporter: no CPU or memory", Whose.TARGET)
        self._total = float(total[1])
        self._kept = [
            line
            for line in page.splitlines()
            if _KEPT.match(line) and not line.startswith("node_memory_MemAvailable")
        ]
        self._lock = threading.Lock()
        self._at = time.monotonic()
        self._busy = dict.fromkeys(self._idle, 0.0)
        self._cpu = self._memory = QUIET

    def use(self, *, cpu: float | None = None, memory: float | None = None) -> None:
        """From now on these shares are in use, in percent; None: as before."""
        with self._lock:
            self._pass()
            self._cpu = self._cpu if cpu is None else cpu
            self._memory = self._memory if memory is None else memory

    def page(self) -> str:
        """What is scraped now."""
        with self._lock:
            self._pass()
            lines = [*self._kept]
            for core, idle in self._idle.items():
                for mode, value in (("idle", idle), ("user", self._busy[core])):
                    lines.append(f'node_cpu_seconds_total{{cpu="{core}",mode="{mode}"}} {value}')
        available = self._total * (1 - self._memory / 100)
        return "\n".join([*lines, f"node_memory_MemAvailable_bytes {available}", ""])

    def _pass(self) -> None:
        """Let the time since the last look have gone by."""
        now = time.monotonic()
        elapsed, self._at = now - self._at, now
        for core in self._idle:
            self._idle[core] += elapsed * (1 - self._cpu / 100)
            self._busy[core] += elapsed * self._cpu / 100


@contextmanager
def exporting(real: Endpoint, address: str) -> Iterator[tuple[Exporter, str]]:
    """An exporter like `real`, on a free port of `address`; with where it is scraped."""
    exporter = Exporter(request(real, "/metrics", scheme="http").body.decode())

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer((address, 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield exporter, f"{address}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
