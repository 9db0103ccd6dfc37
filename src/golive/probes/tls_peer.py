"""What a server presents in one handshake: its certificates, and the stapled OCSP response.

Python's ssl shows neither the chain as it was served (until 3.13) nor a staple; nassl, the
OpenSSL binding that sslyze brings, shows both.
"""

import contextlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from nassl._nassl import OpenSSLError
from nassl.ssl_client import (
    ClientCertificateRequested,
    OpenSslVerifyEnum,
    OpenSslVersionEnum,
    SslClient,
)

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.tls_handshake import TIMEOUT_S, connect


@dataclass(frozen=True)
class Presented:
    """The certificates in the order they were served, leaf first, and the staple.

    `staple` is the OCSP response in DER; None where the server sent none (or none that
    OpenSSL could decode).
    """

    chain: tuple[x509.Certificate, ...]
    staple: bytes | None


def present(endpoint: Endpoint) -> Presented:
    """Shake hands, trusting anybody and asking for a staple. Raises Unproven.

    The client is OpenSSL 1.1.1 with its defaults: TLS 1.0 to 1.3, security level 1.
    """
    with contextlib.closing(connect(endpoint)) as raw:
        client = SslClient(
            raw,
            OpenSslVersionEnum.SSLV23,
            OpenSslVerifyEnum.NONE,
            ignore_client_authentication_requests=True,
            server_name_indication=endpoint.name,
        )
        client.set_tlsext_status_ocsp()
        try:
            client.do_handshake()
        except TimeoutError as error:
            reason = f"{endpoint}: connected, but no answer to TLS within {TIMEOUT_S:g} s"
            raise Unproven(reason, Whose.TARGET) from error
        except OSError as error:
            reason = f"{endpoint}: closed the connection during the TLS handshake"
            raise Unproven(reason, Whose.TARGET) from error
        except (OpenSSLError, ClientCertificateRequested) as error:
            reason = f"{endpoint}: no TLS handshake: {error}"
            raise Unproven(reason, Whose.TARGET) from error
        response = client.get_tlsext_status_ocsp_resp()
        pems = client.get_received_chain()
        with contextlib.suppress(OpenSSLError):  # it is measured; how it ends does not matter
            client.shutdown()
    try:
        chain = tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in pems)
    except ValueError as error:
        reason = f"{endpoint}: served a certificate that cannot be read: {error}"
        raise Unproven(reason, Whose.TARGET) from error
    if not chain:
        raise Unproven(f"{endpoint}: served no certificate", Whose.TARGET)
    return Presented(chain, response.as_der_bytes() if response is not None else None)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` has the name of the certificate's issuer, and signed it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
