import base64
import json
import secrets
from urllib.parse import quote

import pytest

from golive.gate.evidence import EvidenceLog
from golive.outcome import Unproven, Whose
from golive.probes.secrets import Leak, Place, Secret, search

VALUE = 'p"ss/w+rd?' + secrets.token_hex(16)
SECRET = Secret("JWT_SECRET", VALUE)


def test_a_secret_shows_its_name_and_eight_digits_of_its_digest_only():
    assert repr(SECRET) == str(SECRET) == f"JWT_SECRET (SHA-256 {SECRET.digest}...)"
    assert len(SECRET.digest) == 8
    assert VALUE not in f"{SECRET!r} {SECRET}"


def test_a_secret_cannot_become_evidence():
    with pytest.raises(Exception, match="serialize") as error:
        EvidenceLog().add("secret", SECRET)
    assert VALUE not in str(error.value)


@pytest.mark.parametrize(
    ("spelling", "content"),
    [
        pytest.param("as it is", VALUE, id="as it is"),
        pytest.param("percent-encoded", quote(VALUE, safe=""), id="percent-encoded"),
        pytest.param("as in JSON", json.dumps({"key": VALUE}), id="JSON"),
        pytest.param("in hexadecimal", VALUE.encode().hex(), id="hexadecimal"),
        pytest.param("in hexadecimal", VALUE.encode().hex().upper(), id="HEXADECIMAL"),
        *(
            pytest.param(
                "in base64",
                encode(f"{'x' * before}{VALUE}{'y' * after}".encode()).decode(),
                id=f"{encode.__name__}, {before} before, {after} after",
            )
            for encode in (base64.b64encode, base64.urlsafe_b64encode)
            for before in range(4)
            for after in range(3)
        ),
    ],
)
def test_a_secret_is_found_however_it_is_spelled(spelling: str, content: str):
    place = Place("a log", f"before {content} after".encode(), 0o644)
    assert search([SECRET], [place]) == (
        Leak("JWT_SECRET", SECRET.digest, spelling, "a log", 0o644),
    )


def test_a_leak_is_told_without_the_secret():
    (leak,) = search([SECRET], [Place("a log", f"x{VALUE}x".encode())])
    assert str(leak) == f"JWT_SECRET (SHA-256 {SECRET.digest}...), as it is, in a log"
    assert VALUE not in repr(leak) + repr(Place("a log", VALUE.encode()))


def test_what_is_not_there_is_not_found():
    places = [Place("empty", b""), Place("half", VALUE[:20].encode()), Place("name", b"JWT_SECRET")]
    assert search([SECRET, Secret("EMPTY", "")], places) == ()


def test_a_secret_of_several_servers_is_found_once():
    assert len(search([SECRET, Secret("JWT_SECRET", VALUE)], [Place("log", VALUE.encode())])) == 1


def test_a_secret_too_short_to_search_for_is_unproven_and_not_quoted():
    with pytest.raises(Unproven, match="REDIS_PASSWORD has 5 characters") as error:
        search([Secret("REDIS_PASSWORD", "velo1")], [Place("log", b"velo1")])
    assert error.value.whose is Whose.TARGET
    assert "velo1" not in str(error.value)


@pytest.mark.parametrize(
    "value", [secrets.token_hex(16), secrets.token_urlsafe(32)], ids=["hex", "base64"]
)
def test_a_random_secret_is_hard_to_guess(value: str):
    assert Secret("s", value).bits > 100


@pytest.mark.parametrize(
    "value",
    ["", "a" * 64, "0123456789" * 6, "secret" * 10, "dashboard-velo-production-secret-2026"],
)
def test_a_long_secret_of_words_or_repetitions_is_not(value: str):
    assert Secret("s", value).bits < 100
