"""Break what a client and the edge agree on."""

import datetime
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from golive.faults.fault import ANY, FaultError, Target, fault
from golive.faults.nginx_reload import nginx_edited
from golive.replica.authority import Authority
from golive.replica.hosts import SITE
from golive.replica.ocsp import Responder
from golive.replica.reap import MARK

_TLS = "11_security_audit/tls.feature::"
_VERSIONS = f"{_TLS}Only TLS 1.2 and TLS 1.3 are accepted"
_ENABLED = f"{_TLS}nginx enables no other protocol"
_SUITES = f"{_TLS}The TLS 1.2 cipher suites are the documented ones, in that order"
_PREFERENCE = f"{_TLS}The server chooses the cipher suite, whatever the client prefers"
_HTTP2 = f"{_TLS}HTTP/2 is negotiated by ALPN"
_HTTP1 = f"{_TLS}A client without HTTP/2 is served HTTP/1.1"
_RESUMED_12 = f"{_TLS}A TLS 1.2 session resumes from the shared cache, whichever worker answers"
_RESUMED_13 = f"{_TLS}A TLS 1.3 session resumes too"
_LIFE = f"{_TLS}A session lives 10 minutes"
_TICKETS = f"{_TLS}No session tickets are issued"
_STAPLED = f"{_TLS}An OCSP response is stapled"
_FRESH = f"{_TLS}The stapled response is valid and fresh"
_CURVES = f"{_TLS}No curve beyond the common ones"

_PROTOCOLS = "ssl_protocols TLSv1.2 TLSv1.3;"
_FIRST = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
_SECOND = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
_LAST = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256'"
_CACHE = "ssl_session_cache shared:SSL:10m;"
_STAPLING = "ssl_stapling on;"


@fault(_VERSIONS, _ENABLED, _SUITES)
@contextmanager
def tls11_accepted(replica: Target) -> Iterator[None]:
    """NGX-10: TLS 1.1 is accepted.

    OpenSSL 3 has it at security level 0 only, and only with a CBC suite, so that the list of
    suites is another one too.
    """
    with nginx_edited(
        replica,
        (_PROTOCOLS, "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3;"),
        (_LAST, f"{_LAST[:-1]}:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0'"),
    ):
        yield


@fault(_ENABLED)
@contextmanager
def tls11_enabled(replica: Target) -> Iterator[None]:
    """NGX-10: TLS 1.1 is enabled, and only OpenSSL's security level keeps it asleep."""
    with nginx_edited(replica, (_PROTOCOLS, "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3;")):
        yield


@fault(_VERSIONS, _ENABLED, _CURVES, blinds=(_RESUMED_13, _LIFE, _TICKETS))
@contextmanager
def tls13_off(replica: Target) -> Iterator[None]:
    """NGX-10: TLS 1.3 is neither enabled nor accepted, so that it has no sessions to look at.

    In TLS 1.2 whoever offers another curve than the certificate's alone is refused.
    """
    with nginx_edited(replica, (_PROTOCOLS, "ssl_protocols TLSv1.2;")):
        yield


@fault(_SUITES)
@contextmanager
def suite_added(replica: Target) -> Iterator[None]:
    """NGX-12: a CBC suite is accepted beside the documented ones."""
    with nginx_edited(replica, (_LAST, f"{_LAST[:-1]}:ECDHE-ECDSA-AES256-SHA384'")):
        yield


@fault(_SUITES)
@contextmanager
def suite_missing(replica: Target) -> Iterator[None]:
    """NGX-12: the AES 128 suites, the last of the list, are refused."""
    with nginx_edited(replica, (f":{_LAST}", "'")):
        yield


@fault(_SUITES)
@contextmanager
def suites_in_another_order(replica: Target) -> Iterator[None]:
    """NGX-12: the server prefers ChaCha20 to AES 256."""
    with nginx_edited(replica, (_FIRST + _SECOND, _SECOND + _FIRST)):
        yield


@fault(_PREFERENCE)
@contextmanager
def client_chooses(replica: Target) -> Iterator[None]:
    """NGX-11: ssl_prefer_server_ciphers is off."""
    on, off = "ssl_prefer_server_ciphers on;", "ssl_prefer_server_ciphers off;"
    with nginx_edited(replica, (on, off)):
        yield


@fault(_HTTP2, blinds=[ANY])
@contextmanager
def http2_off(replica: Target) -> Iterator[None]:
    """NGX-28: the edge does not speak HTTP/2, in which limits are measured."""
    listen = f"listen {replica.subnet.hosts['edge']}:{replica.subnet.port(443)} ssl"
    with nginx_edited(
        replica,
        (f"{listen} http2 default_server;", f"{listen} default_server;"),
        (f"{listen} http2;", f"{listen};"),
    ):
        yield


