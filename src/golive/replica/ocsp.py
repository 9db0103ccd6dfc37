"""The replica's OCSP responder (RFC 6960), as a program: `python -m golive.replica.ocsp`.

It answers for the certificates of one authority, whose intermediate signs every response.
A certificate is good unless its serial number stands in revoked.txt of the authority's
directory (hexadecimal, one a line, as `openssl x509 -serial` prints it); the file is read at
each request. It is unknown where another authority issued it.

This program starts with every replica: it imports no more than it needs.
"""

import argparse
import base64
import datetime
import http.server
import socketserver
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from golive.replica.authority import Authority

REVOKED = "revoked.txt"
_LARGEST_REQUEST = 16 * 1024  # bytes that are read; one certificate's request has about 100


@dataclass(frozen=True)
class Responder:
    """What signs, what is revoked, and how old and how long valid the responses are.

    `age` sets thisUpdate back from now, `valid` is nextUpdate less thisUpdate: an age beyond
    `valid` makes responses that are stale when they are born.
    """

    authority: Authority
    directory: Path
    valid: datetime.timedelta = datetime.timedelta(hours=24)
    age: datetime.timedelta = datetime.timedelta(0)

    def respond(self, request_der: bytes) -> bytes:
        """Answer a DER request with a DER response; what cannot be read is answered, too.

        A request for several certificates is malformed, as RFC 5019 2.1.1 has it.
        """
        try:
            request = ocsp.load_der_ocsp_request(request_der)
            nonces = [e.value for e in request.extensions if isinstance(e.value, x509.OCSPNonce)]
            asked = (request.issuer_name_hash, request.issuer_key_hash, request.serial_number)
            algorithm = request.hash_algorithm
        except (ValueError, NotImplementedError, x509.DuplicateExtension):
            return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        try:
            revoked = read_revoked(self.directory)
        except ValueError:
            return _refusal(ocsp.OCSPResponseStatus.INTERNAL_ERROR)

        this_update = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - self.age
        status = ocsp.OCSPCertStatus.GOOD
        if not _is_issuer(self.authority.intermediate, algorithm, asked[0], asked[1]):
            status = ocsp.OCSPCertStatus.UNKNOWN
        elif asked[2] in revoked:
            status = ocsp.OCSPCertStatus.REVOKED
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                *asked,
                algorithm=algorithm,
                cert_status=status,
                this_update=this_update,
                next_update=this_update + self.valid,
                revocation_time=this_update if status is ocsp.OCSPCertStatus.REVOKED else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.authority.intermediate)
        )
        for nonce in nonces:  # RFC 8954: a nonce is given back
            builder = builder.add_extension(nonce, critical=False)
        response = builder.sign(self.authority.intermediate_key, hashes.SHA256())
        return response.public_bytes(serialization.Encoding.DER)


def read_revoked(directory: Path) -> frozenset[int]:
    """Read the revoked serial numbers; none where there is no file, ValueError if unreadable."""
    try:
        lines = (directory / REVOKED).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return frozenset()
    return frozenset(int(line, 16) for line in lines)


class _Server(http.server.ThreadingHTTPServer):
    def server_bind(self) -> None:
        # HTTPServer's own asks the name service for our name: seconds, where there is none.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def server(address: str, port: int, responder: Responder) -> http.server.ThreadingHTTPServer:
    """Listen on one address; the caller runs `serve_forever` and closes. Raises OSError."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5  # seconds that a silent client may hold a thread

        def do_GET(self) -> None:
            # RFC 6960 appendix A.1: the request is the path, base64 and then URL-encoded.
            encoded = urllib.parse.unquote(self.path).lstrip("/")
            try:
                request = base64.b64decode(encoded, validate=True)
            except ValueError:
                request = b""
            self._answer(request)

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            size = int(length) if length.isdecimal() else 0
            self._answer(self.rfile.read(min(size, _LARGEST_REQUEST)))

        def _answer(self, request: bytes) -> None:
            response = responder.respond(request)
            self.send_response(200)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

    return _Server((address, port), Handler)


def main() -> None:
    """Serve until killed; one log line a request on standard error."""
    parser = argparse.ArgumentParser(prog="python -m golive.replica.ocsp", description=__doc__)
    parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
    parser.add_argument(
        "--authority", required=True, type=Path, metavar="DIR", help="what Authority.write wrote"
    )
    parser.add_argument(
        "--valid-hours", type=float, default=24.0, help="nextUpdate less thisUpdate (%(default)s)"
    )
    parser.add_argument(
        "--age-hours", type=float, default=0.0, help="thisUpdate, back from now (%(default)s)"
    )
    arguments = parser.parse_args()
    address, _, port = arguments.listen.rpartition(":")
    responder = Responder(
        Authority.load(arguments.authority),
        arguments.authority,
        datetime.timedelta(hours=arguments.valid_hours),
        datetime.timedelta(hours=arguments.age_hours),
    )
    with server(address, int(port), responder) as listening:
        listening.serve_forever()


def _is_issuer(
    issuer: x509.Certificate, algorithm: hashes.HashAlgorithm, name_hash: bytes, key_hash: bytes
) -> bool:
    """Whether a CertID (RFC 6960 4.1.1) names this issuer."""
    key = issuer.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return (name_hash, key_hash) == (
        _digest(issuer.subject.public_bytes(), algorithm),
        _digest(key, algorithm),
    )


def _digest(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    response = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
    return response.public_bytes(serialization.Encoding.DER)


if __name__ == "__main__":
    main()
