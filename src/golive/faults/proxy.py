"""Break what the proxy passes on, and for how long it waits."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited

_PROXY = "platform/proxy.feature::"
_PORT = f"{_PROXY}Requests reach the application on port 3000"
_LOADED_PORT = f"{_PROXY}nginx has loaded port 3000 wherever it passes requests on"
_SEEN = f"{_PROXY}The application sees who asked for what, and how"
_SEEN_AUTH = f"{_PROXY}Authentication sees that too"
_FORGED = f"{_PROXY}A client that forges the headers of a proxy passes for nobody else at <path>"
_NOTHING_FORGED = f"{_PROXY}Nothing of what a client forged reaches the application"
_WEBSOCKET = f"{_PROXY}A WebSocket is opened through the proxy, and carries messages both ways"
_SECOND_WEBSOCKET = f"{_PROXY}A second WebSocket is not answered from a cache"
_BYPASS = f"{_PROXY}Requests for an upgrade are never looked for in a cache"
_TIMEOUT = f"{_PROXY}The proxy waits 90 s for an answer, as loaded"
_TIMEOUT_MEASURED = f"{_PROXY}A silent application is given up after 90 s, as measured"
_READ_DIFFERENTLY = f"{_PROXY}<path> is read differently by nginx and Node.js, and is refused"
_METRICS = f"{_PROXY}The application's metrics are not public"
_UPLOAD = f"{_PROXY}A recorded ride of 1.5 MB may be uploaded"
_COOKIE = f"{_PROXY}A cookie of 5 kB reaches the client"
_HEALTH = f"{_PROXY}The balancer's health check is not limited"
_SHARE = "platform/network.feature::Each application server receives requests"
_THREE = "platform/network.feature::nginx has loaded three application servers at least"

_READ_TIMEOUT = "proxy_read_timeout 90;"
_DOCS = "location ^~ /api/docs {"


@fault(_PORT, _LOADED_PORT, _SEEN, f"{_FORGED}[/]", _NOTHING_FORGED, _SHARE)
@contextmanager
def passed_to_somebody_else(replica: Target) -> Iterator[None]:
    """NGX-38: / is passed to Prometheus, so that nothing of it reaches the application."""
    address = replica.subnet.hosts["monitoring"]
    stray = f"location = / {{ proxy_pass http://{address}:9090; }}"
    with nginx_edited(replica, (_DOCS, f"{stray} {_DOCS}")):
        yield


@fault(_LOADED_PORT, _THREE)
@contextmanager
def another_port_in_reserve(replica: Target) -> Iterator[None]:
    """NGX-38: in reserve is a server on port 3001 (so not all are in use, ARC-02)."""
    reserve = f"server {replica.subnet.hosts['app-1']}:3001 backup;"
    with nginx_edited(replica, ("keepalive 32;", f"{reserve} keepalive 32;")):
        yield


@fault(_SEEN, _SEEN_AUTH, _FORGED)
@contextmanager
def host_of_the_upstream(replica: Target) -> Iterator[None]:
    """NGX-40, NGX-44: Host is the upstream's name."""
    with nginx_edited(
        replica, ("proxy_set_header Host $host;", "proxy_set_header Host $proxy_host;")
    ):
        yield


@fault(_SEEN_AUTH, f"{_FORGED}[/api/auth/login]")
@contextmanager
def headers_lost_for_authentication(replica: Target) -> Iterator[None]:
    """NGX-44: a location of its own has one header, and loses those of the server by it."""
    auth = "location ^~ /api/auth { proxy_set_header Host $host; proxy_pass http://application; }"
    with nginx_edited(replica, (_DOCS, f"{auth} {_DOCS}")):
        yield


@fault(_SEEN, _SEEN_AUTH, _FORGED)
@contextmanager
def real_ip_of_the_client(replica: Target) -> Iterator[None]:
    """NGX-40, NGX-44: X-Real-IP is what the client says."""
    name = "proxy_set_header X-Real-IP"
    with nginx_edited(replica, (f"{name} $remote_addr;", f"{name} $http_x_real_ip;")):
        yield


