"""Break the documentation of the API, or something that its page needs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited
from golive.faults.nginx_reload import nginx_edited

_DOCS = "03_api_documentation/api_docs.feature::"
_PAGE = f"{_DOCS}The documentation is served under /api/docs"
_ASSETS = f"{_DOCS}Every asset that the page needs is there"
_DESCRIPTION = f"{_DOCS}The API's description, which its script loads, is there"
_BROWSER = f"{_DOCS}The page works in a browser"
_ELSEWHERE = f"{_DOCS}The page asks nothing of other sites"
_OPENAPI = "03_api_documentation/openapi.feature::"
_DESCRIBED = (
    f"{_OPENAPI}The description follows its specification",
    f"{_OPENAPI}The description is of this release",
    f"{_OPENAPI}Every route of the application is described",
    f"{_OPENAPI}Every operation that is described is served",
    f"{_OPENAPI}What everybody may read is answered as described",
    f"{_OPENAPI}Every operation answers as described, also to what is wrong",
)
_POLICY = f"{_DOCS}The page holds no script or style that its Content-Security-Policy forbids"
_LIMITED = f"{_DOCS}The documentation is limited as everything else"
_PROXIED = "platform/compression.feature::A client behind a proxy is sent compressed bodies too"
_OLD = "platform/compression.feature::An HTTP/1.0 client is not sent compressed bodies"
_COMPRESSED = "platform/compression.feature::<path> is compressed[/api/docs/openapi.json]"
_VARY = (
    "platform/compression.feature::Caches are told that <path> varies with what a client accepts"
    "[/api/docs/openapi.json]"
)

_LOCATION = "location ^~ /api/docs {"
_FILES = "/var/www/dashboard-velo-api/docs"


@fault(_PAGE)
@contextmanager
def page_without_style(replica: Target) -> Iterator[None]:
    """NGX-47: the page has lost its style."""
    style = '<link rel="stylesheet" href="/api/docs/swagger-ui.css">'
    with _docs_edited(replica, "index.html", (style, "")):
        yield


@fault(_ASSETS, _BROWSER)
@contextmanager
def image_missing(replica: Target) -> Iterator[None]:
    """NGX-47: an image of the page is not there, of which a browser complains."""
    image = "location = /api/docs/favicon-32x32.png { return 404; }"
    with nginx_edited(replica, (_LOCATION, f"{image} {_LOCATION}")):
        yield


@fault(_ASSETS, _BROWSER)
@contextmanager
def script_as_text(replica: Target) -> Iterator[None]:
    """NGX-47: the page's script is text/plain, which browsers refuse to run."""
    script = (
        "location = /api/docs/swagger-ui-bundle.js "
        "{ types { } default_type text/plain; return 200 'SwaggerUIBundle = 0;'; }"
    )
    with nginx_edited(replica, (_LOCATION, f"{script} {_LOCATION}")):
        yield


@fault(_DESCRIPTION, _COMPRESSED, _VARY, _PROXIED, _OLD, blinds=(*_DESCRIBED, _BROWSER))
@contextmanager
def description_missing(replica: Target) -> Iterator[None]:
    """NGX-47: the API's description is not there; some of compression is measured with it."""
    description = "location = /api/docs/openapi.json { return 404; }"
    with nginx_edited(replica, (_LOCATION, f"{description} {_LOCATION}")):
        yield


@fault(_DESCRIPTION, _BROWSER)
@contextmanager
def description_elsewhere(replica: Target) -> Iterator[None]:
    """NGX-47: the page's script loads a description that is not there."""
    with _docs_edited(replica, "initializer.js", ("docs/openapi.json", "docs/swagger.json")):
        yield


@fault(_BROWSER)
@contextmanager
def place_missing(replica: Target) -> Iterator[None]:
    """CHK-03: Swagger UI is told to show itself where the page has no place for it."""
    with _docs_edited(replica, "initializer.js", ("#swagger-ui", "#swagger")):
        yield


@fault(_ELSEWHERE, _BROWSER)
@contextmanager
def visitors_counted_elsewhere(replica: Target) -> Iterator[None]:
    """CHK-03: a script of the page counts its visitors on another site, which is not reached: the
    browser complains of that too.
    """
    edit = ("window.Swagger", "new Image().src = 'https://count.example/1.png';\nwindow.Swagger")
    with _docs_edited(replica, "initializer.js", edit):
        yield


@fault(_POLICY, _BROWSER)
@contextmanager
def script_within_the_page(replica: Target) -> Iterator[None]:
    """The page has a script within it, which the policy does not let run (finding 17)."""
    with _docs_edited(replica, "index.html", ("</body>", "<script>1</script></body>")):
        yield


@fault(_LIMITED)
@contextmanager
def not_limited(replica: Target) -> Iterator[None]:
    """The documentation is not limited (finding 3)."""
    with nginx_edited(replica, ("/(health|ready)$", "/(health|ready|api/docs/)$")):
        yield


@contextmanager
def _docs_edited(replica: Target, name: str, edit: tuple[str, str]) -> Iterator[None]:
    """With a file of the page edited on every application server, which reads it each time."""
    with ExitStack() as stack:
        for host in replica.subnet.named("app-"):
            stack.enter_context(edited(replica, host, f"{_FILES}/{name}", edit))
        yield
