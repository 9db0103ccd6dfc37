import gzip
import random
from collections.abc import Iterator

import pytest

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.compression import ask, is_compressed, level, plain_text
from golive.probes.http import Response

from .nginx_server import Nginx, nginx

LEVELS = (1, 5, 6, 7, 9)
WORDS = ["gear", "chain", "wheel", "brake", "saddle", "bell", "pedal", "spoke"]

CONFIGURATION = "".join(
    f"""
    server {{
        listen ADDRESS:8443 ssl;
        server_name level-{level}.golive.test;
        gzip on; gzip_comp_level {level}; gzip_types text/plain;
        default_type text/plain;
        location / {{ root files; }}
        location /lie {{ gzip off; add_header Content-Encoding gzip; return 200 "not compressed"; }}
        location /brotli {{ gzip off; add_header Content-Encoding br; return 200 "x"; }}
        location /plain/ {{ gzip off; alias files/; }}
    }}"""
    for level in LEVELS
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    directory = tmp_path_factory.mktemp("nginx")
    choose = random.Random(6)
    text = " ".join(choose.choice(WORDS) + str(choose.randrange(300)) for _ in range(9000))
    (directory / "files").mkdir()
    (directory / "files/long.txt").write_text(text)
    (directory / "files/short.txt").write_text(text[:5000])
    with nginx(directory, CONFIGURATION) as running:
        yield running


@pytest.fixture
def six(server: Nginx) -> Endpoint:
    return server.endpoint("level-6")


@pytest.mark.parametrize("expected", LEVELS)
def test_the_level_is_told(server: Nginx, expected: int) -> None:
    seen = level(server.endpoint(f"level-{expected}"), "/long.txt")
    assert seen.fitting == (expected,) or (expected == 9 and 9 in seen.fitting)
    assert seen.sent < seen.plain


def test_a_body_too_short_to_tell_by_is_unproven(six: Endpoint) -> None:
    with pytest.raises(Unproven, match="5000 bytes are too few") as caught:
        level(six, "/short.txt")
    assert caught.value.whose is Whose.OURS


def test_what_is_not_compressed_has_no_level(six: Endpoint) -> None:
    with pytest.raises(Unproven, match="is not compressed"):
        level(six, "/plain/long.txt")


def test_another_library_fits_no_level(six: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golive.probes.compression._MEMORY_LEVEL", 1)
    assert level(six, "/long.txt").fitting == ()


def test_compressed_or_not(six: Endpoint) -> None:
    assert is_compressed(ask(six, "/long.txt"))
    assert plain_text(ask(six, "/short.txt")).startswith(tuple(map(str.encode, WORDS)))
    assert not is_compressed(ask(six, "/plain/long.txt"))


def test_an_http_1_0_client_is_told_apart(six: Endpoint) -> None:
    answer = ask(six, "/long.txt", http_version="1.0")
    assert answer.status == 200
    assert not is_compressed(answer)


def test_headers_are_sent_too(six: Endpoint) -> None:
    # Via makes the request a proxied one; gzip_proxied is off here.
    assert not is_compressed(ask(six, "/long.txt", headers=[("Via", "1.1 proxy")]))


@pytest.mark.parametrize("path", ["/lie", "/brotli"])
def test_an_encoding_that_is_not_what_it_says_is_unproven(six: Endpoint, path: str) -> None:
    with pytest.raises(Unproven) as caught:
        is_compressed(ask(six, path))
    assert caught.value.whose is Whose.TARGET


def test_a_body_cut_off_is_unproven() -> None:
    cut = gzip.compress(b"a body of some length")[:-4]
    response = Response("https://x/", 200, (("Content-Encoding", "gzip"),), cut, "1.1", 0.0)
    with pytest.raises(Unproven, match="the body is not"):
        is_compressed(response)
