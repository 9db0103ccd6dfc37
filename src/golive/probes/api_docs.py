"""A documentation page, and everything that a browser would load for it."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import Response, request

_MOST_REDIRECTS = 3
_LOADED_BY_SCRIPT = re.compile(r"""\burl["']?\s*:\s*["']([^"']+)["']""")
# How the script of a page starts Swagger UI, and Swagger UI's own files do not.
_INITIALIZER = re.compile(r"\bSwaggerUIBundle\(\{")


@dataclass(frozen=True)
class Asset:
    """Something that the page names: `kind` is script, style or image; `url` is absolute."""

    kind: str
    url: str


@dataclass(frozen=True)
class Page:
    """`assets` in the order of the page; `inline` counts scripts and styles within it."""

    response: Response
    assets: tuple[Asset, ...]
    inline: int


def open_page(endpoint: Endpoint, path: str) -> Page:
    """The page at `path`, following its redirects within the site, and what it names.

    Raises Unproven as `request` does, and for redirects without end or to elsewhere.
    """
    for _ in range(_MOST_REDIRECTS):
        response = request(endpoint, path)
        location = "".join(response.values("Location"))
        if not location:
            parser = _Parser(response.url)
            parser.feed(response.body.decode("utf-8", "replace"))
            return Page(response, tuple(parser.assets), parser.inline)
        path = path_on_site(endpoint, urljoin(response.url, location))
    raise Unproven(f"{response.url}: more than {_MOST_REDIRECTS} redirects", Whose.TARGET)


def path_on_site(endpoint: Endpoint, url: str) -> str:
    """The path and query of an address of the site. Raises Unproven for one of another site."""
    parts = urlsplit(url)
    if (parts.scheme, parts.hostname) != ("https", endpoint.name):
        raise Unproven(f"{url} is on another site, where golive does not go", Whose.TARGET)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def loaded_by(script: Response, page: Page) -> str | None:
    """The address that a script of the page gives Swagger UI to load; None where it starts none."""
    text = script.body.decode("utf-8", "replace")
    start = _INITIALIZER.search(text)
    found = _LOADED_BY_SCRIPT.search(text, start.start()) if start else None
    return urljoin(page.response.url, found[1]) if found else None


class _Parser(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.assets: list[Asset] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        relation = values.get("rel", "").lower().split()
        if tag == "script" and "src" in values:
            self._add("script", values["src"])
        elif tag in ("script", "style"):
            self.inline += 1
        elif tag == "link" and "stylesheet" in relation:
            self._add("style", values.get("href", ""))
        elif (tag == "link" and "icon" in relation) or tag == "img":
            self._add("image", values.get("href") or values.get("src", ""))
        if "style" in values or any(name.startswith("on") for name in values):
            self.inline += 1

    def _add(self, kind: str, reference: str) -> None:
        self.assets.append(Asset(kind, urljoin(self._url, reference)))
