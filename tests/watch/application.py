"""An application whose metrics grow as a test says, and a real Prometheus that scrapes it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

from golive.endpoint import Endpoint
from golive.probes.own_monitoring import prometheus
from golive.probes.prometheus import value

RULES = yaml.safe_dump(
    {
        "groups": [
            {
                "name": "test",
                "rules": [
                    {"alert": "Boom", "expr": "boom > 0", "labels": {"severity": "critical"}},
                    {"alert": "Always", "expr": "vector(1)", "labels": {"severity": "none"}},
                ],
            }
        ]
    }
)


@dataclass
class Application:
    """`good` and `bad` are answers a second; `slow` is the share of all that takes a second."""

    good: float = 100.0
    bad: float = 0.0
    slow: float = 0.0
    boom: int = 0
    _counted: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("200", "500"), 0.0))
    _slow: float = 0.0
    _at: float = field(default_factory=time.monotonic)

    def page(self) -> str:
        now = time.monotonic()
        elapsed, self._at = now - self._at, now
        for status, rate in (("200", self.good), ("500", self.bad)):
            self._counted[status] += elapsed * rate
        self._slow += elapsed * (self.good + self.bad) * self.slow
        everything = sum(self._counted.values())
        quick = everything - self._slow
        name = "http_request_duration_seconds_bucket"
        return "\n".join(
            [
                f"boom {self.boom}",
                *(
                    f'http_requests_total{{status="{status}"}} {count}'
                    for status, count in self._counted.items()
                ),
                f'{name}{{le="0.05"}} {quick}',
                f'{name}{{le="1"}} {everything}',
                f'{name}{{le="+Inf"}} {everything}',
                "",
            ]
        )


@contextmanager
def watched_application() -> Iterator[tuple[Application, Endpoint]]:
    """The application, and the Prometheus that has seen it for some scrapes, four a second."""
    application = Application()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = application.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        configuration = {
            "global": {
                "scrape_interval": "250ms",
                "scrape_timeout": "250ms",
                "evaluation_interval": "250ms",
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {
                    "job_name": "api-server",
                    "static_configs": [{"targets": [f"127.0.0.1:{server.server_port}"]}],
                }
            ],
        }
        try:
            with prometheus(yaml.safe_dump(configuration), {"rules.yml": RULES}) as endpoint:
                until(endpoint, "count_over_time(up[10s]) >= 9")
                yield application, endpoint
        finally:
            server.shutdown()
            thread.join()


def until(prometheus: Endpoint, query: str) -> None:
    """Return when the query has a value."""
    deadline = time.monotonic() + 60
    while value(prometheus, query) is None:
        assert time.monotonic() < deadline, query
        time.sleep(0.05)