@fault(_HTTP1, blinds=[ANY])
@contextmanager
def http1_refused(replica: Target) -> Iterator[None]:
    """NGX-28: a load balancer before nginx has no protocol for clients without HTTP/2.

    What else is asked by such a client (WebSocket) cannot be measured then.
    """
    edge, port = replica.subnet.hosts["edge"], replica.subnet.port(443)
    inner = edge.removesuffix("10") + "11"
    listen, moved = f"listen {edge}:{port} ssl http2", f"listen {inner}:{port} ssl http2"
    with nginx_edited(
        replica,
        (f"{listen} default_server;", f"{moved} default_server;"),
        (f"{listen};", f"{moved};"),
    ):
        command = [sys.executable, "-m", "golive.faults.alpn_relay", edge, inner, str(port)]
        # The mark has it killed with the replica, should we be killed.
        environment = {**os.environ, MARK: str(replica.directory)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as relay:
            try:
                if not (relay.stdout and relay.stdout.readline()):
                    raise FaultError(f"the relay ended with status {relay.wait()}")
                yield
            finally:
                relay.kill()


@fault(_RESUMED_12, _RESUMED_13)
@contextmanager
def cache_of_each_worker(replica: Target) -> Iterator[None]:
    """NGX-13: each worker has a session cache of its own, so that no version resumes always."""
    with nginx_edited(replica, (_CACHE, "ssl_session_cache builtin:1000;")):
        yield


@fault(_RESUMED_12, _TICKETS)
@contextmanager
def tickets_instead_of_cache(replica: Target) -> Iterator[None]:
    """NGX-13: there is no cache, and what makes up for it are tickets (NGX-15)."""
    with nginx_edited(
        replica,
        (_CACHE, "ssl_session_cache off;"),
        ("ssl_session_tickets off;", "ssl_session_tickets on;"),
    ):
        yield


@fault(_RESUMED_13, _LIFE)
@contextmanager
def tls13_sessions_not_given(replica: Target) -> Iterator[None]:
    """NGX-13: TLS 1.3 sends nothing to resume with, so no lifetime either."""
    with nginx_edited(replica, (_CACHE, f"{_CACHE} ssl_conf_command NumTickets 0;")):
        yield


@fault(_LIFE)
@contextmanager
def sessions_of_5_minutes(replica: Target) -> Iterator[None]:
    """NGX-14: ssl_session_timeout is 5m, nginx's default."""
    with nginx_edited(replica, ("ssl_session_timeout 10m;", "ssl_session_timeout 5m;")):
        yield


@fault(_LIFE)
@contextmanager
def sessions_of_11_minutes(replica: Target) -> Iterator[None]:
    """NGX-14: ssl_session_timeout is 11m."""
    with nginx_edited(replica, ("ssl_session_timeout 10m;", "ssl_session_timeout 11m;")):
        yield


@fault(_TICKETS)
@contextmanager
def tickets_issued(replica: Target) -> Iterator[None]:
    """NGX-15: ssl_session_tickets is on."""
    with nginx_edited(replica, ("ssl_session_tickets off;", "ssl_session_tickets on;")):
        yield


@fault(_STAPLED, blinds=[_FRESH])
@contextmanager
def stapling_off(replica: Target) -> Iterator[None]:
    """NGX-16: ssl_stapling is off; there is no response that could be judged."""
    with nginx_edited(replica, (_STAPLING, "ssl_stapling off;")):
        yield


@fault(_STAPLED, blinds=[_FRESH])
@contextmanager
def responder_unreachable(replica: Target) -> Iterator[None]:
    """NGX-16: nginx asks a responder that does not answer, and staples nothing."""
    nobody = f"ssl_stapling_responder http://{replica.subnet.hosts['authority']}:9/;"
    with nginx_edited(replica, (_STAPLING, f"{_STAPLING} {nobody}")):
        yield


@fault(_FRESH)
@contextmanager
def stale_response(replica: Target) -> Iterator[None]:
    """NGX-17: what is stapled comes from a file that nobody renews: it expired yesterday."""
    day = datetime.timedelta(days=1)
    with _stapled_file(replica, valid=day, age=2 * day):
        yield


@fault(_FRESH)
@contextmanager
def response_from_the_future(replica: Target) -> Iterator[None]:
    """NGX-17: the stapled response is not valid yet."""
    day = datetime.timedelta(days=1)
    with _stapled_file(replica, valid=day, age=-day):
        yield


@fault(_CURVES)
@contextmanager
def curve_added(replica: Target) -> Iterator[None]:
    """No statement: a curve more is accepted, secp521r1."""
    curves = "ssl_ecdh_curve X25519:prime256v1:secp384r1;"
    with nginx_edited(replica, (curves, f"{curves[:-1]}:secp521r1;")):
        yield


@contextmanager
def _stapled_file(
    replica: Target, valid: datetime.timedelta, age: datetime.timedelta
) -> Iterator[None]:
    """With a response of the authority's stapled from a file, which nginx does not verify."""
    chain = replica.path("edge", f"/etc/letsencrypt/live/{SITE}/fullchain.pem").read_bytes()
    leaf, issuer = x509.load_pem_x509_certificates(chain)
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA256()).build()
    authority = replica.root("authority")
    responder = Responder(Authority.load(authority), authority, valid, age)
    file = replica.path("edge", "/etc/nginx/stapled.der")
    try:
        file.write_bytes(responder.respond(request.public_bytes(Encoding.DER)))
        with nginx_edited(replica, (_STAPLING, f"{_STAPLING} ssl_stapling_file {file};")):
            yield
    finally:
        file.unlink()
