"""Who chooses the TLS 1.2 cipher suite, and in which order; which protocol ALPN chooses.

sslyze tells neither. The order is walked with plain handshakes: offer all suites, note the
one chosen, take it away, offer the rest, until the server refuses. The walk is made twice,
the second time with the client's preference turned round: a server that decides for itself
(nginx `ssl_prefer_server_ciphers on`) chooses the same suites in the same order.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.tls_handshake import RefusedError, client_context, handshake

# The alerts of a server that has no suite, or not this version, in common with its client
# (RFC 5246 7.2.2), in OpenSSL's words.
_NO_SUITE_LEFT = ("alert handshake failure", "insufficient security", "protocol version")


@dataclass(frozen=True)
class CipherOrder:
    """The TLS 1.2 suites a server chose, one after the other (OpenSSL's names).

    `chosen` answers a client that prefers OpenSSL's order, `chosen_reversed` one that prefers
    the opposite. Suites that this machine's OpenSSL does not know any more (RC4, SSL 2.0's)
    were not offered: TlsAudit.tls12_suites has those too.
    """

    chosen: tuple[str, ...]
    chosen_reversed: tuple[str, ...]

    @property
    def enforced(self) -> bool | None:
        """Whether the server's order held against the client's; None if it had one suite only."""
        if len(self.chosen) < 2:
            return None
        return self.chosen == self.chosen_reversed


@dataclass(frozen=True)
class Alpn:
    """What a server chose of the protocols offered (RFC 7301).

    `chosen` is None where it answered without the extension, or refused with `alert`.
    """

    offered: tuple[str, ...]
    chosen: str | None
    alert: str | None


def cipher_order(endpoint: Endpoint) -> CipherOrder:
    """Walk the order of TLS 1.2 suites (NGX-11, NGX-12). Raises Unproven where there is none."""
    offered = [
        cipher["name"]
        for cipher in client_context().get_ciphers()
        if cipher["protocol"] != "TLSv1.3"
    ]
    chosen = _walk(endpoint, offered)
    chosen_reversed = _walk(endpoint, offered[::-1])
    if not chosen:
        reason = f"{endpoint}: refused TLS 1.2 with each of {len(offered)} suites: no order to see"
        raise Unproven(reason, Whose.TARGET)
    return CipherOrder(chosen, chosen_reversed)


def alpn(endpoint: Endpoint, offered: Sequence[str]) -> Alpn:
    """Offer application protocols, such as h2 and http/1.1 (NGX-28). Raises Unproven."""
    context = client_context()
    context.set_alpn_protocols(list(offered))
    try:
        with handshake(endpoint, context) as tls:
            return Alpn(tuple(offered), tls.selected_alpn_protocol(), None)
    except RefusedError as refused:
        if "no application protocol" in refused.alert.lower():
            return Alpn(tuple(offered), None, refused.alert)
        reason = f"{endpoint}: refused the handshake: {refused.alert}"
        raise Unproven(reason, Whose.TARGET) from refused


def _walk(endpoint: Endpoint, offered: Sequence[str]) -> tuple[str, ...]:
    rest, chosen = list(offered), list[str]()
    context = client_context(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    while rest:
        context.set_ciphers(":".join([*rest, "@SECLEVEL=0"]))
        try:
            with handshake(endpoint, context) as tls:
                cipher = tls.cipher()
        except RefusedError as refused:
            if not any(end in refused.alert.lower() for end in _NO_SUITE_LEFT):
                reason = f"{endpoint}: the walk broke off after {chosen}: {refused.alert}"
                raise Unproven(reason, Whose.TARGET) from refused
            break
        if cipher is None or cipher[0] not in rest:
            raise Unproven(f"{endpoint}: chose {cipher}, which was not offered", Whose.TARGET)
        rest.remove(cipher[0])
        chosen.append(cipher[0])
    return tuple(chosen)
