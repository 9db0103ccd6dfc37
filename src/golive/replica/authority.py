"""The replica's own certificate authority: a root, an intermediate, and what it issues.

The certificates have what a public authority's have (RFC 5280; CA/Browser Forum Baseline
Requirements 7.1), so that whatever judges production's certificate judges the replica's too:
Python's VERIFY_X509_STRICT, sslyze's Mozilla profile, OpenSSL, MongoDB.
"""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

_ONE_SECOND = datetime.timedelta(seconds=1)
_CA_AGE = datetime.timedelta(days=730)  # older than any leaf, so that an expired one can be issued
_CA_LIFE = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class Issued:
    """A leaf certificate with its key and the intermediate that signed it."""

    leaf: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    intermediate: x509.Certificate

    def write(self, directory: Path) -> None:
        """Write fullchain.pem (leaf, intermediate) and privkey.pem (0600): certbot's names."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "fullchain.pem").write_bytes(_pem(self.leaf) + _pem(self.intermediate))
        _write_private(directory / "privkey.pem", _key_pem(self.key))

    def write_combined(self, path: Path) -> None:
        """Write key and chain to one file (0600): MongoDB's net.tls.certificateKeyFile."""
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_private(path, _key_pem(self.key) + _pem(self.leaf) + _pem(self.intermediate))


@dataclass(frozen=True)
class Authority:
    """A root and an intermediate. The root's key is thrown away: it signs one certificate."""

    root: x509.Certificate
    intermediate: x509.Certificate
    intermediate_key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, name: str = "golive replica") -> "Authority":
        """Mint an authority that nothing trusts yet."""
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        root_name = _name(f"{name} root")
        root = _authority_certificate(root_name, root_key, root_name, root_key, path_length=1)
        intermediate = _authority_certificate(
            _name(f"{name} intermediate"), key, root_name, root_key, path_length=0
        )
        return cls(root, intermediate, key)

    @classmethod
    def load(cls, directory: Path) -> "Authority":
        """Read what `write` wrote. Raises OSError or ValueError where that is not there."""
        key = serialization.load_pem_private_key(
            (directory / "intermediate.key").read_bytes(), password=None
        )
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{directory / 'intermediate.key'} is not an elliptic curve key")
        return cls(
            x509.load_pem_x509_certificate((directory / "root.pem").read_bytes()),
            x509.load_pem_x509_certificate((directory / "intermediate.pem").read_bytes()),
            key,
        )

    def write(self, directory: Path) -> None:
        """Write root.pem, intermediate.pem and intermediate.key (0600), for the OCSP responder."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "root.pem").write_bytes(_pem(self.root))
        (directory / "intermediate.pem").write_bytes(_pem(self.intermediate))
        _write_private(directory / "intermediate.key", _key_pem(self.intermediate_key))

    def issue(
        self,
        names: Sequence[str],
        addresses: Sequence[str] = (),
        days: int = 90,
        ocsp_url: str | None = None,
        *,
        client: bool = False,
        not_before: datetime.datetime | None = None,
    ) -> Issued:
        """Issue an ECDSA P-256 server certificate for DNS names and IP addresses.

        It is valid for `days` from `not_before` (aware; None: now), the last second excluded:
        RFC 5280 4.1.2.5 counts both ends. `client` allows client authentication as well, which
        members of a MongoDB replica set need of each other.
        """
        if not names and not addresses:
            raise ValueError("a certificate needs at least one name or address")
        start = (not_before or datetime.datetime.now(datetime.UTC)).replace(microsecond=0)
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        if client:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        builder = (
            _builder(_name([*names, *addresses][0]), key, self.intermediate.subject)
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=days) - _ONE_SECOND)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(_issued_by(self.intermediate_key), critical=False)
        )
        if ocsp_url is not None:
            responder = x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url)
            )
            builder = builder.add_extension(
                x509.AuthorityInformationAccess([responder]), critical=False
            )
        leaf = builder.sign(self.intermediate_key, hashes.SHA256())
        return Issued(leaf, key, self.intermediate)


def _authority_certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    path_length: int,
) -> x509.Certificate:
    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - _CA_AGE
    return (
        _builder(subject, key, issuer)
        .not_valid_before(start)
        .not_valid_after(start + _CA_LIFE - _ONE_SECOND)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(_issued_by(issuer_key), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _issued_by(issuer_key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,  # an authority's too: it signs OCSP responses itself
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)  # an old file would keep its mode
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
