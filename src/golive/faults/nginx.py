"""Break how nginx runs, and what it has loaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_NGINX = "platform/nginx.feature::"
_USER = f"{_NGINX}Workers run as www-data, not root"
_WORKERS = f"{_NGINX}One worker for each CPU"
_CONNECTIONS = f"{_NGINX}4096 connections a worker"
_OPEN_FILES = f"{_NGINX}The open-file limit allows a worker its connections"
_ACCEPT = f"{_NGINX}A worker accepts all that wait at once"
_EPOLL = f"{_NGINX}Workers wait with epoll"
_UNDELAYED = f"{_NGINX}Files and small answers are sent without delay"
_TYPES_HASH = f"{_NGINX}The hash of media types is 2048"
_KEPT = f"{_NGINX}Keep-alive is set to 65 s, as loaded"
_KEPT_MEASURED = f"{_NGINX}An idle connection is kept 65 s, as measured"
_LOG = f"{_NGINX}The access log has no query string, for it may carry a token"

_DOCS = "location ^~ /api/docs {"


@fault(_USER)
@contextmanager
def workers_as_root(replica: Target) -> Iterator[None]:
    """NGX-01: workers run as root."""
    with nginx_edited(replica, ("user www-data;", "user root;")):
        yield


@fault(_WORKERS)
@contextmanager
def worker_too_many(replica: Target) -> Iterator[None]:
    """NGX-02: one worker more than there are CPUs."""
    count = os.sysconf("SC_NPROCESSORS_ONLN") + 1
    with nginx_edited(replica, ("worker_processes auto;", f"worker_processes {count};")):
        yield


@fault(_CONNECTIONS)
@contextmanager
def connections_of_the_package(replica: Target) -> Iterator[None]:
    """NGX-03: 768 connections a worker, as Debian's file has it."""
    with nginx_edited(replica, ("worker_connections 4096;", "worker_connections 768;")):
        yield


@fault(_OPEN_FILES)
@contextmanager
def open_files_of_the_system(replica: Target) -> Iterator[None]:
    """NGX-03: 1024 open files, the system's default, for 4096 connections (finding 11)."""
    with nginx_edited(replica, ("worker_rlimit_nofile 16384;", "worker_rlimit_nofile 1024;")):
        yield


@fault(_ACCEPT)
@contextmanager
def accepts_one_at_a_time(replica: Target) -> Iterator[None]:
    """NGX-04: multi_accept is off."""
    with nginx_edited(replica, ("multi_accept on;", "multi_accept off;")):
        yield


@fault(_EPOLL)
@contextmanager
def events_left_to_nginx(replica: Target) -> Iterator[None]:
    """NGX-05: how to wait for events is left to nginx. (Debian's has no other way than epoll.)"""
    with nginx_edited(replica, ("use epoll;", "")):
        yield


@fault(_UNDELAYED)
@contextmanager
def sendfile_off(replica: Target) -> Iterator[None]:
    """NGX-06: sendfile is off."""
    with nginx_edited(replica, ("sendfile on;", "sendfile off;")):
        yield


@fault(_UNDELAYED)
@contextmanager
def nodelay_off_in_one_place(replica: Target) -> Iterator[None]:
    """NGX-06: a location takes back what the server has: tcp_nodelay."""
    with nginx_edited(replica, (_DOCS, f"{_DOCS} tcp_nodelay off;")):
        yield


@fault(_TYPES_HASH)
@contextmanager
def types_hash_of_nginx(replica: Target) -> Iterator[None]:
    """NGX-08: types_hash_max_size is not set, so that it is 1024."""
    with nginx_edited(replica, ("types_hash_max_size 2048;", "")):
        yield


@fault(_KEPT)
@contextmanager
def kept_longer_in_one_place(replica: Target) -> Iterator[None]:
    """NGX-07: one location keeps idle connections for 75 s."""
    with nginx_edited(replica, (_DOCS, f"{_DOCS} keepalive_timeout 75;")):
        yield


@fault(_KEPT, _KEPT_MEASURED)
@contextmanager
def kept_shortly(replica: Target) -> Iterator[None]:
    """NGX-07: idle connections are kept for 30 s."""
    with nginx_edited(replica, ("keepalive_timeout 65;", "keepalive_timeout 30;")):
        yield


@fault(_LOG)
@contextmanager
def query_logged(replica: Target) -> Iterator[None]:
    """The access log has the request with its query (finding 19)."""
    with nginx_edited(replica, ('"uri":"$uri"', '"uri":"$request_uri"')):
        yield
