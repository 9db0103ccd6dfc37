"""Judge what a client and the edge agree on: versions, suites, sessions, stapled responses."""

from datetime import UTC, datetime

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import NotRun
from golive.probes.certificate import inspect
from golive.probes.tls import audit
from golive.probes.tls_order import Alpn, alpn, cipher_order
from golive.probes.tls_sessions import (
    Resumption,
    resumption_by_id,
    resumption_tls12,
    resumption_tls13,
)
from golive.probes.tls_stapling import StapledResponse, stapling
from golive.steps.expectation import column, listed, require

Table = list[list[str]]

# What a suite's name says of the certificate that it needs.
_AUTHENTICATION = {"EC": "-ECDSA-", "RSA": "-RSA-"}


@then("the accepted protocol versions are exactly")
def accepted_versions(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, datatable: Table
) -> None:
    seen = measurements.result(audit, edge).versions
    evidence.add("accepted protocol versions", seen)
    require(
        set(seen) == set(column(datatable)),
        expected=f"exactly {listed(column(datatable))}",
        actual=listed(seen),
        where=edge,
        look=f"sslscan --no-ciphersuites --sni-name={edge.name} {edge.address}:{edge.port}",
    )


@then("the accepted TLS 1.2 cipher suites, as the certificate allows, are in this order")
def accepted_suites(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, datatable: Table
) -> None:
    key = measurements.result(inspect, edge).key_type
    expected = tuple(each for each in column(datatable) if _AUTHENTICATION.get(key, "?") in each)
    if not expected:
        raise NotRun(f"none of the documented suites works with the certificate's {key} key")
    order = measurements.result(cipher_order, edge).chosen
    scanned = measurements.result(audit, edge).tls12_suites
    # In order those that a handshake chose; behind them those that only the scan knows to offer.
    seen = order + tuple(sorted(scanned - set(order)))
    evidence.add("accepted TLS 1.2 cipher suites, in order", seen)
    require(
        seen == expected,
        expected=f"{listed(expected)} (of a certificate with an {key} key)",
        actual=listed(seen),
        where=edge,
        look=_nmap(edge, "ssl-enum-ciphers"),
    )


