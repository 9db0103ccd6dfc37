"""Secrets: how strong they are, and where they stand though they must not.

A secret is told by its name and eight hexadecimal digits of its SHA-256, and nothing else of it.
"""

import json
import math
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from zxcvbn import zxcvbn

from golive.outcome import Unproven, Whose

_ESTIMATED = 72  # characters that zxcvbn reads; more would not make it weaker
_SHORTEST = 8  # what is shorter is found by chance
# Of base64, how many first characters also depend on 0, 1 or 2 bytes that stand before.
_UNSURE = (0, 2, 3)


class Secret:
    """A value that must not be shown. It is no dataclass, so that evidence cannot hold it."""

    __slots__ = ("_spellings", "_value", "name")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value
        self._spellings = _spellings(value)

    def __repr__(self) -> str:
        return f"{self.name} (SHA-256 {self.digest}...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    @property
    def digest(self) -> str:
        """The first eight hexadecimal digits of its SHA-256."""
        return sha256(self._value.encode()).hexdigest()[:8]

    @property
    def length(self) -> int:
        """In characters."""
        return len(self._value)

    @property
    def bits(self) -> float:
        """The logarithm to base 2 of the guesses that zxcvbn estimates: 0 where it is empty.

        It knows words, names, keyboards, repetitions and sequences; of a random text it takes
        10 guesses a character, so that 32 hexadecimal digits have 106 bits, not 128.
        """
        if not self._value:
            return 0.0
        return round(math.log2(float(zxcvbn(self._value[:_ESTIMATED])["guesses"])), 1)

    def spelled_in(self, content: bytes) -> str | None:
        """How it stands in `content`: as it is, percent-encoded, base64 ...; None: it does not."""
        return next((how for how, text in self._spellings if text in content), None)


@dataclass(frozen=True)
class Place:
    """Where a secret may be: `content` is what there is, `readers` who can read it, if known.

    `readers` are a file's permission bits.
    """

    name: str
    content: bytes
    readers: int | None = None

    def __repr__(self) -> str:
        return f"<{self.name}, {len(self.content)} bytes>"


@dataclass(frozen=True)
class Leak:
    """A secret that stands in a place; it is not quoted."""

    secret: str
    digest: str
    spelling: str
    place: str
    readers: int | None

    def __str__(self) -> str:
        return f"{self.secret} (SHA-256 {self.digest}...), {self.spelling}, in {self.place}"


def search(secrets: Iterable[Secret], places: Iterable[Place]) -> tuple[Leak, ...]:
    """Each secret in each place. An empty secret stands nowhere.

    Raises Unproven, the target's fault, for a secret that is so short that it is anywhere.
    """
    sought = [secret for secret in dict.fromkeys(secrets) if secret.length]
    for secret in sought:
        if secret.length < _SHORTEST:
            reason = f"{secret.name} has {secret.length} characters: too few to be searched for"
            raise Unproven(reason, Whose.TARGET)
    return tuple(
        Leak(secret.name, secret.digest, spelling, place.name, place.readers)
        for place in places
        for secret in sought
        if (spelling := secret.spelled_in(place.content))
    )


def _spellings(value: str) -> tuple[tuple[str, bytes], ...]:
    raw = value.encode()
    spellings = [
        ("as it is", raw),
        ("percent-encoded", quote(value, safe="").encode()),
        ("as in JSON", json.dumps(value)[1:-1].encode()),
        ("in hexadecimal", raw.hex().encode()),
        ("in hexadecimal", raw.hex().upper().encode()),
    ]
    for before, unsure in enumerate(_UNSURE):
        whole = 8 * (before + len(raw)) // 6
        spellings += [
            ("in base64", encode(bytes(before) + raw)[unsure:whole])
            for encode in (b64encode, urlsafe_b64encode)
        ]
    different = {text: how for how, text in reversed(spellings)}
    return tuple((how, text) for text, how in reversed(different.items()))
