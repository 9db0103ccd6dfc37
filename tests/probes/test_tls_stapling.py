"""The stapling probe: nginx with the replica's responder, and each staple that is wrong."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from golive.probes.tls_stapling import StapledResponse, stapling
from golive.replica.authority import Authority, Issued
from golive.replica.ocsp import REVOKED

from .tls_servers import GOOD, NAME, OCSP_PORT, Servers, fresh_address, nginx, ocsp_responder

GOOD_STATUS, REVOKED_STATUS = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
HOUR = datetime.timedelta(hours=1)

STAPLING = "ssl_stapling on; ssl_stapling_verify on;"
FILES = ["stale", "revoked", "forged", "of another", "delegated", "usurped", "try later"]
HOSTS = {
    "good": GOOD + STAPLING,
    "off": GOOD,
    "revoked at the responder": (GOOD + STAPLING)
    .replace("fullchain", "told/fullchain")
    .replace("privkey", "told/privkey"),
    "without the issuer": GOOD.replace("fullchain", "leaf")
    + f"ssl_stapling on; ssl_stapling_file '{FILES[0]}';",
} | {name: GOOD + f"ssl_stapling on; ssl_stapling_file '{name}';" for name in FILES}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("stapling")
    authority, address = Authority.create(), fresh_address()
    authority.write(directory)
    url = f"http://{address}:{OCSP_PORT}/"
    leaf, revoked = (authority.issue([NAME], ocsp_url=url) for _ in range(2))
    leaf.write(directory)
    pem = leaf.leaf.public_bytes(serialization.Encoding.PEM)
    (directory / "leaf.pem").write_bytes(pem)
    revoked.write(directory / "told")
    (directory / REVOKED).write_text(f"{revoked.leaf.serial_number:X}\n")
    write_staples(directory, authority, leaf, revoked)
    with ocsp_responder(directory, address), nginx(directory, HOSTS) as running:
        yield running


def write_staples(directory: Path, authority: Authority, leaf: Issued, another: Issued) -> None:
    """Write responses that are wrong in one way each, and one that is delegated rightly."""
    issuer, key, other = authority.intermediate, authority.intermediate_key, Authority.create()
    delegate, delegate_key = delegate_of(authority)
    usurper = authority.issue(["usurper.golive.test"])
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    responses = {
        "stale": staple(leaf, issuer, key, age=48 * HOUR),
        "revoked": staple(leaf, issuer, key, REVOKED_STATUS),
        "forged": staple(leaf, other.intermediate, other.intermediate_key),
        "of another": staple(another, issuer, key),
        "delegated": staple(leaf, delegate, delegate_key),
        "usurped": staple(leaf, usurper.leaf, usurper.key),
        "try later": later,
    }
    for name, response in responses.items():
        der = response.public_bytes(serialization.Encoding.DER)
        (directory / name).write_bytes(der)


def staple(
    issued: Issued,
    signer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    status: ocsp.OCSPCertStatus = GOOD_STATUS,
    age: datetime.timedelta = datetime.timedelta(0),
) -> ocsp.OCSPResponse:
    """A response, one hour long, with its signer's certificate in it."""
    then = datetime.datetime.now(datetime.UTC) - age
    revoked = then if status is REVOKED_STATUS else None
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            issued.leaf,
            issued.intermediate,
            hashes.SHA1(),
            status,
            then,
            then + HOUR,
            revoked,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        .certificates([signer])
        .sign(key, hashes.SHA256())
    )


def delegate_of(authority: Authority) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate that may sign OCSP responses for the authority (RFC 6960 4.2.2.2)."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    delegate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "delegate")]))
        .issuer_name(authority.intermediate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + HOUR)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .sign(authority.intermediate_key, hashes.SHA256())
    )
    return delegate, key


def one_response(servers: Servers, host: str) -> StapledResponse:
    facts = stapling(servers[host], handshakes=4)
    assert facts.stapled == 4
    (response,) = facts.responses
    return response


def test_of_the_replica_s_responder(servers: Servers) -> None:
    facts = stapling(servers["good"])
    assert (facts.handshakes, facts.stapled) == (24, 24)
    now = datetime.datetime.now(datetime.UTC)
    for response in facts.responses:  # one of each worker process
        assert response.response_status == "SUCCESSFUL"
        assert response.certificate_status == "GOOD"
        assert response.for_this_certificate
        assert response.signed_by_issuer
        assert response.this_update is not None
        assert response.next_update is not None
        assert response.this_update <= now < response.next_update
        assert response.next_update - response.this_update == 24 * HOUR


def test_none_where_it_is_off(servers: Servers) -> None:
    facts = stapling(servers["off"], handshakes=8, settle_s=0.2)
    assert (facts.handshakes, facts.stapled, facts.responses) == (8, 0, ())


def test_none_where_nginx_is_told_that_the_certificate_is_revoked(servers: Servers) -> None:
    facts = stapling(servers["revoked at the responder"], handshakes=8, settle_s=0.5)
    assert (facts.stapled, facts.responses) == (0, ())
    assert 'certificate status "revoked" in the OCSP response' in servers.log.read_text()


def test_revoked(servers: Servers) -> None:
    response = one_response(servers, "revoked")
    assert (response.certificate_status, response.signed_by_issuer) == ("REVOKED", True)


def test_stale(servers: Servers) -> None:
    response = one_response(servers, "stale")
    assert (response.certificate_status, response.signed_by_issuer) == ("GOOD", True)
    assert response.next_update is not None
    assert response.next_update < datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize("host", ["forged", "usurped", "without the issuer"])
def test_not_signed_by_the_issuer(servers: Servers, host: str) -> None:
    response = one_response(servers, host)
    assert response.for_this_certificate
    assert not response.signed_by_issuer


def test_signed_by_a_delegate(servers: Servers) -> None:
    assert one_response(servers, "delegated").signed_by_issuer


def test_for_another_certificate(servers: Servers) -> None:
    response = one_response(servers, "of another")
    assert response.signed_by_issuer
    assert not response.for_this_certificate


def test_unsuccessful(servers: Servers) -> None:
    assert one_response(servers, "try later") == StapledResponse("TRY_LATER")
