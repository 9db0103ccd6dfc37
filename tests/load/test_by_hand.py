"""Plain Locust, as a person starts it: web interface, own numbers, but no other host."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from .sites import NAME, site

ROOT = Path(__file__).parents[2]
_ENVIRONMENT = """
name: elsewhere
kind: deployed
site: {{name: {name}, address: {address}, ports: {{https: {port}}}, roots: {roots}}}
clients: {{load: {network}}}
requests: {{}}
limits: {{general: {{path: /}}, authentication: {{path: /}}}}
permits: [load]
"""


@pytest.fixture
def good(tmp_path):
    with site(tmp_path) as made:
        yield made


@pytest.fixture
def web(good, tmp_path):
    """The address of Locust's web interface."""
    file = tmp_path / "elsewhere.yaml"
    network = good.address.rpartition(".")[0].rpartition(".")[0] + ".128.0/17"
    text = _ENVIRONMENT.format(
        name=NAME, address=good.address, port=good.port, roots=good.roots, network=network
    )
    file.write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py"),
        *("--golive-environment", str(file), "--web-host", "127.0.0.1", "--web-port", str(port)),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as locust:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=10).close()
                break
            except urllib.error.URLError:
                assert locust.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield url
        locust.terminate()


def swarm(web: str, host: str) -> None:
    form = urllib.parse.urlencode({"user_count": 6, "spawn_rate": 6, "host": host})
    urllib.request.urlopen(f"{web}/swarm", form.encode(), timeout=10).close()


def requests(web: str) -> int:
    with urllib.request.urlopen(f"{web}/stats/requests", timeout=10) as answer:
        total = json.load(answer)["stats"][-1]
    assert total["num_failures"] == 0
    return total["num_requests"]


def test_the_web_interface_loads_the_environments_site(good, web):
    swarm(web, f"https://{NAME}")
    deadline = time.monotonic() + 30
    while requests(web) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert good.requests >= 5
    assert all(address != "127.0.0.1" for address in good.clients)


def test_the_web_interface_loads_no_other_host(good, web):
    swarm(web, "https://example.com")
    time.sleep(0.5)  # whether nothing comes can only be seen by waiting

    assert requests(web) == 0
    assert good.requests == 0
