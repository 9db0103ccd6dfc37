"""One HTTP/1.1 request, sent exactly as written, and the answer exactly as it came.

No redirect is followed, no proxy is taken from the environment, no path is normalised and
nothing is decompressed: what a check judges is what went over the wire.
"""

import errno
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import h11

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose

Scheme = Literal["http", "https"]
Version = Literal["1.0", "1.1"]
Headers = Sequence[tuple[str, str]]

_SWITCHING_PROTOCOLS = 101
_NO_WAY_THERE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}


@dataclass(frozen=True)
class Response:
    """An answer. `headers` keeps order and duplicates; `body` is as sent, not decompressed.

    `http_version` is "1.0", "1.1" or "2"; `duration_s` runs from before the first byte of
    the request was written (the connection was open already) to the last byte of the answer.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    http_version: str
    duration_s: float

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of the header, in order; names compare without case."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())


class _Stream(ssl.SSLSocket):
    """CPython's leaves itself open where it is reset before it is wrapped; this one does not."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ConnectionResetError:
            self.close()
            raise


def request(
    endpoint: Endpoint,
    path: str,
    *,
    method: str = "GET",
    headers: Headers = (),
    body: bytes | None = None,
    scheme: Scheme = "https",
    http_version: Version = "1.1",
    timeout_s: float = 5.0,
) -> Response:
    r"""Send one request on a connection of its own and return the answer.

    `path` is the request target as it is to stand on the wire (`//`, `/a\b`, `%2e` stay).
    `headers` are sent as given, duplicates too; one named Host or User-Agent takes the
    place of ours. `http_version` is what the request line says of the client.
    `timeout_s` bounds connecting, and then the exchange as a whole.

    Raises Unproven, the fault of: the network (name not resolved, no route, no answer to
    connecting), the target (refused, reset, certificate not trusted, silent once connected,
    closed without an answer, an answer that is not HTTP), or ours (an address that is not
    this machine's, unreadable roots, a request that HTTP/1.1 does not allow).
    """
    url = url_of(endpoint, path, scheme)
    conversation = h11.Connection(h11.CLIENT)
    try:
        message = conversation.send(
            h11.Request(
                method=method,
                target=path,
                headers=with_defaults(endpoint, headers, body),
            )
        )
        message = (message or b"") + (conversation.send(h11.Data(data=body or b"")) or b"")
        message += conversation.send(h11.EndOfMessage()) or b""
    except (h11.LocalProtocolError, UnicodeEncodeError) as error:
        raise Unproven(
            f"{method} {url}: not a request that can be sent: {error}", Whose.OURS
        ) from error
    # h11 writes HTTP/1.1 only; no target can hold this text, for it can hold no space.
    message = message.replace(b" HTTP/1.1\r\n", f" HTTP/{http_version}\r\n".encode(), 1)
    opened = connect_tls if scheme == "https" else connect
    with (
        opened(endpoint, timeout_s=timeout_s) as stream,
        naming_faults(f"{method} {url} ({endpoint})"),
    ):
        started = time.monotonic()
        stream.sendall(message)
        answer, received = _read(conversation, stream, deadline=started + timeout_s)
        return Response(
            url=url,
            status=answer.status_code,
            headers=tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in answer.headers.raw_items()
            ),
            body=received,
            http_version=answer.http_version.decode("ascii"),
            duration_s=time.monotonic() - started,
        )


def url_of(endpoint: Endpoint, path: str, scheme: Scheme = "https") -> str:
    """Return the address as a person would type it, for messages."""
    default = 443 if scheme == "https" else 80
    port = "" if endpoint.port == default else f":{endpoint.port}"
    return f"{scheme}://{endpoint.name}{port}{path}"


