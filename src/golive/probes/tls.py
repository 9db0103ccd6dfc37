"""Which protocol versions, cipher suites and curves a server accepts: one scan by sslyze.

Around it: `tls_order` (who chooses the suite; ALPN), `tls_sessions` (resumption, tickets),
`tls_stapling` (OCSP), `certificate`. Each is a probe of its own, so that one that could not be
measured leaves the others standing.
"""

import queue
import threading
from dataclasses import dataclass
from traceback import TracebackException
from typing import TypeVar

# From where they are defined: sslyze re-exports them without __all__, which mypy refuses.
from sslyze.plugins.openssl_cipher_suites.implementation import CipherSuitesScanResult
from sslyze.plugins.scan_commands import ScanCommand
from sslyze.scanner.models import ServerScanRequest, ServerScanResult
from sslyze.scanner.scan_command_attempt import (
    ScanCommandAttempt,
    ScanCommandAttemptStatusEnum,
    ScanCommandErrorReasonEnum,
)
from sslyze.scanner.scanner import Scanner
from sslyze.server_setting import ServerNetworkConfiguration, ServerNetworkLocation

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.tls_handshake import (
    TIMEOUT_S,
    RefusedError,
    client_context,
    connect,
    handshake,
)

_Result = TypeVar("_Result")

_DEADLINE_S = 60.0  # for a scan that takes half a second
_VERSIONS = {  # OpenSSL's names, oldest first
    "SSLv2": ScanCommand.SSL_2_0_CIPHER_SUITES,
    "SSLv3": ScanCommand.SSL_3_0_CIPHER_SUITES,
    "TLSv1": ScanCommand.TLS_1_0_CIPHER_SUITES,
    "TLSv1.1": ScanCommand.TLS_1_1_CIPHER_SUITES,
    "TLSv1.2": ScanCommand.TLS_1_2_CIPHER_SUITES,
    "TLSv1.3": ScanCommand.TLS_1_3_CIPHER_SUITES,
}
_CLOSED = {  # sslyze's words for it, by how the connection ended
    "Server interrupted the TLS handshake",
    "Server closed the connection during the TLS handshake",
    "Server rejected the connection",
}


@dataclass(frozen=True)
class TlsAudit:
    """What a server accepts. Names are OpenSSL's; the suites are in no order (see tls_order).

    `versions`: of SSLv2, SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3 those with which a handshake
    succeeded, oldest first, at least one. `tls12_suites`, `tls13_suites`: empty where the
    version is refused. `curves`: the groups accepted for the key exchange in the highest of
    the versions (X25519, secp256r1 ...), empty where it has no elliptic curve suite.
    """

    versions: tuple[str, ...]
    tls12_suites: frozenset[str]
    tls13_suites: frozenset[str]
    curves: frozenset[str]


def audit(endpoint: Endpoint) -> TlsAudit:
    """Offer the server each suite of each version, one handshake each (NGX-10, NGX-12).

    A version counts as accepted if a handshake succeeds, whatever the server's configuration
    says: on OpenSSL 3, nginx with `ssl_protocols TLSv1.1` accepts none, as no suite allows it.
    A suite counts as refused only if the server said so, by an alert; a connection that was
    closed or went silent makes all of it Unproven, and so does a server with which no handshake
    succeeds. sslyze cannot bind an address: `endpoint.source` is not the scan's.
    """
    address = _answering_address(endpoint)
    result = _scan(endpoint, address)
    if result.scan_result is None:
        why = _why(result.connectivity_error_trace)
        raise Unproven(f"{endpoint}: no TLS handshake succeeded: {why}", Whose.TARGET)
    suites = {
        version: _accepted(endpoint, version, getattr(result.scan_result, command.value))
        for version, command in _VERSIONS.items()
    }
    versions = tuple(version for version, accepted in suites.items() if accepted)
    if not versions:
        raise Unproven(f"{endpoint}: no TLS handshake succeeded", Whose.TARGET)
    curves = _completed(endpoint, "curves", result.scan_result.elliptic_curves).supported_curves
    return TlsAudit(
        versions,
        suites["TLSv1.2"],
        suites["TLSv1.3"],
        frozenset(curve.name for curve in curves or ()),
    )


