"""JSON Web Tokens (RFC 7519) with an HMAC signature: read them, and make wrong ones.

By hand, since libraries refuse what must be tried here: no signature, a short secret.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golive.outcome import Unproven, Whose

_HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}  # RFC 7518, 3.2


@dataclass(frozen=True)
class TokenFacts:
    """What a token says of itself. `lifetime_s` is exp - iat, None where one of them is missing.

    `signed` is whether its signature was made with the secret that it was compared with.
    """

    algorithm: str
    lifetime_s: int | None
    signed: bool


def facts(token: str, secret: str) -> TokenFacts:
    """Read a token. Raises Unproven, the target's fault, where it is none; it is not quoted."""
    header, claims = _part(token, 0), _part(token, 1)
    issued, expires = claims.get("iat"), claims.get("exp")
    lifetime = None if issued is None or expires is None else expires - issued
    algorithm = str(header.get("alg"))
    signed, _, signature = token.rpartition(".")
    right = algorithm in _HASHES and hmac.compare_digest(
        _sign(signed, secret, algorithm), signature
    )
    return TokenFacts(algorithm, lifetime, right)


def claims(token: str) -> dict[str, Any]:
    """What a token claims, its signature not being looked at. Raises Unproven as `facts`."""
    return _part(token, 1)


def forge(claims: Mapping[str, Any], secret: str | None) -> str:
    """A token with these claims, signed with HS256, or (None) not signed at all (alg "none")."""
    header = {"alg": "none" if secret is None else "HS256", "typ": "JWT"}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{'' if secret is None else _sign(signed, secret, 'HS256')}"


def _sign(text: str, secret: str, algorithm: str) -> str:
    return _encoded(hmac.digest(secret.encode(), text.encode(), _HASHES[algorithm]))


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _part(token: str, index: int) -> dict[str, Any]:
    try:
        part = token.split(".")[index]
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise Unproven("the application issued no JSON Web Token", Whose.TARGET) from error
    if not isinstance(value, dict):
        raise Unproven("the application issued no JSON Web Token", Whose.TARGET)
    return value
