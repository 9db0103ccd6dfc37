"""The TLS probes against real servers: one good, one for each way to be wrong, broken ports."""

import dataclasses
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes import certificate, tls, tls_handshake
from golive.probes.tls import audit
from golive.probes.tls_order import alpn, cipher_order
from golive.probes.tls_sessions import resumption_by_id, resumption_tls12, resumption_tls13
from golive.probes.tls_stapling import stapling
from golive.replica.authority import Authority

from .tls_servers import (
    DOCUMENTED_SUITES,
    GOOD,
    NAME,
    PORT,
    Servers,
    fresh_address,
    full_port,
    lossy,
    nginx,
    port,
    says,
    silent,
)

# The certificate's key is ECDSA: of the documented suites these can be accepted.
SUITES = tuple(suite for suite in DOCUMENTED_SUITES.split(":") if "ECDSA" in suite)
CBC = "ECDHE-ECDSA-AES128-SHA"
CACHE = "ssl_session_cache shared:SSL:1m;"

HOSTS = {
    "good": GOOD,
    # TLS 1.0 and 1.1 need a CBC suite, and OpenSSL's consent to SHA-1 (security level 0).
    "old versions": GOOD.replace("TLSv1.2 TLSv1.3", "TLSv1 TLSv1.1 TLSv1.2").replace(
        DOCUMENTED_SUITES, f"{DOCUMENTED_SUITES}:{CBC}:@SECLEVEL=0"
    ),
    "old version in name": GOOD.replace("TLSv1.2", "TLSv1.1 TLSv1.2"),
    "TLS 1.3 only": GOOD.replace("TLSv1.2 ", ""),
    "TLS 1.2 only": GOOD.replace(" TLSv1.3", ""),
    "one suite more": GOOD.replace(DOCUMENTED_SUITES, f"{DOCUMENTED_SUITES}:{CBC}"),
    "one suite": GOOD.replace(DOCUMENTED_SUITES, SUITES[0]),
    "client's order": GOOD.replace("server_ciphers on", "server_ciphers off"),
    "other order": GOOD.replace(DOCUMENTED_SUITES, ":".join(reversed(SUITES))),
    "tickets": GOOD.replace("tickets off", "tickets on"),
    "no cache": GOOD.replace(CACHE, "ssl_session_cache off;"),
    "no cache but tickets": GOOD.replace(CACHE, "").replace("tickets off", "tickets on"),
    "a cache a worker": GOOD.replace(CACHE, "ssl_session_cache builtin:100;"),
    "other lifetime": GOOD.replace("timeout 10m", "timeout 5m"),
    "one curve": GOOD + "ssl_ecdh_curve secp384r1;",
    "rejecting": "ssl_reject_handshake on;",
}

