"""Send people from HTTP somewhere else than to the same page over HTTPS."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_REDIRECT = "11_security_audit/redirect.feature::"
_TO_HTTPS = f"{_REDIRECT}<path> is sent to HTTPS"
_QUERY = f"{_TO_HTTPS}[/api/v1/weather?city=lyon&return=https%3A%2F%2F]"
_ODD = f"{_TO_HTTPS}[/a//b/%C3%A9t%C3%A9?x=1&x=2]"
_POST = f"{_REDIRECT}A form sent over plain HTTP keeps its method"
_RETURN = "return 301 https://$host$request_uri;"


@fault(_TO_HTTPS)
@contextmanager
def temporary(replica: Target) -> Iterator[None]:
    """NGX-27: the redirect is 302, which nobody remembers."""
    with nginx_edited(replica, (_RETURN, "return 302 https://$host$request_uri;")):
        yield


@fault(_TO_HTTPS)
@contextmanager
def to_http(replica: Target) -> Iterator[None]:
    """NGX-27: the redirect leads to plain HTTP again."""
    with nginx_edited(replica, (_RETURN, "return 301 http://$host$request_uri;")):
        yield


@fault(_TO_HTTPS)
@contextmanager
def to_another_host(replica: Target) -> Iterator[None]:
    """NGX-27: the redirect leads to the web site instead of the API."""
    with nginx_edited(replica, (_RETURN, "return 301 https://dashboard-velo.com$request_uri;")):
        yield


@fault(_QUERY, _ODD)
@contextmanager
def path_lost(replica: Target) -> Iterator[None]:
    """NGX-27: whoever asks for a page is sent to the start page, which alone is right."""
    with nginx_edited(replica, (_RETURN, "return 301 https://$host/$is_args$args;")):
        yield


@fault(_QUERY, _ODD)
@contextmanager
def query_lost(replica: Target) -> Iterator[None]:
    """NGX-27: the query is dropped, of every URI that has one."""
    with nginx_edited(replica, (_RETURN, "return 301 https://$host$uri;")):
        yield


@fault(_ODD)
@contextmanager
def path_rewritten(replica: Target) -> Iterator[None]:
    """NGX-27: the path is the one that nginx has normalised: decoded, slashes merged."""
    with nginx_edited(replica, (_RETURN, "return 301 https://$host$uri$is_args$args;")):
        yield


@fault(_POST)
@contextmanager
def post_becomes_get(replica: Target) -> Iterator[None]:
    """NGX-27: a POST is answered 301 as well, upon which browsers come back with GET."""
    with nginx_edited(replica, ("return 308 https", "return 301 https")):
        yield
