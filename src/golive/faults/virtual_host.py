"""Break which names the edge answers to."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.nginx_reload import nginx_edited
from golive.replica.hosts import SITE

_HOST = "platform/virtual_host.feature::"
_SERVED = f"{_HOST}It answers to its name, <written>"
_NOT_SERVED = f"{_HOST}It does not answer to <host> over HTTPS"
_NOT_SENT = f"{_HOST}It sends nobody to <host> from plain HTTP"
_NOT_SHOWN = f"{_HOST}A client that asks for <whom> is not shown the site's certificate"
_RENEWAL = f"{_HOST}The certificate can be renewed: the challenge is answered over plain HTTP"
_HEALTH = "platform/proxy.feature::The balancer's health check is not limited"

_REJECT = "ssl_reject_handshake on;"
_METRICS = "location = /metrics {"
_APEX = "dashboard-velo.com"


@fault(_SERVED, _HEALTH)
@contextmanager
def nobody_served(replica: Target) -> Iterator[None]:
    """NGX-29: the site's own name is answered 503 (at /health, which is what is asked for)."""
    closed = "location = /health { return 503; }"
    with nginx_edited(replica, (_METRICS, f"{closed} {_METRICS}")):
        yield


@fault(f"{_SERVED}[in capitals-API.Dashboard-Velo.COM]", f"{_SERVED}[with the port-{SITE}:443]")
@contextmanager
def spelling_matters(replica: Target) -> Iterator[None]:
    """NGX-29: the name is not answered to in capitals, nor with its port."""
    strict = "if ($http_host != $server_name) { return 421; }"
    with nginx_edited(replica, (_METRICS, f"{strict} {_METRICS}")):
        yield


@fault(_NOT_SERVED, _NOT_SHOWN)
@contextmanager
def site_for_everybody(replica: Target) -> Iterator[None]:
    """NGX-29: whatever name is asked for over HTTPS, the site answers (finding 10)."""
    listen, own = _listen(replica, 443, " ssl http2"), f"\n        server_name {SITE};"
    with nginx_edited(
        replica,
        (f"{listen} default_server;", f"{listen};"),
        (f"{listen};{own}", f"{listen} default_server;{own}"),
    ):
        yield


@fault(f"{_NOT_SERVED}[{_APEX}]", f"{_NOT_SHOWN}[{_APEX}]")
@contextmanager
def answers_for_the_apex(replica: Target) -> Iterator[None]:
    """NGX-29: the site answers to dashboard-velo.com too."""
    server = f"{_listen(replica, 443, ' ssl http2')};\n        server_name {SITE}"
    with nginx_edited(replica, (server, f"{server} {_APEX}")):
        yield


@fault(_NOT_SENT)
@contextmanager
def host_reflected(replica: Target) -> Iterator[None]:
    """NGX-29: plain HTTP sends everybody to the host that he names (finding 10)."""
    listen = _listen(replica, 80)
    with nginx_edited(
        replica,
        (f"{listen} default_server;", f"{listen};"),
        (f"{listen};\n        server_name", f"{listen} default_server;\n        server_name"),
    ):
        yield


@fault(_NOT_SHOWN)
@contextmanager
def certificate_for_everybody(replica: Target) -> Iterator[None]:
    """Whoever asks for another name is shown the site's certificate, though not served."""
    live = replica.path("edge", f"/etc/letsencrypt/live/{SITE}")
    shown = f"ssl_certificate {live}/fullchain.pem; ssl_certificate_key {live}/privkey.pem;"
    with nginx_edited(replica, (_REJECT, shown)):
        yield


@fault(_RENEWAL)
@contextmanager
def challenge_redirected(replica: Target) -> Iterator[None]:
    """The challenge of the certificate's renewal is sent to HTTPS (finding 14)."""
    with nginx_edited(replica, ("/.well-known/acme-challenge/", "/.well-known/acme/")):
        yield


def _listen(replica: Target, port: int, options: str = "") -> str:
    subnet = replica.subnet
    return f"listen {subnet.hosts['edge']}:{subnet.port(port)}{options}"
