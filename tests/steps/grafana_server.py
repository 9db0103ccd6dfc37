"""A small HTTP server that speaks the part of Grafana's API that golive asks (10 and 11).

No package of Grafana exists for Debian, PyPI or npm, so that the real one cannot be had in these
tests. What is answered follows Grafana's documentation of its HTTP API: Search, Dashboard, Data
source (health, query); status codes and shapes are those documented there.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_token"


@dataclass
class Contents:
    """What this Grafana has: dashboards by uid, sick data sources, queries that return nothing,
    are refused, or return what is no number."""

    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    data_sources: dict[str, str] = field(default_factory=lambda: {"prometheus": "OK"})
    empty: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    no_numbers: set[str] = field(default_factory=set)


@contextmanager
def grafana(contents: Contents) -> Iterator[str]:
    """Its address, while the block runs."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.say(401, {"message": "Unauthorized"})
                return
            path = self.path.partition("?")[0]
            uid = path.split("/")[4] if path.count("/") >= 4 else ""
            if path == "/api/search":
                found = [
                    {"uid": uid, "title": each["title"], "type": "dash-db", "tags": []}
                    for uid, each in contents.dashboards.items()
                ]
                self.say(200, found)
            elif path.startswith("/api/dashboards/uid/") and uid in contents.dashboards:
                self.say(200, {"dashboard": contents.dashboards[uid], "meta": {"version": 1}})
            elif path.endswith("/health") and uid in contents.data_sources:
                status = contents.data_sources[uid]
                message = (
                    "Successfully queried the Prometheus API." if status == "OK" else "refused"
                )
                self.say(200 if status == "OK" else 400, {"status": status, "message": message})
            else:
                self.say(404, {"message": "not found"})

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            (query,) = json.loads(self.rfile.read(length))["queries"]
            if query["expr"] in contents.wrong:
                result = {"error": "bad_data: parse error", "status": 400}
                self.say(400, {"results": {query["refId"]: result}})
                return
            number = None if query["expr"] in contents.no_numbers else 1.5
            times = [1700000000000, 1700000015000]
            values = [] if query["expr"] in contents.empty else [times, [None, number]]
            schema = {"fields": [{"name": "Time", "type": "time"}, {"name": "Value"}]}
            frames = [{"schema": schema, "data": {"values": values}}] if values else []
            self.say(200, {"results": {query["refId"]: {"status": 200, "frames": frames}}})

        def say(self, status: int, body: object) -> None:
            sent = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_request(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
