"""A throw-away nginx on a loopback address of its own, with certificates of its own."""

import contextlib
import datetime
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from golive.endpoint import Endpoint

DOMAIN = "golive.test"
TLS_PORT, PLAIN_PORT = 8443, 8080
START_TIMEOUT_S = 10


def fresh_address() -> str:
    """A loopback address that, of 65,000, nobody else is likely to have: server or client."""
    return f"127.91.{random.randrange(256)}.{random.randrange(1, 255)}"


@dataclass(frozen=True)
class Nginx:
    address: str
    roots: Path

    def endpoint(self, host: str, *, port: int = TLS_PORT) -> Endpoint:
        """The virtual host `host.golive.test`, as a client that was never seen before."""
        return Endpoint(self.address, port, f"{host}.{DOMAIN}", self.roots, fresh_address())


@contextlib.contextmanager
def nginx(directory: Path, http: str) -> Iterator[Nginx]:
    """Run nginx with `http` as the inside of its http block; ADDRESS in it is its address."""
    address = fresh_address()
    roots = make_certificates(directory)
    log = directory / "error.log"
    configuration = directory / "nginx.conf"
    configuration.write_text(_MAIN.format(user=_USER, http=http.replace("ADDRESS", address)))
    command = ["nginx", "-p", str(directory), "-c", configuration.name, "-e", log.name]
    # The one process of `master_process off` dies with the tests, even when those are killed.
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command])
    try:
        _await_ready(process, address, log)
        yield Nginx(address, roots)
    finally:
        process.terminate()
        process.wait()


_USER = "user root;" if os.geteuid() == 0 else ""
_MAIN = """
daemon off;
master_process off;
{user}
pid nginx.pid;
events {{ }}
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    ssl_certificate leaf.pem;
    ssl_certificate_key leaf.key;
    {http}
}}
"""


def _await_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=START_TIMEOUT_S)
    while datetime.datetime.now() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(0.01)
            raise RuntimeError(f"nginx ended with {status}:\n{log.read_text()}")
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((address, TLS_PORT), 1).close()
            return
    raise RuntimeError(f"nginx not ready after {START_TIMEOUT_S} s:\n{log.read_text()}")


def make_certificates(directory: Path) -> Path:
    """Write leaf.pem and leaf.key for *.golive.test, and return the root that signed them."""
    root_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "golive test root")])
    root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    now = datetime.datetime.now(datetime.UTC)

    def unsigned(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), False
            )
        )

    root = (
        unsigned(root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(root_id, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        unsigned(x509.Name([]), leaf_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{DOMAIN}")]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "leaf.pem").write_bytes(leaf.public_bytes(pem))
    (directory / "leaf.key").write_bytes(
        leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    roots = directory / "root.pem"
    roots.write_bytes(root.public_bytes(pem))
    return roots
