"""The replica's authority: what it issues satisfies the judges that production's must."""

import datetime
import ipaddress
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from golive.replica.authority import Authority, Issued

NAME = "api.dashboard-velo.com"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue([NAME], ["127.90.0.1"], 90, "http://127.90.0.2/")


def test_lives_no_more_than_the_days_asked_for(issued: Issued) -> None:
    lifetime = issued.leaf.not_valid_after_utc - issued.leaf.not_valid_before_utc
    assert datetime.timedelta(days=89, hours=23) < lifetime <= datetime.timedelta(days=90)


def test_names_addresses_and_responder_are_in_the_certificate(issued: Issued) -> None:
    extensions = issued.leaf.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [NAME]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.90.0.1")]
    (access,) = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert access.access_location.value == "http://127.90.0.2/"


def test_names_no_responder_unless_asked(authority: Authority) -> None:
    leaf = authority.issue([NAME]).leaf
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess)


def test_refuses_a_certificate_for_nobody(authority: Authority) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        authority.issue([])


@pytest.mark.parametrize(
    "subject",
    [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.90.0.1"))],
    ids=["name", "address"],
)
def test_the_web_pki_profile_of_cryptography_verifies_it(
    authority: Authority, issued: Issued, subject: x509.DNSName | x509.IPAddress
) -> None:
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([authority.root]))
        .build_server_verifier(subject)
    )
    chain = verifier.verify(issued.leaf, [issued.intermediate])
    assert chain == [issued.leaf, issued.intermediate, authority.root]


def test_python_verifies_it_strictly_and_for_both_sides(
    authority: Authority, tmp_path: Path
) -> None:
    authority.write(tmp_path)
    authority.issue([NAME], client=True).write(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (server, client):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tmp_path / "root.pem")
        context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")

    _handshake(client, server)  # raises where either side refuses the other's certificate


def test_python_refuses_a_server_certificate_as_a_client_s(
    authority: Authority, tmp_path: Path
) -> None:
    authority.write(tmp_path)
    authority.issue([NAME]).write(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (server, client):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tmp_path / "root.pem")
        context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")

    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        _handshake(client, server)


def test_openssl_verifies_it_strictly(authority: Authority, issued: Issued, tmp_path: Path) -> None:
    authority.write(tmp_path)
    issued.write(tmp_path)
    verified = subprocess.run(
        (
            f"openssl verify -x509_strict -purpose sslserver -verify_hostname {NAME}"
            " -CAfile root.pem -untrusted fullchain.pem fullchain.pem"
        ).split(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stdout) == (0, "fullchain.pem: OK\n"), verified.stderr


def test_private_keys_are_readable_by_their_owner_only(
    authority: Authority, issued: Issued, tmp_path: Path
) -> None:
    loose = tmp_path / "privkey.pem"
    loose.write_text("an older file, readable by all")
    loose.chmod(0o644)
    authority.write(tmp_path)
    issued.write(tmp_path)
    issued.write_combined(tmp_path / "member.pem")
    for name in ("privkey.pem", "intermediate.key", "member.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name


def test_the_combined_file_holds_the_key_and_the_chain(issued: Issued, tmp_path: Path) -> None:
    issued.write_combined(tmp_path / "member.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "member.pem")
    chain = x509.load_pem_x509_certificates((tmp_path / "member.pem").read_bytes())
    assert chain == [issued.leaf, issued.intermediate]


def test_is_read_back_as_it_was_written(authority: Authority, tmp_path: Path) -> None:
    authority.write(tmp_path)
    again = Authority.load(tmp_path)
    assert (again.root, again.intermediate) == (authority.root, authority.intermediate)
    assert again.intermediate_key.private_numbers() == authority.intermediate_key.private_numbers()


def _handshake(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    """Shake hands in memory, to the end on both sides."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=NAME)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