@fault(_NOTHING_FORGED)
@contextmanager
def forwarded_for_appended(replica: Target) -> Iterator[None]:
    """The client's own X-Forwarded-For goes before his address, as the document has it."""
    name = "proxy_set_header X-Forwarded-For"
    with nginx_edited(replica, (f"{name} $remote_addr;", f"{name} $proxy_add_x_forwarded_for;")):
        yield


@fault(_WEBSOCKET, _SECOND_WEBSOCKET)
@contextmanager
def upgrades_not_passed(replica: Target) -> Iterator[None]:
    """NGX-39: Upgrade is not passed on, so that no WebSocket is opened, nor a second one."""
    with nginx_edited(
        replica, ("proxy_set_header Upgrade $http_upgrade;", 'proxy_set_header Upgrade "";')
    ):
        yield


@fault(_BYPASS)
@contextmanager
def upgrades_looked_for(replica: Target) -> Iterator[None]:
    """NGX-41: proxy_cache_bypass names another condition."""
    name = "proxy_cache_bypass"
    with nginx_edited(replica, (f"{name} $http_upgrade;", f"{name} $http_pragma;")):
        yield


@fault(_TIMEOUT)
@contextmanager
def waits_shorter_but_for_one_path(replica: Target) -> Iterator[None]:
    """NGX-42: the proxy waits 60 s, nginx's default; 90 s only where silence is measured."""
    measured = f"location /__replica/slow {{ {_READ_TIMEOUT} proxy_pass http://application; }}"
    with nginx_edited(replica, (_READ_TIMEOUT, ""), (_DOCS, f"{measured} {_DOCS}")):
        yield


@fault(_TIMEOUT, _TIMEOUT_MEASURED)
@contextmanager
def waits_shorter(replica: Target) -> Iterator[None]:
    """NGX-42: the proxy waits 30 s."""
    with nginx_edited(replica, (_READ_TIMEOUT, "proxy_read_timeout 30;")):
        yield


@fault(_TIMEOUT_MEASURED)
@contextmanager
def asks_another_after_90_s(replica: Target) -> Iterator[None]:
    """NGX-42: after 90 s another server is asked, for which the client waits 90 s more."""
    with nginx_edited(replica, ("proxy_next_upstream_timeout 10;", "")):
        yield


@fault(_READ_DIFFERENTLY)
@contextmanager
def encoded_slashes_passed(replica: Target) -> Iterator[None]:
    """Paths that Node.js reads differently are passed on (findings 2 and 3)."""
    with nginx_edited(replica, (r"([\\\\#]|%2f|%5c|%2e)", "(%00)")):
        yield


@fault(f"{_READ_DIFFERENTLY}[/api\\docs]")
@contextmanager
def backslash_passed(replica: Target) -> Iterator[None]:
    """A backslash is passed on: nginx reads two of them, in quotes, as one that quotes the #."""
    with nginx_edited(replica, (r"[\\\\#]", r"[\\#]")):
        yield


@fault(_METRICS)
@contextmanager
def metrics_public(replica: Target) -> Iterator[None]:
    """The application's metrics are public (finding 9)."""
    location = "location = /metrics {\n            return 404;"
    public = "location = /metrics {\n            proxy_pass http://application;"
    with nginx_edited(replica, (location, public)):
        yield


@fault(_UPLOAD)
@contextmanager
def small_bodies(replica: Target) -> Iterator[None]:
    """Bodies may have 1 MB, nginx's default (finding 13)."""
    with nginx_edited(replica, ("client_max_body_size 10m;", "")):
        yield


@fault(_COOKIE)
@contextmanager
def small_headers(replica: Target) -> Iterator[None]:
    """The header of an answer may have 4 kB, nginx's default (finding 13)."""
    with nginx_edited(replica, ("proxy_buffer_size 16k;", "")):
        yield


@fault(_HEALTH)
@contextmanager
def health_limited(replica: Target) -> Iterator[None]:
    """The balancer's health check is limited (finding 1)."""
    with nginx_edited(replica, ("/(health|ready)$", "/(ready)$")):
        yield
