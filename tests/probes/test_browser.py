"""Pages of a real server in a real browser."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.browser import show

from .nginx_server import Nginx, nginx

CONFIGURATION = r"""
server {
    default_type text/html;
    listen ADDRESS:8443 ssl;
    server_name www.golive.test;
    location = /good { return 200
        '<link rel="icon" href="data:,"><p class="x"><p class="x">
         <script>console.log("hello")</script>'; }
    location = /late { return 200 '<script>setTimeout(() => { document.body.innerHTML =
        "<p class=x>" }, 100)</script>'; }
    location = /throws { return 200 '<p class="x"><script>undefined.member</script>'; }
    location = /complains { return 200 '<p class="x"><script>console.error("no", 42)</script>'; }
    location = /asks { return 200 '<p class="x"><img src="https://elsewhere.example/i.png">'; }
    location = /forbids {
        add_header Content-Security-Policy "script-src 'none'";
        return 200 '<p class="x"><script>1</script>';
    }
    location = /lacks { return 200 '<p class="x"><script src="/absent.js"></script>'; }
    location = /absent.js { return 404; }
    location = /cut { return 444; }
}
"""
WAIT_S = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx(tmp_path_factory.mktemp("nginx"), CONFIGURATION) as running:
        yield running


@pytest.fixture
def www(server: Nginx) -> Endpoint:
    return replace(server.endpoint("www"), source=None)


def left_over() -> list[Path]:
    return list(Path("/tmp").glob("golive-browser-*"))


def test_a_page_is_shown_and_nothing_is_left(www: Endpoint):
    before = left_over()
    seen = show(www, "/good", ".x", WAIT_S)
    assert (seen.found, seen.problems) == (2, ())
    assert seen.requests == ("https://www.golive.test:8443/good",)
    assert seen.elsewhere() == ()
    assert seen.version.startswith("Chrome/")
    assert set(left_over()) <= set(before)


def test_what_a_script_makes_is_awaited(www: Endpoint):
    assert show(www, "/late", ".x", WAIT_S).found == 1


def test_what_never_comes_is_not_there(www: Endpoint):
    assert show(www, "/good", ".y", 0.2).found == 0


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/throws", "exception: TypeError: Cannot read properties of undefined"),
        ("/complains", "console: no 42"),
        ("/forbids", "security: "),
        ("/lacks", "network: Failed to load resource: the server responded with a status of 404"),
    ],
)
def test_complaints(www: Endpoint, path: str, problem: str):
    seen = show(www, path, ".x", WAIT_S)
    assert seen.found == 1
    assert any(each.startswith(problem) for each in seen.problems), seen.problems


def test_what_is_asked_of_others_is_seen_and_not_sent(www: Endpoint):
    seen = show(www, "/asks", ".x", WAIT_S)
    assert seen.elsewhere() == ("https://elsewhere.example/i.png",)
    assert "not loaded: net::ERR_NAME_NOT_RESOLVED" in seen.problems


def test_a_page_that_cannot_be_opened_is_unproven(www: Endpoint):
    with pytest.raises(Unproven) as found:
        show(www, "/cut", ".x", WAIT_S)
    assert found.value.whose is Whose.TARGET
    with pytest.raises(Unproven):
        show(replace(www, port=8444), "/good", ".x", WAIT_S)


def test_without_a_browser_nothing_is_measured(www: Endpoint, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unproven, match="chromium is not installed") as found:
        show(www, "/good", ".x", WAIT_S)
    assert found.value.whose is Whose.TOOL


def test_a_browser_that_ends_is_unproven(www: Endpoint, monkeypatch, tmp_path: Path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Unproven, match="ended") as found:
        show(www, "/good", ".x", WAIT_S)
    assert found.value.whose is Whose.TOOL


def test_a_killed_run_leaves_nothing(www: Endpoint):
    before = set(left_over())
    code = (
        "from pathlib import Path\nfrom golive.endpoint import Endpoint\n"
        "from golive.probes.browser import show\n"
        f"show(Endpoint({www.address!r}, {www.port}, {www.name!r}, Path({str(www.roots)!r})), "
        "'/good', '.y', 60)"
    )
    run = subprocess.Popen([sys.executable, "-c", code])
    try:
        _await(lambda: any((each / "Default").is_dir() for each in set(left_over()) - before))
    finally:
        run.kill()
        run.wait()
    _await(lambda: set(left_over()) <= before)


def _await(holds) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
