"""The certificate probe against nginx: one good chain, one for each way to be wrong."""

import dataclasses
import datetime
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from golive.outcome import Unproven, Whose
from golive.probes.certificate import inspect
from golive.replica.authority import Authority, Issued

from .tls_servers import GOOD, NAME, Servers, nginx

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
OCSP_URL = "http://ocsp.golive.test/"
HOSTS = [
    "good",
    "wildcard",
    "expired",
    "not yet",
    "expiring",
    "wrong name",
    "self-signed",
    "RSA",
    "no intermediate",
    "other authority",
    "out of order",
]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


@pytest.fixture(scope="module")
def good(authority: Authority) -> Issued:
    return authority.issue([NAME], ["127.90.0.1"], 90, OCSP_URL)


@pytest.fixture(scope="module")
def servers(
    authority: Authority, good: Issued, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("certificates")
    authority.write(directory)
    other = Authority.create("another")
    leaves = {
        "good": good,
        "wildcard": authority.issue(["*.dashboard-velo.com"]),
        "expired": authority.issue([NAME], not_before=NOW - 100 * DAY),
        "not yet": authority.issue([NAME], not_before=NOW + 2 * DAY),
        "expiring": authority.issue([NAME], not_before=NOW - 80 * DAY),
        "wrong name": authority.issue(["www.dashboard-velo.com"]),
        "no intermediate": good,
        "other authority": other.issue([NAME]),
        "out of order": good,
    }
    for host, issued in leaves.items():
        issued.write(directory / host)
    pem = good.leaf.public_bytes(serialization.Encoding.PEM)
    (directory / "no intermediate" / "fullchain.pem").write_bytes(pem)
    (directory / "out of order" / "fullchain.pem").write_bytes(
        b"".join(
            each.public_bytes(serialization.Encoding.PEM)
            for each in (good.leaf, authority.root, authority.intermediate)
        )
    )
    write_self_signed(directory / "self-signed", ec.generate_private_key(ec.SECP256R1()))
    write_self_signed(directory / "RSA", rsa.generate_private_key(65537, 2048))
    hosts = {
        host: GOOD.replace("fullchain.pem", f"'{host}/fullchain.pem'").replace(
            "privkey.pem", f"'{host}/privkey.pem'"
        )
        for host in HOSTS
    }
    hosts["modern"] = hosts["good"].replace("TLSv1.2 ", "") + "ssl_ecdh_curve X25519:prime256v1;"
    with nginx(directory, hosts) as running:
        yield running


def write_self_signed(directory: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA384())
    )
    directory.mkdir()
    encoding = serialization.Encoding.PEM
    (directory / "fullchain.pem").write_bytes(certificate.public_bytes(encoding))
    (directory / "privkey.pem").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def test_good(servers: Servers, good: Issued) -> None:
    facts = inspect(servers["good"])
    assert facts.chain == (f"CN={NAME}", "CN=golive replica intermediate")
    assert (facts.in_order, facts.complete, facts.matches_name) == (True, True, True)
    assert (facts.trusted, facts.distrust) == (True, None)
    assert facts.names == (NAME, "127.90.0.1")
    assert (facts.key_type, facts.key_bits, facts.signature_hash) == ("EC", 256, "sha256")
    assert facts.ocsp_urls == (OCSP_URL,)
    assert facts.serial == good.leaf.serial_number
    assert facts.not_before == good.leaf.not_valid_before_utc
    assert facts.not_after == good.leaf.not_valid_after_utc
    assert 89 < facts.days_left < 90
    assert 89 * DAY < facts.lifetime < 90 * DAY


def test_wildcard(servers: Servers) -> None:
    facts = inspect(servers["wildcard"])
    assert (facts.trusted, facts.matches_name, facts.ocsp_urls) == (True, True, ())


@pytest.mark.parametrize("name", ["a.b.dashboard-velo.com", "dashboard-velo.com"])
def test_a_wildcard_stands_for_one_label(servers: Servers, name: str) -> None:
    facts = inspect(dataclasses.replace(servers["wildcard"], name=name))
    assert (facts.trusted, facts.matches_name) == (False, False)


@pytest.mark.parametrize("host", ["expired", "not yet"])
def test_outside_its_dates(servers: Servers, host: str) -> None:
    facts = inspect(servers[host])
    assert not facts.trusted
    assert facts.distrust is not None
    assert "not valid at validation time" in facts.distrust
    assert facts.complete  # the dates are all that is wrong
    assert facts.matches_name
    assert (facts.days_left < 0) == (host == "expired")


def test_expiring(servers: Servers) -> None:
    facts = inspect(servers["expiring"])
    assert facts.trusted
    assert 9 < facts.days_left < 10


def test_seen_at_another_time(servers: Servers, good: Issued) -> None:
    facts = inspect(servers["good"], at=good.leaf.not_valid_after_utc + 10 * DAY)
    assert (facts.trusted, facts.days_left) == (False, -10)


def test_wrong_name(servers: Servers) -> None:
    facts = inspect(servers["wrong name"])
    assert (facts.trusted, facts.matches_name, facts.complete) == (False, False, True)
    assert "no matching subjectAltName" in str(facts.distrust)


def test_self_signed(servers: Servers) -> None:
    facts = inspect(servers["self-signed"])
    assert (facts.trusted, facts.complete, facts.matches_name) == (False, False, True)
    assert facts.signature_hash == "sha384"


def test_rsa_key(servers: Servers) -> None:
    # nginx needs an RSA suite for it: the documented ones have some.
    facts = inspect(servers["RSA"])
    assert (facts.key_type, facts.key_bits) == ("RSA", 2048)


def test_missing_intermediate(servers: Servers) -> None:
    facts = inspect(servers["no intermediate"])
    assert (facts.trusted, facts.complete) == (False, False)
    assert facts.chain == (f"CN={NAME}",)


def test_root_that_is_not_ours(servers: Servers) -> None:
    facts = inspect(servers["other authority"])
    assert (facts.trusted, facts.complete, facts.in_order) == (False, False, True)


def test_out_of_order(servers: Servers) -> None:
    facts = inspect(servers["out of order"])
    assert (facts.in_order, facts.complete) == (False, True)


def test_the_system_s_roots_do_not_trust_the_replica(servers: Servers) -> None:
    facts = inspect(dataclasses.replace(servers["good"], roots=None))
    assert (facts.trusted, facts.complete) == (False, False)


@pytest.mark.parametrize("content", [None, "", "no PEM"], ids=["missing", "empty", "garbage"])
def test_roots_that_cannot_be_read(servers: Servers, tmp_path: Path, content: str | None) -> None:
    roots = tmp_path / "roots.pem"
    if content is not None:
        roots.write_text(content)
    with pytest.raises(Unproven, match="trusted roots") as caught:
        inspect(dataclasses.replace(servers["good"], roots=roots))
    assert caught.value.whose is Whose.OURS


def test_mozilla_s_modern_profile_accepts_the_replica_s_certificates(servers: Servers) -> None:
    endpoint = servers["modern"]
    where = f"{NAME}:{endpoint.port}{{{endpoint.address}}}"
    checked = subprocess.run(
        f"{sys.executable} -m sslyze --mozilla_config modern"
        f" --certinfo_ca_file {endpoint.roots} {where}".split(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{NAME}:{endpoint.port}: OK - Compliant." in checked.stdout, checked
    assert checked.returncode == 0
