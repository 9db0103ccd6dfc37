"""Judge the documentation page of the API, and all that a browser loads for it."""

import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients, Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.probes import browser
from golive.probes.api_docs import Asset, Page, loaded_by, open_page, path_on_site
from golive.probes.browser import Shown
from golive.probes.http import Response, request
from golive.probes.openapi import description
from golive.steps.expectation import listed, require
from golive.steps.site import curl, site

_OK = 200
_FETCH_S = 20.0  # Swagger UI has more than a megabyte
_TYPES = {
    "script": ("text/javascript", "application/javascript"),
    "style": ("text/css",),
    "image": ("image/",),
}
_FEATURE = "03_api_documentation/api_docs.feature::"
_PATH = "/api/docs"  # as the feature says
_OPERATION = ".opblock"  # what Swagger UI makes of one
_SHOWN_S = 15.0
_POLICY = {"script": "script-src", "style": "style-src", "image": "img-src"}


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, ahead: AbstractSet[str]
) -> None:
    """A browser takes seconds to start."""
    ours = any(each.startswith(_FEATURE) for each in ahead)
    if ours and environment.clients.network is not None:
        _browse(environment, measurements.queue)


def _browse(environment: Environment, begin: Callable[..., Future[Shown]]) -> Future[Shown]:
    endpoint = site(environment, environment.site.ports.https, None)
    return begin(browser.show, endpoint, _PATH, _OPERATION, _SHOWN_S)


@dataclass(frozen=True)
class Opened:
    """The page as this scenario's client has opened it."""

    endpoint: Endpoint
    pace: Pace
    measurements: Measurements
    page: Page

    def fetch(self, url: str) -> Response:
        """What is at an address of the site; fetched once a session."""
        self.pace.wait()
        path = path_on_site(self.endpoint, url)
        return self.measurements.result(request, self.endpoint, path, timeout_s=_FETCH_S)

    def look(self, url: str) -> str:
        """How a person sees that address."""
        return curl(self.endpoint, urlsplit(url).path, " -o /dev/null -D -")


@when(parsers.parse('the documentation is opened at "{path}"'), target_fixture="opened")
def open_documentation(
    environment: Environment,
    clients: Clients,
    measurements: Measurements,
    pace: Pace,
    evidence: EvidenceLog,
    path: str,
) -> Opened:
    source = clients.named("opens the documentation")
    endpoint = site(environment, environment.site.ports.https, source)
    pace.wait()
    page = measurements.result(open_page, endpoint, path)
    evidence.add("page", [page.response.url, page.response.status])
    evidence.add("what it names", page.assets)
    return Opened(endpoint, pace, measurements, page)


@then("it is an HTML page that loads scripts and styles")
def is_page(opened: Opened) -> None:
    response = opened.page.response
    kinds = {asset.kind for asset in opened.page.assets}
    media_type = "".join(response.values("Content-Type")).partition(";")[0]
    require(
        response.status == _OK and media_type == "text/html" and kinds >= {"script", "style"},
        expected=f"{_OK}, text/html, with a script and a style",
        actual=f"{response.status}, {media_type or 'no media type'}, {listed(sorted(kinds))}",
        where=response.url,
        look=opened.look(response.url),
    )


@then("each script, style and image that it names is served as such")
def assets_served(opened: Opened, evidence: EvidenceLog) -> None:
    if not opened.page.assets:
        raise Unproven(f"{opened.page.response.url} names no asset", Whose.TARGET)
    for asset in opened.page.assets:
        if _elsewhere(opened, asset):
            raise Unproven(f"{asset.url} is on another site: is it there?", Whose.TARGET)
        response = opened.fetch(asset.url)
        media_type = "".join(response.values("Content-Type"))
        evidence.add(asset.url, [response.status, media_type, len(response.body)])
        require(
            response.status == _OK
            and media_type.startswith(_TYPES[asset.kind])
            and len(response.body) > 0,
            expected=f"{_OK}, {' or '.join(_TYPES[asset.kind])}, and not empty",
            actual=f"{response.status}, {media_type or 'no type'}, {len(response.body)} bytes",
            where=asset.url,
            look=opened.look(asset.url),
        )


