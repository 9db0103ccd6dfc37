"""A real Prometheus that scrapes a real exporter every second."""

import socket
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from golive import environment as environments
from golive.endpoint import Endpoint
from golive.load.figures import figures
from golive.outcome import Unproven, Whose

ROOT = Path(__file__).parents[2]
_CONFIGURATION = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: api-server
    static_configs: [{targets: ['%(target)s']}]
"""
_RULES = """
groups:
  - name: g
    rules:
      - {alert: Latence API, expr: vector(1), labels: {severity: warning, instance: app-1}}
      - {alert: Veille, expr: vector(1), labels: {severity: none}}
"""


class Application:
    """What an application server tells Prometheus; it may be asked to do some work."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "http_requests", "x", ["method", "route", "status"], registry=registry
        )
        self.duration = Histogram(
            "http_request_duration_seconds", "x", ["method", "route"], registry=registry
        )
        self.mongodb = Histogram(
            "mongodb_operation_duration_seconds", "x", ["operation"], registry=registry
        )
        self.lag = Gauge("nodejs_eventloop_lag_max_seconds", "x", registry=registry)

    def work(self, number: int, mongodb_s: float, status: str = "200") -> None:
        for _ in range(number):
            self.requests.labels("GET", "/api/v1/weather", status).inc()
            self.duration.labels("GET", "/api/v1/weather").observe(2 * mongodb_s)
            self.mongodb.labels("find").observe(mongodb_s)
            self.mongodb.labels("ping").observe(9)
        self.lag.set(mongodb_s)


@pytest.fixture
def application():
    registry = CollectorRegistry()
    made = Application(registry)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    made.target = f"127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def prometheus(tmp_path, application):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "prometheus.yml").write_text(_CONFIGURATION % {"target": application.target})
    (tmp_path / "rules.yml").write_text(_RULES)
    command = [
        *("prometheus", f"--config.file={tmp_path}/prometheus.yml"),
        *(f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        for line in server.stderr:
            if "Server is ready" in line:
                break
        drained = threading.Thread(target=server.stderr.read)
        drained.start()
        yield Endpoint("127.0.0.1", port, "monitoring")
        server.terminate()
        drained.join()


@pytest.fixture
def staging():
    return environments.load("staging", directory=ROOT / "environments")


def measured(prometheus, staging, began):
    deadline = time.monotonic() + 20
    while True:  # it begins to scrape within a second
        try:
            return figures(prometheus, staging, began, datetime.now(UTC))
        except Unproven:
            if time.monotonic() > deadline:
                raise


def test_what_the_servers_say_of_a_run(prometheus, application, staging):
    application.work(7, 0.001)
    measured(prometheus, staging, datetime.now(UTC))
    began = datetime.now(UTC)
    application.work(100, 0.02)
    application.work(50, 0.3, "503")

    seen = measured(prometheus, staging, began)

    (server,) = seen.servers
    assert (server.requests, server.faulty) == (150, 50)
    assert (seen.mongodb_commands, seen.mongodb_slow) == (150, 50)
    assert server.mean_ms == pytest.approx((100 * 40 + 50 * 600) / 150)
    assert server.mongodb_ms == pytest.approx((100 * 20 + 50 * 300) / 150)
    assert server.lag_ms == 300
    assert server.pool_ms is None
    assert {str(each) for each in seen.firing} == {"Latence API app-1"}
    assert seen.alerts == ("Latence API", "Veille")
    assert seen.hosts == ()


def test_a_prometheus_that_has_not_scraped_since_is_unproven(prometheus, staging):
    measured(prometheus, staging, datetime.now(UTC))
    later = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(Unproven, match="has not scraped everything since the run"):
        figures(prometheus, staging, later, later)


def test_a_prometheus_that_is_not_there_is_unproven(staging):
    nobody = Endpoint("127.0.0.1", 9, "monitoring")
    now = datetime.now(UTC)
    with pytest.raises(Unproven) as raised:
        figures(nobody, staging, now, now)
    assert raised.value.whose is not Whose.OURS