EVERY_PROBE = pytest.mark.parametrize(
    "probe",
    [
        audit,
        cipher_order,
        lambda endpoint: alpn(endpoint, ["h2"]),
        resumption_by_id,
        resumption_tls12,
        resumption_tls13,
        stapling,
        certificate.inspect,
    ],
    ids=["audit", "order", "alpn", "by_id", "tls12", "tls13", "stapling", "certificate"],
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority.create()
    authority.write(directory)
    authority.issue([NAME]).write(directory)
    return directory


@pytest.fixture(scope="module")
def servers(directory: Path) -> Iterator[Servers]:
    with nginx(directory, HOSTS) as running:
        yield running


def test_audit_of_a_good_server(servers: Servers) -> None:
    facts = audit(servers["good"])
    assert facts.versions == ("TLSv1.2", "TLSv1.3")
    assert facts.tls12_suites == frozenset(SUITES)
    assert facts.tls13_suites == {
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    }


def test_audit_sees_versions_that_are_accepted_really(servers: Servers) -> None:
    assert audit(servers["old versions"]).versions == ("TLSv1", "TLSv1.1", "TLSv1.2")


def test_audit_does_not_see_versions_that_only_the_configuration_names(servers: Servers) -> None:
    assert audit(servers["old version in name"]).versions == ("TLSv1.2", "TLSv1.3")


def test_audit_leaves_the_suites_of_a_refused_version_empty(servers: Servers) -> None:
    facts = audit(servers["TLS 1.3 only"])
    assert (facts.versions, facts.tls12_suites) == (("TLSv1.3",), frozenset())


def test_audit_sees_one_suite_too_many(servers: Servers) -> None:
    assert audit(servers["one suite more"]).tls12_suites == {*SUITES, CBC}


def test_audit_sees_the_curves(servers: Servers) -> None:
    assert audit(servers["one curve"]).curves == {"secp384r1"}


def test_order_of_the_server(servers: Servers) -> None:
    order = cipher_order(servers["good"])
    assert (order.chosen, order.enforced) == (SUITES, True)


def test_order_that_is_another(servers: Servers) -> None:
    order = cipher_order(servers["other order"])
    assert (order.chosen, order.enforced) == (SUITES[::-1], True)


def test_order_left_to_the_client(servers: Servers) -> None:
    order = cipher_order(servers["client's order"])
    assert order.enforced is False
    assert order.chosen == order.chosen_reversed[::-1]
    assert set(order.chosen) == set(SUITES)


def test_order_of_one_suite_tells_nothing(servers: Servers) -> None:
    order = cipher_order(servers["one suite"])
    assert (order.chosen, order.enforced) == (SUITES[:1], None)


def test_order_is_not_measurable_without_tls12(servers: Servers) -> None:
    with pytest.raises(Unproven, match=r"refused TLS 1\.2") as caught:
        cipher_order(servers["TLS 1.3 only"])
    assert caught.value.whose is Whose.TARGET


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["spdy/9"], None)],
    ids=["both", "http/1.1", "unknown"],
)
def test_alpn_with_http2(servers: Servers, offered: list[str], chosen: str | None) -> None:
    facts = alpn(servers["good"], offered)
    assert (facts.offered, facts.chosen) == (tuple(offered), chosen)
    assert (facts.alert is None) == (chosen is not None)


def test_alpn_without_http2(directory: Path) -> None:
    with nginx(directory, {"http1": GOOD}, listen="ssl") as running:
        assert alpn(running["http1"], ["h2", "http/1.1"]).chosen == "http/1.1"


def test_alpn_is_not_measurable_where_the_handshake_is_refused(servers: Servers) -> None:
    with pytest.raises(Unproven, match="unrecognized name") as caught:
        alpn(servers["rejecting"], ["h2"])
    assert caught.value.whose is Whose.TARGET


def test_sessions_of_a_good_server(servers: Servers) -> None:
    by_id = resumption_by_id(servers["good"])
    tls12 = resumption_tls12(servers["good"])
    tls13 = resumption_tls13(servers["good"])
    assert by_id.resumed == tls12.resumed == tls13.resumed == by_id.attempts == 48
    assert (by_id.version, tls12.version, tls13.version) == ("TLSv1.2", "TLSv1.2", "TLSv1.3")
    # No ticket in TLS 1.2; in TLS 1.3 a key into the server's cache, for ten minutes.
    assert (tls12.ticket_bytes, tls12.lifetime_s, tls12.holds_session) == (None, None, False)
    assert (tls13.ticket_bytes, tls13.lifetime_s, tls13.holds_session) == (32, 600, False)


def test_sessions_with_tickets(servers: Servers) -> None:
    tls12 = resumption_tls12(servers["tickets"])
    tls13 = resumption_tls13(servers["tickets"])
    assert tls12.holds_session
    assert tls13.holds_session
    assert resumption_by_id(servers["tickets"]).ticket_bytes is None  # it takes none


def test_sessions_with_tickets_and_no_cache(servers: Servers) -> None:
    endpoint = servers["no cache but tickets"]
    assert resumption_by_id(endpoint).resumed == 0
    assert resumption_tls12(endpoint).resumed == resumption_tls13(endpoint).resumed == 48


def test_sessions_without_a_cache(servers: Servers) -> None:
    endpoint = servers["no cache"]
    assert resumption_by_id(endpoint).resumed == resumption_tls13(endpoint).resumed == 0


def test_sessions_of_one_worker_are_unknown_to_the_other(servers: Servers) -> None:
    assert 0 < resumption_by_id(servers["a cache a worker"]).resumed < 48
    assert 0 < resumption_tls13(servers["a cache a worker"]).resumed < 48