def with_defaults(
    endpoint: Endpoint, headers: Headers, body: bytes | None
) -> list[tuple[str, str]]:
    """Return `headers` behind those of Host, User-Agent and Content-Length they do not name."""
    given = {name.lower() for name, _ in headers}
    ours = [("Host", endpoint.name), ("User-Agent", "golive")]
    if body is not None and "transfer-encoding" not in given:
        ours.append(("Content-Length", str(len(body))))
    return [pair for pair in ours if pair[0].lower() not in given] + list(headers)


def connect(endpoint: Endpoint, *, timeout_s: float = 5.0) -> socket.socket:
    """Open a TCP connection from `endpoint.source`; the caller closes it.

    Raises Unproven as `request` does.
    """
    try:
        stream = socket.create_connection(
            (endpoint.address, endpoint.port),
            timeout=timeout_s,
            source_address=(endpoint.source, 0) if endpoint.source else None,
        )
    except TimeoutError as error:
        reason = f"no answer to connecting to {endpoint} within {timeout_s:g} s"
        raise Unproven(reason, Whose.NETWORK) from error
    except OSError as error:
        raise Unproven(f"cannot connect to {endpoint}: {error}", _whose(error)) from error
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def connect_tls(
    endpoint: Endpoint, *, alpn: Sequence[str] = (), timeout_s: float = 5.0
) -> ssl.SSLSocket:
    """Open a TLS connection, verified against `endpoint.roots`; the caller closes it.

    The name sent (SNI) and verified is `endpoint.name`; `alpn` are the protocols offered.
    Raises Unproven as `request` does.
    """
    context = _context(endpoint, alpn)
    context.sslsocket_class = _Stream
    plain = connect(endpoint, timeout_s=timeout_s)
    try:
        with naming_faults(f"TLS handshake with {endpoint}"):
            return context.wrap_socket(plain, server_hostname=endpoint.name)
    except BaseException:
        plain.close()
        raise


@contextmanager
def naming_faults(doing: str) -> Iterator[None]:
    """Turn what goes wrong on an open connection into Unproven, saying what was being done."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Unproven(f"{doing}: {error.verify_message}", Whose.TARGET) from error
    except TimeoutError as error:
        raise Unproven(f"{doing}: connected, but no full answer in time", Whose.TARGET) from error
    except OSError as error:
        raise Unproven(f"{doing}: {error}", _whose(error)) from error
    except h11.RemoteProtocolError as error:
        raise Unproven(f"{doing}: not an answer in HTTP/1.1: {error}", Whose.TARGET) from error


def receive(stream: socket.socket, *, deadline: float) -> bytes:
    """Return the next bytes, empty at the end; TimeoutError at `deadline` (monotonic).

    A timeout of the socket alone would start anew with every byte of a slow answer.
    """
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    stream.settimeout(remaining)
    return stream.recv(65536)


def _read(
    conversation: h11.Connection, stream: socket.socket, *, deadline: float
) -> tuple[h11.Response | h11.InformationalResponse, bytes]:
    answer: h11.Response | None = None
    body = bytearray()
    heard = False
    while True:
        event = conversation.next_event()
        if event is h11.NEED_DATA:
            data = receive(stream, deadline=deadline)
            if not (heard or data):
                raise ConnectionResetError("closed without an answer")
            heard = True
            conversation.receive_data(data)
        elif isinstance(event, h11.Response):
            answer = event
        elif (
            isinstance(event, h11.InformationalResponse)
            and event.status_code == _SWITCHING_PROTOCOLS
        ):
            return event, b""  # what follows is no longer HTTP/1.1
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and answer is not None:
            return answer, bytes(body)
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("closed without an answer")


def _context(endpoint: Endpoint, alpn: Sequence[str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=endpoint.roots)
    except OSError as error:
        reason = f"cannot read trusted roots from {endpoint.roots}: {error}"
        raise Unproven(reason, Whose.OURS) from error
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def _whose(error: OSError) -> Whose:
    if isinstance(error, socket.gaierror) or error.errno in _NO_WAY_THERE:
        return Whose.NETWORK
    if error.errno == errno.EADDRNOTAVAIL:
        return Whose.OURS
    return Whose.TARGET
