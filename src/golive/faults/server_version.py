"""Tell which version serves."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_VERSION = "11_security_audit/server_version.feature::"
_HEADER = f"{_VERSION}The Server header has no version"
_PAGE = f"{_VERSION}The edge's own error page has no version"
_OFF = "server_tokens off;"
_OF_REFUSALS = "error_page 429 @refused;"


@fault(_HEADER, _PAGE)
@contextmanager
def tokens_on(replica: Target) -> Iterator[None]:
    """NGX-09: server_tokens is on, which tells the version in the header and on error pages."""
    with nginx_edited(replica, (_OFF, "server_tokens on;")):
        yield


@fault(_HEADER)
@contextmanager
def told_by_another_header(replica: Target) -> Iterator[None]:
    """NGX-09: X-Powered-By tells a version, whatever Server says, on what the edge passes on."""
    file = "/etc/nginx/security-headers.conf"
    header = "add_header Referrer-Policy"
    with nginx_edited(
        replica, (header, f'add_header X-Powered-By "Express/4.18.2";\n{header}'), file=file
    ):
        yield


@fault(_PAGE)
@contextmanager
def told_by_an_error_page(replica: Target) -> Iterator[None]:
    """NGX-09: an error page of our own tells the version."""
    page = (
        f"{_OF_REFUSALS} error_page 400 @malformed; "
        "location @malformed { internal; return 400 '<center>nginx/1.22.1</center>'; }"
    )
    with nginx_edited(replica, (_OF_REFUSALS, page)):
        yield
