"""Break what is compressed, for whom, and how."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_COMPRESSION = "platform/compression.feature::"
_COMPRESSED = f"{_COMPRESSION}<path> is compressed"
_IMAGE = f"{_COMPRESSION}<path> is an image, and is not compressed"
_VARY = f"{_COMPRESSION}Caches are told that <path> varies with what a client accepts"
_PROXIED = f"{_COMPRESSION}A client behind a proxy is sent compressed bodies too"
_OLD = f"{_COMPRESSION}An HTTP/1.0 client is not sent compressed bodies"
_LEVEL = f"{_COMPRESSION}Bodies are compressed at level 6"
_TYPES = f"{_COMPRESSION}Each documented type is compressed"
_OTHER_TYPES = f"{_COMPRESSION}No other type is compressed"
_LOADED_TYPES = f"{_COMPRESSION}nginx has loaded the documented types and no other"
_LOADED_LEVEL = f"{_COMPRESSION}nginx has loaded level 6"
_BUFFERS = f"{_COMPRESSION}16 buffers of 8k"

_FIRST_TYPE = "gzip_types text/plain "


@fault(_COMPRESSED, _VARY, _PROXIED, _OLD, _TYPES, blinds=[_LEVEL])
@contextmanager
def nothing_compressed(replica: Target) -> Iterator[None]:
    """NGX-18: gzip is off, and with it all that depends on it."""
    with nginx_edited(replica, ("gzip on;", "gzip off;")):
        yield


@fault(_IMAGE, _OTHER_TYPES, _LOADED_TYPES)
@contextmanager
def images_compressed(replica: Target) -> Iterator[None]:
    """NGX-24: images are compressed too."""
    types = f"{_FIRST_TYPE}image/png image/x-icon "
    with nginx_edited(replica, (_FIRST_TYPE, types)):
        yield


@fault(_TYPES, _LOADED_TYPES)
@contextmanager
def type_forgotten(replica: Target) -> Iterator[None]:
    """NGX-24: application/xml+rss is not compressed."""
    with nginx_edited(replica, (" application/xml+rss", "")):
        yield


@fault(_VARY)
@contextmanager
def caches_not_told(replica: Target) -> Iterator[None]:
    """NGX-19: gzip_vary is off."""
    with nginx_edited(replica, ("gzip_vary on;", "gzip_vary off;")):
        yield


@fault(_PROXIED)
@contextmanager
def not_behind_proxies(replica: Target) -> Iterator[None]:
    """NGX-20: gzip_proxied is off."""
    with nginx_edited(replica, ("gzip_proxied any;", "gzip_proxied off;")):
        yield


@fault(_OLD)
@contextmanager
def old_clients_too(replica: Target) -> Iterator[None]:
    """NGX-23: HTTP/1.0 clients are sent gzip."""
    with nginx_edited(replica, ("gzip_http_version 1.1;", "gzip_http_version 1.0;")):
        yield


@fault(_LEVEL, _LOADED_LEVEL)
@contextmanager
def level_5(replica: Target) -> Iterator[None]:
    """NGX-21: level 5."""
    with nginx_edited(replica, ("gzip_comp_level 6;", "gzip_comp_level 5;")):
        yield


@fault(_LEVEL, _LOADED_LEVEL)
@contextmanager
def level_7_in_one_place(replica: Target) -> Iterator[None]:
    """NGX-21: level 7 for the documentation, which is what is measured."""
    docs = "location ^~ /api/docs {"
    with nginx_edited(replica, (docs, f"{docs} gzip_comp_level 7;")):
        yield


@fault(_BUFFERS)
@contextmanager
def other_buffers(replica: Target) -> Iterator[None]:
    """NGX-22: 32 buffers of 4k, nginx's default."""
    with nginx_edited(replica, ("gzip_buffers 16 8k;", "gzip_buffers 32 4k;")):
        yield
