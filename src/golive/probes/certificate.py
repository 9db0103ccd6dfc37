"""The certificate chain that a server presents, and whether a client can trust it (NGX-30)."""

import ipaddress
import itertools
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import verification
from cryptography.x509.oid import AuthorityInformationAccessOID

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.tls_peer import is_issued_by, present


@dataclass(frozen=True)
class CertificateFacts:
    """A leaf certificate and its chain, as served and as seen at `at`. Times are aware, UTC.

    `chain`: the subjects as they were served, leaf first; `in_order`: each is signed by the
    next. `complete`: the served certificates lead to a trusted root (nothing is fetched), be
    they valid at that time or not. `names`: the DNS names and IP addresses of the subject
    alternative name; `matches_name`: one of them is the endpoint's (RFC 6125).
    `trusted`: path, dates, name, key usage and algorithms satisfy the Web PKI's profile
    (CA/Browser Forum, as cryptography verifies it); `distrust` says why not, None if trusted.
    `days_left` is negative when it is over; `lifetime` is not_after less not_before.
    `key_type` is EC, RSA or another; `key_bits` its size, None where the type has only one;
    `signature_hash` such as sha256, None where the algorithm needs none.
    """

    chain: tuple[str, ...]
    in_order: bool
    complete: bool
    names: tuple[str, ...]
    matches_name: bool
    trusted: bool
    distrust: str | None
    not_before: datetime
    not_after: datetime
    at: datetime
    key_type: str
    key_bits: int | None
    signature_hash: str | None
    ocsp_urls: tuple[str, ...]
    serial: int

    @property
    def days_left(self) -> float:
        """Days from `at` until it expires."""
        return (self.not_after - self.at) / timedelta(days=1)

    @property
    def lifetime(self) -> timedelta:
        """How long it is valid in all."""
        return self.not_after - self.not_before


def inspect(endpoint: Endpoint, at: datetime | None = None) -> CertificateFacts:
    """Look at the certificate served for `endpoint.name`, at an aware time (None: now).

    Raises Unproven where there is none to be had, or no root to trust could be read.
    """
    at = (at or datetime.now(UTC)).astimezone(UTC)
    roots = _roots(endpoint.roots)
    chain = present(endpoint).chain
    try:
        return _facts(endpoint, chain, roots, at)
    except (ValueError, UnsupportedAlgorithm) as error:
        reason = f"{endpoint}: served a certificate that cannot be read: {error}"
        raise Unproven(reason, Whose.TARGET) from error


def _facts(
    endpoint: Endpoint,
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
) -> CertificateFacts:
    leaf = chain[0]
    names = names_of(leaf)
    distrust = _distrust(endpoint.name, chain, roots, at)
    key_type, key_bits = _key(leaf)
    hash_algorithm = leaf.signature_hash_algorithm
    return CertificateFacts(
        chain=tuple(certificate.subject.rfc4514_string() for certificate in chain),
        in_order=all(
            is_issued_by(subject, issuer) for subject, issuer in itertools.pairwise(chain)
        ),
        complete=_complete(chain, roots),
        names=names,
        matches_name=any(_matches(endpoint.name, name) for name in names),
        trusted=distrust is None,
        distrust=distrust,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        at=at,
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=hash_algorithm.name if hash_algorithm else None,
        ocsp_urls=_ocsp_urls(leaf),
        serial=leaf.serial_number,
    )


def _roots(path: Path | None) -> list[x509.Certificate]:
    """Read trusted roots; the system's where `path` is None. Raises Unproven if there are none."""
    where = [path] if path else _system_roots()
    try:
        roots = [root for file in where for root in _read_roots(file)]
    except (OSError, ValueError) as error:
        raise Unproven(f"cannot read the trusted roots: {error}", Whose.OURS) from error
    if not roots:
        raise Unproven("this machine has no trusted roots", Whose.OURS)
    return roots


def _read_roots(path: Path) -> list[x509.Certificate]:
    try:
        with warnings.catch_warnings():
            # A root of the system's with serial number 0 is no business of the deployment's.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _system_roots() -> list[Path]:
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return [Path(paths.cafile)]
    return sorted(Path(paths.capath).glob("*.pem")) if paths.capath is not None else []


def _distrust(
    name: str,
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
) -> str | None:
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(at)
        .build_server_verifier(_subject(name))
    )
    try:
        verifier.verify(chain[0], list(chain[1:]))
    except verification.VerificationError as error:
        return str(error)
    return None


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses that a certificate is for."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _matches(wanted: str, name: str) -> bool:
    """RFC 6125 6.4: case aside, the same; or a wildcard for the whole leftmost label."""
    wanted, name = wanted.lower(), name.lower()
    if name.startswith("*."):
        return wanted.partition(".")[2] == name[2:]
    return wanted == name


def _complete(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> bool:
    current, rest = chain[0], list(chain[1:])
    while True:
        if current in roots or any(is_issued_by(current, root) for root in roots):
            return True
        issuer = next((other for other in rest if is_issued_by(current, other)), None)
        if issuer is None:
            return False
        rest.remove(issuer)
        current = issuer


def _key(leaf: x509.Certificate) -> tuple[str, int | None]:
    key = leaf.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.key_size
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size
    return type(key).__name__.removesuffix("PublicKey"), None


def _ocsp_urls(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(
        each.access_location.value
        for each in access
        if each.access_method == AuthorityInformationAccessOID.OCSP
    )
