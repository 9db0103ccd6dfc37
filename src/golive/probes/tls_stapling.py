"""Whether a server staples OCSP responses (RFC 6066 8), and what they say (RFC 6960).

nginx fetches the response when a worker process is first asked for one, does not wait for it,
and keeps it for that worker: the first handshakes of each worker have none, and that is no
defect. So whole rounds of handshakes are made until one has a response in every handshake, or
until `settle_s` is over; the last round is the result.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.tls_peer import Presented, is_issued_by, present

_AT_ONCE = 8  # handshakes at the same time, so that every worker process has some
_BETWEEN_ROUNDS_S = 0.1


@dataclass(frozen=True)
class StapledResponse:
    """One stapled response. Words are RFC 6960's; times are aware.

    `response_status` is SUCCESSFUL or why not (MALFORMED_REQUEST, TRY_LATER ...); only where it
    is SUCCESSFUL the rest says anything. `certificate_status` is GOOD, REVOKED or UNKNOWN;
    `next_update` None where the response has none (RFC 6960: newer information is always there).
    `for_this_certificate`: it is about the leaf that was served. `signed_by_issuer`: by the
    key that issued the leaf, or one that this key delegated OCSP signing to.
    """

    response_status: str
    certificate_status: str | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    for_this_certificate: bool = False
    signed_by_issuer: bool = False


@dataclass(frozen=True)
class Stapling:
    """`stapled` of `handshakes` fresh handshakes had a response; `responses` has each once."""

    handshakes: int
    stapled: int
    responses: tuple[StapledResponse, ...]


def stapling(endpoint: Endpoint, handshakes: int = 24, settle_s: float = 3.0) -> Stapling:
    """Look for stapled responses in fresh handshakes (NGX-16, NGX-17). Raises Unproven."""
    deadline = time.monotonic() + settle_s
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while True:
            presented = list(pool.map(present, [endpoint] * handshakes))
            stapled = [each for each in presented if each.staple is not None]
            if len(stapled) == handshakes or time.monotonic() > deadline:
                break
            # That the server has fetched its response is to be seen in a handshake only.
            time.sleep(_BETWEEN_ROUNDS_S)
    distinct = {each.staple: each for each in stapled}
    responses = tuple(_read(endpoint, each) for each in distinct.values())
    return Stapling(handshakes, len(stapled), responses)


def _read(endpoint: Endpoint, presented: Presented) -> StapledResponse:
    try:
        response = ocsp.load_der_ocsp_response(presented.staple or b"")
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return StapledResponse(response.response_status.name)
        singles = list(response.responses)
        leaf = presented.chain[0]
        about_leaf = [each for each in singles if each.serial_number == leaf.serial_number]
        single = (about_leaf or singles)[0]
        return StapledResponse(
            response.response_status.name,
            single.certificate_status.name,
            single.this_update_utc,
            single.next_update_utc,
            for_this_certificate=bool(about_leaf),
            signed_by_issuer=_signed_by_issuer(response, presented),
        )
    except (ValueError, IndexError) as error:
        reason = f"{endpoint}: stapled an OCSP response that cannot be read: {error}"
        raise Unproven(reason, Whose.TARGET) from error


def _signed_by_issuer(response: ocsp.OCSPResponse, presented: Presented) -> bool:
    return any(_signed(response, signer) for signer in _signers(response, presented))


def _signers(response: ocsp.OCSPResponse, presented: Presented) -> Iterator[x509.Certificate]:
    """Who may sign for the leaf (RFC 6960 4.2.2.2): its issuer, and the issuer's delegates."""
    leaf = presented.chain[0]
    for issuer in presented.chain[1:]:
        if not is_issued_by(leaf, issuer):
            continue
        yield issuer
        for delegate in response.certificates:
            usages = [e.value for e in delegate.extensions]
            may_sign = any(
                isinstance(usage, x509.ExtendedKeyUsage)
                and ExtendedKeyUsageOID.OCSP_SIGNING in usage
                for usage in usages
            )
            now = datetime.now(tz=delegate.not_valid_after_utc.tzinfo)
            valid = delegate.not_valid_before_utc <= now <= delegate.not_valid_after_utc
            if may_sign and valid and is_issued_by(delegate, issuer):
                yield delegate


def _signed(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None:  # Ed25519 and Ed448, which no public authority has
        return False
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(
                response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm
            )
        else:
            return False
    except InvalidSignature:
        return False
    return True