def test_sessions_of_another_lifetime(servers: Servers) -> None:
    assert resumption_tls13(servers["other lifetime"]).lifetime_s == 300


def test_sessions_of_a_refused_version_are_not_measurable(servers: Servers) -> None:
    with pytest.raises(Unproven, match=r"refused TLSv1\.3"):
        resumption_tls13(servers["TLS 1.2 only"])
    with pytest.raises(Unproven, match=r"refused TLSv1\.2"):
        resumption_by_id(servers["TLS 1.3 only"])


@EVERY_PROBE
def test_nothing_listens(probe: Callable[[Endpoint], object], directory: Path) -> None:
    endpoint = Endpoint(fresh_address(), PORT, NAME, directory / "root.pem")
    with pytest.raises(Unproven, match="refused") as caught:
        probe(endpoint)
    assert caught.value.whose is Whose.TARGET


@EVERY_PROBE
def test_not_reachable(
    probe: Callable[[Endpoint], object], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_handshake, "TIMEOUT_S", 0.2)
    with full_port() as endpoint, pytest.raises(Unproven, match="no connection within") as caught:
        probe(dataclasses.replace(endpoint, roots=directory / "root.pem"))
    assert caught.value.whose is Whose.NETWORK


@EVERY_PROBE
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), r"wrong[ _]version[ _]number"),
        (says(b"\x00" * 64), "TLS"),
        (says(b"\x16\x03\x03\x40\x00"), "closed the connection"),  # a record that breaks off
        (says(b""), "closed the connection"),
        (silent, "no answer to TLS"),
    ],
    ids=["plain HTTP", "garbage", "cut off", "closed", "silent"],
)
def test_no_tls(
    probe: Callable[[Endpoint], object],
    answer: Callable[[socket.socket], None],
    reason: str,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls_handshake, "TIMEOUT_S", 0.2)
    with port(answer) as endpoint, pytest.raises(Unproven, match=f"(?i){reason}") as caught:
        probe(dataclasses.replace(endpoint, roots=directory / "root.pem"))
    assert caught.value.whose is Whose.TARGET


@EVERY_PROBE
def test_every_handshake_is_refused(probe: Callable[[Endpoint], object], servers: Servers) -> None:
    with pytest.raises(Unproven, match=r"(?i)no TLS handshake|refused|broke off") as caught:
        probe(servers["rejecting"])
    assert caught.value.whose is Whose.TARGET


@EVERY_PROBE
def test_the_source_address_is_not_ours(
    probe: Callable[[Endpoint], object], servers: Servers
) -> None:
    endpoint = dataclasses.replace(servers["good"], source="192.0.2.1")  # RFC 5737
    with pytest.raises(Unproven, match="cannot connect") as caught:
        probe(endpoint)
    assert caught.value.whose is Whose.OURS


def test_a_name_that_does_not_resolve(directory: Path) -> None:
    with pytest.raises(Unproven, match="the address has no answer") as caught:
        audit(Endpoint("edge.invalid", PORT, NAME, directory / "root.pem"))  # RFC 6761
    assert caught.value.whose is Whose.NETWORK


def test_connects_from_the_source_address(servers: Servers) -> None:
    source = fresh_address()
    with tls_handshake.connect(dataclasses.replace(servers["good"], source=source)) as connection:
        assert connection.getsockname()[0] == source


def test_audit_takes_no_closed_connection_for_a_refusal(servers: Servers) -> None:
    with lossy(servers["good"], every=40) as endpoint, pytest.raises(Unproven) as caught:
        audit(endpoint)
    assert "no answer to" in caught.value.reason
    assert caught.value.whose is Whose.TARGET


def test_sessions_take_no_closed_connection_for_a_full_handshake(servers: Servers) -> None:
    with lossy(servers["good"], every=10) as endpoint, pytest.raises(Unproven) as caught:
        resumption_by_id(endpoint)
    assert "closed the connection" in caught.value.reason


def test_audit_waits_for_no_scan_for_ever(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_DEADLINE_S", 0.01)
    with pytest.raises(Unproven, match="no result within") as caught:
        audit(servers["good"])
    assert caught.value.whose is Whose.TOOL