@then("what its script loads is an OpenAPI document of this API")
def description_served(opened: Opened, evidence: EvidenceLog) -> None:
    scripts = [
        opened.fetch(asset.url)
        for asset in opened.page.assets
        if asset.kind == "script" and not _elsewhere(opened, asset)
    ]
    named = [url for script in scripts if (url := loaded_by(script, opened.page)) is not None]
    evidence.add("what the scripts load", named)
    if len(named) != 1:
        reason = f"{len(named)} of {len(scripts)} scripts start Swagger UI with an address"
        raise Unproven(reason, Whose.TARGET)
    response = opened.fetch(named[0])
    require(
        response.status == _OK and _paths(response) > 0,
        expected=f"{_OK}, application/json, with `openapi` and some `paths`",
        actual=f"{response.status}, {listed(response.values('Content-Type'))}, "
        f"{_paths(response)} paths",
        where=response.url,
        look=opened.look(response.url),
    )
    evidence.add("paths that it describes", _paths(response))


@then("its scripts and styles come from files, and from places that its policy allows")
def policy_allows(opened: Opened, evidence: EvidenceLog) -> None:
    page = opened.page
    policy = _policy(page.response)
    evidence.add("policy", policy)
    evidence.add("scripts and styles within the page", page.inline)
    forbidden = [asset.url for asset in page.assets if not _allowed(opened, policy, asset)]
    require(
        page.inline == 0 and not forbidden,
        expected="no script or style within the page, and none from elsewhere than allowed",
        actual=f"{page.inline} within the page; not allowed: {listed(forbidden)}",
        where=page.response.url,
        look=opened.look(page.response.url),
    )


@when(parsers.parse('a browser opens the documentation at "{path}"'), target_fixture="shown")
def browse(
    environment: Environment,
    measurements: Measurements,
    pace: Pace,
    evidence: EvidenceLog,
    path: str,
) -> Shown:
    if path != _PATH:
        raise Unproven(f"the browser opens {_PATH}", Whose.OURS)
    pace.wait()
    seen = _browse(environment, measurements.start).result()
    evidence.add("browser", seen)
    return seen


@then(parsers.parse('it shows every operation that the API\'s description at "{path}" has'))
def shows_all(
    https: Endpoint, measurements: Measurements, pace: Pace, shown: Shown, path: str
) -> None:
    pace.wait()
    described = len(measurements.result(description, https, path).operations)
    require(
        shown.found == described > 0,
        expected=f"{described} operations",
        actual=f"{shown.found} in {shown.version}; {listed(shown.problems)}",
        where=shown.url,
        look="open it in a browser",
    )


@then("nothing is complained of")
def no_complaint(shown: Shown) -> None:
    require(
        not shown.problems,
        expected="no error in the console, nothing that was not loaded or not allowed",
        actual=listed(shown.problems),
        where=shown.url,
        look="open it in a browser, with the developer tools (F12)",
    )


@then("all that it asked for is on the site")
def nothing_elsewhere(shown: Shown) -> None:
    require(
        bool(shown.requests) and not shown.elsewhere(),
        expected=f"requests to {urlsplit(shown.url).netloc} only",
        actual=listed(shown.elsewhere()),
        where=shown.url,
        look="open it in a browser, with the developer tools (F12), network",
    )


def _elsewhere(opened: Opened, asset: Asset) -> bool:
    return urlsplit(asset.url).hostname != opened.endpoint.name


def _paths(response: Response) -> int:
    """How many paths an OpenAPI document has; 0 where it is none."""
    if not "".join(response.values("Content-Type")).startswith("application/json"):
        return 0
    try:
        document = json.loads(response.body)
    except ValueError:
        return 0
    is_openapi = isinstance(document, dict) and "openapi" in document
    return len(document.get("paths", ())) if is_openapi else 0


def _policy(response: Response) -> dict[str, list[str]]:
    policies = response.values("Content-Security-Policy")
    if len(policies) != 1:
        raise Unproven(f"{response.url} has {len(policies)} policies, not one", Whose.TARGET)
    words = [part.split() for part in policies[0].split(";") if part.strip()]
    return {name: sources for name, *sources in words}


def _allowed(opened: Opened, policy: dict[str, list[str]], asset: Asset) -> bool:
    sources = policy.get(_POLICY[asset.kind], policy.get("default-src", []))
    parts = urlsplit(asset.url)
    own = parts.hostname == opened.endpoint.name
    origins = (f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}:")
    return (own and "'self'" in sources) or any(origin in sources for origin in origins)
