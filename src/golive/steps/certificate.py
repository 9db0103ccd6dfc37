"""Judge the certificate that the site shows."""

from datetime import timedelta

from pytest_bdd import parsers, then

from golive.endpoint import Endpoint
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.probes.certificate import CertificateFacts, inspect
from golive.steps.expectation import listed, require


def _seen(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> CertificateFacts:
    seen = measurements.result(inspect, edge)
    evidence.add("certificate", seen)
    return seen


@then("the served chain leads to a trusted root, in order, without fetching anything")
def chain_complete(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    seen = _seen(edge, measurements, evidence)
    order = "in order" if seen.in_order else "not in order"
    require(
        seen.complete and seen.in_order,
        expected="leaf and intermediates, each signed by the next, up to a trusted root",
        actual=f"{listed(seen.chain)}: {order}, {'' if seen.complete else 'not '}complete",
        where=edge,
        look=_show_chain(edge),
    )


@then("the certificate names the site")
def names_site(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    seen = _seen(edge, measurements, evidence)
    require(
        seen.matches_name,
        expected=edge.name,
        actual=listed(seen.names),
        where=edge,
        look=f"{_show_chain(edge)} | openssl x509 -noout -ext subjectAltName",
    )


@then("path, dates, key and algorithms of the certificate are trusted")
def trusted(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    seen = _seen(edge, measurements, evidence)
    require(
        seen.trusted,
        expected=f"trusted for {edge.name} by {edge.roots or 'the roots of the system'}",
        actual=seen.distrust,
        where=edge,
        look=_show_chain(edge),
    )


@then(parsers.parse("the certificate is valid for {days:d} more days at least"))
def not_about_to_expire(
    edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, days: int
) -> None:
    seen = _seen(edge, measurements, evidence)
    require(
        seen.days_left >= days,
        expected=f"{days} days left at least",
        actual=f"{seen.days_left:.1f} days left (until {seen.not_after:%F %T} UTC)",
        where=edge,
        look=f"{_show_chain(edge)} | openssl x509 -noout -enddate",
    )


@then(parsers.parse("the certificate is issued for {days:d} days at most"))
def lifetime(edge: Endpoint, measurements: Measurements, evidence: EvidenceLog, days: int) -> None:
    seen = _seen(edge, measurements, evidence)
    require(
        seen.lifetime <= timedelta(days=days),
        expected=f"{days} days at most",
        actual=f"{seen.lifetime / timedelta(days=1):.0f} days",
        where=edge,
        look=f"{_show_chain(edge)} | openssl x509 -noout -dates",
    )


def _show_chain(edge: Endpoint) -> str:
    to = f"-connect {edge.address}:{edge.port} -servername {edge.name}"
    return f"openssl s_client {to} -showcerts </dev/null"
