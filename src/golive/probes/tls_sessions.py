"""How a server resumes TLS sessions, and what it gives a client to resume them with.

In TLS 1.2 (RFC 5246, RFC 5077) a session is resumed either by its id, a key into the server's
cache, or by a session ticket, which holds the whole session sealed with a key of the server's.
nginx's `ssl_session_tickets off` means that no ticket is sent.

In TLS 1.3 (RFC 8446 4.6.1) there is one message for both, NewSessionTicket, whose ticket is
either "a database lookup key" or "self-encrypted". With `ssl_session_tickets off` OpenSSL
(SSL_OP_NO_TICKET) still sends that message, with the 32 bytes of a session id as the ticket:
the session stays in the server's cache, and no ticket in the sense of TLS 1.2 is issued. The
two are told apart by size: a sealed session holds at least a resumption secret of 32 bytes
and what authenticates it, and so is longer than 32 bytes (OpenSSL's are some 200).

sslyze reports TLS 1.2 only, five attempts one after the other; with several worker processes
that may be five times the same one.
"""

import contextlib
import ssl
from dataclasses import dataclass

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.tls_handshake import (
    RefusedError,
    begin,
    client_context,
    failures_told_apart,
    finish,
    handshake,
)

LONGEST_LOOKUP_KEY = 32  # bytes: an OpenSSL session id
_SESSION_TICKET, _PRE_SHARED_KEY = 35, 41  # extensions: RFC 5077 3.2, RFC 8446 4.2.11


@dataclass(frozen=True)
class Resumption:
    """How one session of one TLS version was resumed, and what the server gave for it.

    `resumed` of `attempts` connections resumed it; they were opened at once, so that every
    worker process had some. `ticket_bytes` is the size of the ticket (TLS 1.2's, or of
    TLS 1.3's NewSessionTicket), None where none came. `lifetime_s` is the lifetime that the
    server gave with it, None without one: TLS 1.2 has no way to tell that of a session id.
    """

    version: str
    attempts: int
    resumed: int
    ticket_bytes: int | None
    lifetime_s: int | None

    @property
    def holds_session(self) -> bool:
        """Whether the server issued a ticket that holds the session itself (stateless)."""
        if self.ticket_bytes is None:
            return False
        return self.version == "TLSv1.2" or self.ticket_bytes > LONGEST_LOOKUP_KEY


def resumption_by_id(endpoint: Endpoint, attempts: int = 48) -> Resumption:
    """Resume a TLS 1.2 session by its id; the client takes no tickets (NGX-13).

    `ticket_bytes` is None therefore. Raises Unproven, also where TLS 1.2 is refused.
    """
    context = client_context(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    context.options |= ssl.OP_NO_TICKET
    return _resumption(endpoint, context, attempts)


def resumption_tls12(endpoint: Endpoint, attempts: int = 48) -> Resumption:
    """Resume a TLS 1.2 session as browsers do: by ticket if one is issued, else by id (NGX-15).

    Raises Unproven, also where TLS 1.2 is refused.
    """
    context = client_context(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    return _resumption(endpoint, context, attempts)


def resumption_tls13(endpoint: Endpoint, attempts: int = 48) -> Resumption:
    """Resume a TLS 1.3 session with what the server sent for it (NGX-13, NGX-14, NGX-15).

    Raises Unproven, also where TLS 1.3 is refused.
    """
    context = client_context(ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
    return _resumption(endpoint, context, attempts)


def _resumption(endpoint: Endpoint, context: ssl.SSLContext, attempts: int) -> Resumption:
    version = context.maximum_version.name.replace("_", ".")
    try:
        session = _session(endpoint, context)
        resumed = _resume_at_once(endpoint, context, session, attempts)
    except RefusedError as refused:
        reason = f"{endpoint}: refused {version}: {refused.alert}"
        raise Unproven(reason, Whose.TARGET) from refused
    ticket = _ticket(context, session) if session.has_ticket else None
    lifetime = session.ticket_lifetime_hint if session.has_ticket else None
    return Resumption(version, attempts, resumed, len(ticket) if ticket else None, lifetime)


def _session(endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSession:
    """Open a session and wait for all that the server has to say of it.

    TLS 1.3's ticket comes after the handshake. The server has sent it when it answers our
    close_notify, with its own or by closing (nginx does that).
    """
    with handshake(endpoint, context) as tls:
        with failures_told_apart(endpoint), contextlib.suppress(ssl.SSLEOFError):
            tls.unwrap()
        session = tls.session
    if session is None:
        raise Unproven(f"{endpoint}: OpenSSL kept no session of a handshake", Whose.TOOL)
    return session


def _resume_at_once(
    endpoint: Endpoint, context: ssl.SSLContext, session: ssl.SSLSession, attempts: int
) -> int:
    with contextlib.ExitStack() as opened:
        connections = [
            opened.enter_context(begin(endpoint, context, session)) for _ in range(attempts)
        ]
        for tls in connections:
            finish(endpoint, tls)
        return sum(tls.session_reused is True for tls in connections)


def _ticket(context: ssl.SSLContext, session: ssl.SSLSession) -> bytes:
    """Read the ticket of a session from the ClientHello that would resume it (in memory)."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, session=session)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    extensions = _client_hello_extensions(outgoing.read())
    if _PRE_SHARED_KEY in extensions:
        identity = extensions[_PRE_SHARED_KEY][2:]  # past the length of all identities
        return identity[2 : 2 + int.from_bytes(identity[:2])]
    return extensions.get(_SESSION_TICKET, b"")


def _client_hello_extensions(record: bytes) -> dict[int, bytes]:
    """Split a ClientHello (RFC 8446 4.1.2) of one TLS record into its extensions."""
    at = 5 + 4 + 2 + 32  # headers of record and handshake, version, random
    at += 1 + record[at]  # session id
    at += 2 + int.from_bytes(record[at : at + 2])  # cipher suites
    at += 1 + record[at]  # compression methods
    at += 2  # length of all extensions
    extensions = {}
    while at < len(record):
        kind, length = int.from_bytes(record[at : at + 2]), int.from_bytes(record[at + 2 : at + 4])
        extensions[kind] = record[at + 4 : at + 4 + length]
        at += 4 + length
    return extensions
