from collections.abc import Iterator
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.api_docs import Asset, Page, loaded_by, open_page, path_on_site
from golive.probes.http import Response, request

from .nginx_server import Nginx, nginx

CONFIGURATION = r"""
server {
    listen ADDRESS:8443 ssl;
    server_name www.golive.test;
    default_type text/html;
    location = /docs { return 301 https://$host/docs/; }
    location = /round { return 302 /round; }
    location = /away { return 302 https://elsewhere.example/docs/; }
    location / { root files; index index.html; }
}
"""
PAGE = """<!doctype html>
<link rel="icon" href="favicon.png"><link rel="stylesheet" href="/docs/ui.css">
<link rel="canonical" href="/docs/">
<img src="https://cdn.example/logo.png" onerror="hide()">
<script src="ui.js?v=1"></script><script>start()</script><style>p {}</style>
<p style="color: red"></p>
"""
STARTS = 'window.SwaggerUIBundle({ dom_id: "#ui", "url": \'../openapi.json\' })'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    directory: Path = tmp_path_factory.mktemp("nginx")
    (directory / "files/docs").mkdir(parents=True)
    (directory / "files/docs/index.html").write_text(PAGE)
    (directory / "files/docs/ui.js").write_text(STARTS)
    (directory / "files/docs/other.js").write_text('fetch({url: "/elsewhere"})')
    with nginx(directory, CONFIGURATION) as running:
        yield running


@pytest.fixture
def www(server: Nginx) -> Endpoint:
    return server.endpoint("www")


@pytest.fixture
def page(www: Endpoint) -> Page:
    return open_page(www, "/docs")


def test_what_the_page_names_is_found_behind_a_redirect(page: Page) -> None:
    assert page.response.url == "https://www.golive.test:8443/docs/"
    assert page.response.status == 200
    base = "https://www.golive.test:8443/docs"
    assert page.assets == (
        Asset("image", f"{base}/favicon.png"),
        Asset("style", f"{base}/ui.css"),
        Asset("image", "https://cdn.example/logo.png"),
        Asset("script", f"{base}/ui.js?v=1"),
    )


def test_what_stands_within_the_page_is_counted(page: Page) -> None:
    assert page.inline == 4  # a handler, a script, a style, and a style of an element


def test_what_a_script_loads_is_named_from_the_page(www: Endpoint, page: Page) -> None:
    assert loaded_by(_script(www, "ui.js"), page) == "https://www.golive.test:8443/openapi.json"
    assert loaded_by(_script(www, "other.js"), page) is None


def test_a_page_that_is_not_there_is_a_page(www: Endpoint) -> None:
    page = open_page(www, "/absent")
    assert (page.response.status, page.assets) == (404, ())


@pytest.mark.parametrize("path", ["/round", "/away"])
def test_redirects_without_end_or_elsewhere_are_unproven(www: Endpoint, path: str) -> None:
    with pytest.raises(Unproven):
        open_page(www, path)


def test_paths_on_the_site(www: Endpoint) -> None:
    assert path_on_site(www, "https://www.golive.test:8443/a/b?c=d") == "/a/b?c=d"
    with pytest.raises(Unproven, match="another site"):
        path_on_site(www, "https://cdn.example/a")


def _script(www: Endpoint, name: str) -> Response:
    return request(www, f"/docs/{name}")
