"""One TLS handshake as an endpoint's client, with every way to fail told apart.

A TLS alert is the server's answer to what it was offered: it is `RefusedError`, which a probe may
count as a fact. Everything else that goes wrong has measured nothing: it is `Unproven`.

    Exception
    ├── RefusedError   the server answered with an alert: it does not want this handshake
    └── Unproven       golive.outcome
"""

import contextlib
import errno
import socket
import ssl
import warnings
from collections.abc import Iterator

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose

TIMEOUT_S = 5.0  # for each wait on the network: the connection, then each answer

# Alerts that OpenSSL names without the word "alert", and a ServerHello of a version that was
# not offered: both are a server's answer, and no garbage.
_ANSWERS = ("alert", "unrecognized name", "unsupported protocol", "wrong ssl version")


class RefusedError(Exception):
    """The server answered the ClientHello with an alert (RFC 8446 6.2); `alert` is its text."""

    def __init__(self, alert: str) -> None:
        super().__init__(alert)
        self.alert = alert


def client_context(
    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """Make a context that offers all that OpenSSL has, weak suites too, and trusts anybody.

    What is measured is what the server accepts; whom to trust is the certificate probe's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        # Python warns of TLS 1.0 and 1.1: to find them accepted is the purpose here.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = lowest, highest
    return context


def connect(endpoint: Endpoint) -> socket.socket:
    """Open a TCP connection from `endpoint.source`. Raises Unproven."""
    source = (endpoint.source, 0) if endpoint.source else None
    try:
        return socket.create_connection(
            (endpoint.address, endpoint.port), TIMEOUT_S, source_address=source
        )
    except socket.gaierror as error:
        raise Unproven(f"{endpoint}: the address has no answer: {error}", Whose.NETWORK) from error
    except ConnectionRefusedError as error:
        raise Unproven(f"{endpoint}: connection refused, nothing listens", Whose.TARGET) from error
    except TimeoutError as error:
        reason = f"{endpoint}: no connection within {TIMEOUT_S:g} s"
        raise Unproven(reason, Whose.NETWORK) from error
    except OSError as error:
        ours = error.errno in (errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
        reason = f"{endpoint}: cannot connect: {error}"
        raise Unproven(reason, Whose.OURS if ours else Whose.NETWORK) from error


@contextlib.contextmanager
def failures_told_apart(endpoint: Endpoint) -> Iterator[None]:
    """Turn what a handshake raises into RefusedError or Unproven; SSLWantReadError stays."""
    try:
        yield
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        raise
    except TimeoutError as error:
        reason = f"{endpoint}: connected, but no answer to TLS within {TIMEOUT_S:g} s"
        raise Unproven(reason, Whose.TARGET) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError) as error:
        reason = f"{endpoint}: closed the connection during the TLS handshake"
        raise Unproven(reason, Whose.TARGET) from error
    except ssl.SSLError as error:
        text = str(error)
        if any(answer in text.lower().replace("_", " ") for answer in _ANSWERS):
            raise RefusedError(text) from error
        raise Unproven(f"{endpoint}: does not answer as TLS does: {text}", Whose.TARGET) from error


def begin(
    endpoint: Endpoint, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    """Connect, send the ClientHello and come back at once; `finish` does the rest.

    Several begun together keep a server's worker processes busy at the same time, so that the
    kernel spreads them. Raises Unproven.
    """
    raw = connect(endpoint)
    tls = context.wrap_socket(
        raw, server_hostname=endpoint.name, do_handshake_on_connect=False, session=session
    )
    try:
        tls.setblocking(False)
        with failures_told_apart(endpoint), contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
    except BaseException:
        tls.close()
        raise
    return tls


def finish(endpoint: Endpoint, tls: ssl.SSLSocket) -> None:
    """Complete a begun handshake. Raises RefusedError, Unproven; the caller closes in any case."""
    tls.settimeout(TIMEOUT_S)
    with failures_told_apart(endpoint):
        tls.do_handshake()


@contextlib.contextmanager
def handshake(
    endpoint: Endpoint, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> Iterator[ssl.SSLSocket]:
    """Connect and shake hands; closed at the end. Raises RefusedError, Unproven."""
    with begin(endpoint, context, session) as tls:
        finish(endpoint, tls)
        yield tls
