"""Break how long static files may be kept, by whom, and what they say that they are."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_FILES = "platform/static_files.feature::"
_EXPIRES = f"{_FILES}<path> expires 30 days after it is sent"
_KEPT_BY_ANYBODY = f"{_FILES}<path> may be kept by anybody, and not transformed"
_TYPE = f"{_FILES}<path> is sent as what it is"
_OTHERS = f"{_FILES}A .<extension> file is cached too"
_MISSING = f"{_FILES}<path> is missing, and nobody is told to remember that for long"
_COMPRESSED = "platform/compression.feature::<path> is compressed"

_CACHE_CONTROL = 'add_header Cache-Control "public, no-transform";'


@fault(_EXPIRES, _OTHERS)
@contextmanager
def expire_in_a_week(replica: Target) -> Iterator[None]:
    """NGX-45: files expire after 7 days."""
    with nginx_edited(replica, ("expires 30d;", "expires 7d;")):
        yield


@fault(_EXPIRES, _OTHERS)
@contextmanager
def never_expire(replica: Target) -> Iterator[None]:
    """NGX-45: files have no Expires."""
    with nginx_edited(replica, ("expires 30d;", "")):
        yield


@fault(_KEPT_BY_ANYBODY, _OTHERS)
@contextmanager
def may_be_transformed(replica: Target) -> Iterator[None]:
    """NGX-46: Cache-Control has no no-transform."""
    with nginx_edited(replica, (_CACHE_CONTROL, 'add_header Cache-Control "public";')):
        yield


@fault(_KEPT_BY_ANYBODY, _OTHERS)
@contextmanager
def private_too(replica: Target) -> Iterator[None]:
    """NGX-46: Cache-Control says private beside public."""
    contradictory = 'add_header Cache-Control "public, private, no-transform";'
    with nginx_edited(replica, (_CACHE_CONTROL, contradictory)):
        yield


@fault(_TYPE, f"{_COMPRESSED}[/app.css]", f"{_COMPRESSED}[/app.js]")
@contextmanager
def types_lost(replica: Target) -> Iterator[None]:
    """NGX-45: files have no media type (finding 7), so that they are not compressed either."""
    lost = f"proxy_hide_header Content-Type; {_CACHE_CONTROL}"
    with nginx_edited(replica, (_CACHE_CONTROL, lost)):
        yield


@fault(f"{_OTHERS}[gif]", f"{_OTHERS}[jpeg]")
@contextmanager
def extensions_forgotten(replica: Target) -> Iterator[None]:
    """NGX-45, NGX-46: .gif and .jpeg are no static files."""
    with nginx_edited(replica, ("(jpg|jpeg|png|gif|ico|css|js)", "(jpg|png|ico|css|js)")):
        yield


@fault(_MISSING)
@contextmanager
def missing_ones_kept(replica: Target) -> Iterator[None]:
    """The answer for a missing file may be kept by anybody."""
    with nginx_edited(replica, (_CACHE_CONTROL, f"{_CACHE_CONTROL[:-1]} always;")):
        yield