def _answering_address(endpoint: Endpoint) -> str:
    """The IP address of a server that is there and answers as TLS does. Raises Unproven.

    Asked before the scan, which would take a minute to find a silent server silent, and would
    take the answers of a server that does not speak TLS for refusals.
    """
    try:
        with handshake(endpoint, client_context()):
            pass
    except RefusedError:
        pass  # an answer; the scan has other suites and versions to offer
    with connect(endpoint) as connection:
        return str(connection.getpeername()[0])


def _scan(endpoint: Endpoint, address: str) -> ServerScanResult:
    request = ServerScanRequest(
        ServerNetworkLocation(endpoint.name, endpoint.port, ip_address=address),
        # One attempt: a connection that fails is reported, not tried again.
        ServerNetworkConfiguration(
            endpoint.name, network_timeout=int(TIMEOUT_S), network_max_retries=1
        ),
        scan_commands={*_VERSIONS.values(), ScanCommand.ELLIPTIC_CURVES},
    )
    outcome: queue.SimpleQueue[ServerScanResult | Exception] = queue.SimpleQueue()

    def scan() -> None:
        try:
            scanner = Scanner()
            scanner.queue_scans([request])
            (result,) = scanner.get_results()
            outcome.put(result)
        except Exception as error:  # whatever it is, the caller must not wait for it
            outcome.put(error)

    # A thread, for a deadline: the scanner waits for ever where a thread of its own dies.
    threading.Thread(target=scan, daemon=True).start()
    try:
        result = outcome.get(timeout=_DEADLINE_S)
    except queue.Empty:
        reason = f"{endpoint}: sslyze gave no result within {_DEADLINE_S:g} s"
        raise Unproven(reason, Whose.TOOL) from None
    if isinstance(result, Exception):
        raise Unproven(f"{endpoint}: sslyze failed: {result!r}", Whose.TOOL) from result
    return result


def _accepted(
    endpoint: Endpoint, version: str, attempt: ScanCommandAttempt[CipherSuitesScanResult]
) -> frozenset[str]:
    result = _completed(endpoint, version, attempt)
    for refused in result.rejected_cipher_suites:
        if not _is_answer(version, refused.error_message):
            suite = refused.cipher_suite.openssl_name
            reason = f"{endpoint}: no answer to {version} with {suite}: {refused.error_message}"
            raise Unproven(reason, Whose.TARGET)
    return frozenset(each.cipher_suite.openssl_name for each in result.accepted_cipher_suites)


def _completed(endpoint: Endpoint, what: str, attempt: ScanCommandAttempt[_Result]) -> _Result:
    """Give the result of one scan command. Raises Unproven where it did not come to one."""
    if attempt.status is not ScanCommandAttemptStatusEnum.COMPLETED or attempt.result is None:
        reason = (
            f"{endpoint}: sslyze on {what}: {attempt.error_reason}: {_why(attempt.error_trace)}"
        )
        connectivity = attempt.error_reason is ScanCommandErrorReasonEnum.CONNECTIVITY_ISSUE
        raise Unproven(reason, Whose.TARGET if connectivity else Whose.TOOL)
    return attempt.result


def _is_answer(version: str, error: str) -> bool:
    """Whether sslyze's reason for a refused suite is something that the server said."""
    # SSL 2.0 has no alerts that a server of today would send: it closes.
    return error.startswith("TLS ") or (version == "SSLv2" and error in _CLOSED)


def _why(trace: TracebackException | None) -> str:
    return list(trace.format_exception_only())[-1].strip() if trace else "no reason given"