@then("the server's order of cipher suites holds against the client's")
def server_chooses(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    order = measurements.result(cipher_order, edge)
    evidence.add("chosen, the client preferring one order and then the other", order)
    require(
        order.enforced is True,
        expected=f"the same choices for a client of the opposite preference: "
        f"{listed(order.chosen)}",
        actual=listed(order.chosen_reversed)
        if order.enforced is False
        else f"one suite only, so that there is nothing to choose: {listed(order.chosen)}",
        where=edge,
        look=_nmap(edge, "ssl-enum-ciphers") + " (cipher preference)",
    )


@when(parsers.parse('a client offers the protocols "{offered}"'), target_fixture="chosen")
def offer(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, offered: str) -> Alpn:
    chosen = measurements.result(alpn, edge, tuple(offered.split(", ")))
    evidence.add("application protocol", chosen)
    return chosen


@then(parsers.parse('the server chooses "{protocol}"'))
def chooses(edge: Endpoint, chosen: Alpn, protocol: str) -> None:
    require(
        chosen.chosen == protocol,
        expected=f"{protocol}, of {listed(chosen.offered)}",
        actual=chosen.chosen or f"none{f' ({chosen.alert})' if chosen.alert else ''}",
        where=edge,
        look=_s_client(edge, f"-alpn {','.join(chosen.offered)}"),
    )


@then("every connection resumes a TLS 1.2 session by its id")
def resumes_by_id(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    _require_resumed(edge, measurements.result(resumption_by_id, edge), evidence, "-tls1_2")


@then("every connection resumes a TLS 1.3 session")
def resumes_tls13(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    _require_resumed(edge, measurements.result(resumption_tls13, edge), evidence, "-tls1_3")


def _require_resumed(edge: Endpoint, seen: Resumption, evidence: EvidenceLog, version: str) -> None:
    evidence.add("resumption", seen)
    require(
        seen.resumed == seen.attempts,
        expected=f"{seen.attempts} of {seen.attempts} connections, over all workers, resume",
        actual=f"{seen.resumed} of {seen.attempts}",
        where=f"{edge}, {seen.version}",
        look=_s_client(edge, f"{version} -reconnect"),
    )


@then(parsers.parse("a session may be resumed for {minutes:d} minutes"))
def session_life(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, minutes: int
) -> None:
    seen = measurements.result(resumption_tls13, edge)
    evidence.add("lifetime that the server gives a session, in seconds", seen.lifetime_s)
    require(
        seen.lifetime_s == minutes * 60,
        expected=f"{minutes * 60} s",
        actual="none given" if seen.lifetime_s is None else f"{seen.lifetime_s} s",
        where=f"{edge}, {seen.version} NewSessionTicket",
        look=_s_client(edge, "-tls1_3") + " (session ticket lifetime hint)",
    )


@then("neither TLS 1.2 nor TLS 1.3 hands out a ticket that holds the session")
def no_tickets(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    seen = [measurements.result(probe, edge) for probe in (resumption_tls12, resumption_tls13)]
    evidence.add("what the server hands out to resume with", seen)
    holding = [
        f"{each.version}: a ticket of {each.ticket_bytes} bytes"
        for each in seen
        if each.holds_session
    ]
    require(
        not holding,
        expected="none in TLS 1.2; in TLS 1.3 a key of at most 32 bytes into the server's cache",
        actual=listed(holding),
        where=edge,
        look=_s_client(edge, "-tls1_2") + " (TLS session ticket)",
    )


@then("every handshake has a stapled OCSP response")
def stapled(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    _require_responder(edge, measurements)
    seen = measurements.result(stapling, edge)
    evidence.add("handshakes with a stapled response", [seen.stapled, seen.handshakes])
    require(
        seen.stapled == seen.handshakes,
        expected=f"a stapled response in {seen.handshakes} of {seen.handshakes} handshakes",
        actual=f"in {seen.stapled} of {seen.handshakes}",
        where=edge,
        look=_s_client(edge, "-status"),
    )


@then("the stapled OCSP response says that this certificate is good", target_fixture="staple")
def stapled_good(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog
) -> StapledResponse:
    _require_responder(edge, measurements)
    responses = measurements.result(stapling, edge).responses
    evidence.add("stapled responses", responses)
    for seen in responses:
        require(
            seen.certificate_status == "GOOD" and seen.for_this_certificate,
            expected="SUCCESSFUL and GOOD, for the certificate that was served",
            actual=f"{seen.response_status} and {seen.certificate_status}, for "
            f"{'this' if seen.for_this_certificate else 'another'} certificate",
            where=edge,
            look=_s_client(edge, "-status"),
        )
    if not responses:
        raise NotRun("nothing is stapled: see the scenario before")
    return responses[0]


@then("it is signed for the issuer, and neither older nor newer than it says")
def stapled_fresh(edge: Endpoint, staple: StapledResponse) -> None:
    now = datetime.now(UTC)
    begins, ends = staple.this_update, staple.next_update
    fresh = begins is not None and begins <= now and (ends is None or now < ends)
    require(
        staple.signed_by_issuer and fresh,
        expected=f"the issuer's signature, and {now:%F %T} UTC within its validity",
        actual=f"{'' if staple.signed_by_issuer else 'not '}signed for the issuer, "
        f"valid from {begins} until {ends}",
        where=edge,
        look=_s_client(edge, "-status"),
    )


@then("the accepted curves are exactly")
def accepted_curves(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, datatable: Table
) -> None:
    seen = measurements.result(audit, edge).curves
    evidence.add("accepted curves", sorted(seen))
    require(
        seen == set(column(datatable)),
        expected=listed(sorted(column(datatable))),
        actual=listed(sorted(seen)),
        where=edge,
        look=f"sslscan --no-ciphersuites --sni-name={edge.name} {edge.address}:{edge.port}",
    )


def _require_responder(edge: Endpoint, measurements: Measurements) -> None:
    if not measurements.result(inspect, edge).ocsp_urls:
        raise NotRun("the certificate names no OCSP responder, so there is nothing to staple")


def _s_client(edge: Endpoint, options: str) -> str:
    roots = f" -CAfile {edge.roots}" if edge.roots else ""
    to = f"-connect {edge.address}:{edge.port} -servername {edge.name}{roots}"
    return f"openssl s_client {to} {options} </dev/null"


def _nmap(edge: Endpoint, script: str) -> str:
    return f"nmap -p {edge.port} --script {script} {edge.address}"
