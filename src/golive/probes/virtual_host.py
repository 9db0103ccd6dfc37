"""What the edge makes of a client that calls it by another name."""

from dataclasses import replace

from cryptography import x509

from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.certificate import names_of
from golive.probes.http import Response, Scheme, request
from golive.probes.tls_handshake import RefusedError, client_context, handshake

# A literal address is no name to ask for (RFC 6066 3): Python's ssl sends none then.
_NOBODY = "192.0.2.1"


def called(endpoint: Endpoint, path: str, host: str, scheme: Scheme = "https") -> Response | None:
    """The answer to a request whose Host is `host`, the TLS name being the site's own.

    None where the server closes without an answer (nginx's 444). Raises Unproven as `request`.
    """
    try:
        return request(endpoint, path, headers=[("Host", host)], scheme=scheme)
    except Unproven as unproven:
        if isinstance(unproven.__cause__, ConnectionResetError):
            return None
        raise


def shown_names(endpoint: Endpoint, asked: str | None) -> tuple[str, ...]:
    """The names of the certificate that a client is shown who asks for `asked` (None: nobody).

    Empty where the server refuses the handshake. Raises Unproven.
    """
    try:
        with handshake(replace(endpoint, name=asked or _NOBODY), client_context()) as tls:
            der = tls.getpeercert(binary_form=True)
    except RefusedError:
        return ()
    return names_of(x509.load_der_x509_certificate(der)) if der else ()
