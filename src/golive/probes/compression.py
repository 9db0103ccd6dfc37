"""What a server makes of a body for a client that accepts gzip (RFC 9110 8.4, RFC 1952)."""

import gzip
import zlib
from dataclasses import dataclass

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import Headers, Response, Version, request

# nginx compresses with these, but a body that is known to be small with a smaller window
# (ngx_http_gzip_filter_memory): below this, its levels cannot be told by trying.
_WINDOW_BITS, _MEMORY_LEVEL = 15, 8
_FULL_WINDOW = 2 ** (_WINDOW_BITS - 1)
_GZIP_FORMAT = 16


@dataclass(frozen=True)
class Level:
    """The levels of zlib that make of the body exactly the bytes that were sent.

    None where another library than zlib compressed, or another window. Lengths are in bytes.
    """

    fitting: tuple[int, ...]
    plain: int
    sent: int


def ask(
    endpoint: Endpoint, path: str, *, headers: Headers = (), http_version: Version = "1.1"
) -> Response:
    """The answer to a client that accepts gzip."""
    accepting = (("Accept-Encoding", "gzip"), *headers)
    return request(endpoint, path, headers=accepting, http_version=http_version)


def is_compressed(response: Response) -> bool:
    """Whether the body is compressed. Raises Unproven where it says so and is not."""
    encodings = response.values("Content-Encoding")
    if not encodings:
        return False
    if encodings != ("gzip",):
        reason = f"{response.url}: asked for gzip, sent {', '.join(encodings)}"
        raise Unproven(reason, Whose.TARGET)
    plain_text(response)
    return True


def plain_text(response: Response) -> bytes:
    """The body of a compressed answer. Raises Unproven where it is no gzip."""
    try:
        return gzip.decompress(response.body)
    except (OSError, EOFError, zlib.error) as error:
        reason = f"{response.url}: Content-Encoding is gzip, and the body is not: {error}"
        raise Unproven(reason, Whose.TARGET) from error


def level(endpoint: Endpoint, path: str) -> Level:
    """Compress the body of `path` at every level, and compare with what the server sent.

    zlib's output is the same to the byte wherever its parameters are, and for a body of text of
    some tens of kilobytes it differs between any two levels but the highest.

    Raises Unproven where the answer is not compressed, or too short to tell.
    """
    response = ask(endpoint, path)
    if not is_compressed(response):
        raise Unproven(f"{response.url} is not compressed: it has no level", Whose.TARGET)
    plain = plain_text(response)
    if len(plain) < _FULL_WINDOW:
        reason = f"{response.url}: {len(plain)} bytes are too few to tell a level by"
        raise Unproven(reason, Whose.OURS)
    # The header (10 bytes) may name another operating system; what counts is behind it.
    fitting = tuple(
        each for each in range(1, 10) if _compressed(plain, each)[10:] == response.body[10:]
    )
    return Level(fitting, len(plain), len(response.body))


def _compressed(plain: bytes, each: int) -> bytes:
    format_ = _WINDOW_BITS + _GZIP_FORMAT
    compressor = zlib.compressobj(each, zlib.DEFLATED, format_, _MEMORY_LEVEL)
    return compressor.compress(plain) + compressor.flush()
