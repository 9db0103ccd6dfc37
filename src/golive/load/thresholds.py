"""The sentences with which features say what must hold under load, and their values.

They stand here once for the steps, which judge by them, and for `golive load`, which reads the
values out of the features: nothing of this is said twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parse

RUN = 'the load of the profile "{profile}", judged with {confidence:g} % confidence'
RESPONSE = (
    'during "{stage}" at least {percent:g} % of the requests are answered within {limit:d} ms'
)
ERRORS = "fewer than {percent:g} % of the requests fail"
MONGODB = "at least {percent:g} % of MongoDB's commands take {limit:d} ms at most"
FEATURES = "12_*/**/*.feature"
_KEYWORDS = ("Given ", "When ", "Then ", "And ", "But ")


class ThresholdsError(Exception):
    """The features do not say what must hold."""


@dataclass(frozen=True)
class Response:
    """At least `percent` of the requests of a stage are answered within `limit_ms`."""

    stage: str
    percent: float
    limit_ms: int


@dataclass(frozen=True)
class Thresholds:
    """What the features ask for. `risk` is that of each judgement: 0.05 for 95 % confidence."""

    risk: float
    responses: tuple[Response, ...]
    errors_percent: float
    mongodb_percent: float
    mongodb_ms: int


def read(features: Path) -> Thresholds:
    """The values in the features of item 12. Raises ThresholdsError."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in _sentences(features):
        for pattern in (RUN, RESPONSE, ERRORS, MONGODB):
            if match := parse.parse(pattern, line):
                found.setdefault(pattern, []).append(match.named)
    missing = [pattern for pattern in (RUN, RESPONSE, ERRORS, MONGODB) if pattern not in found]
    if missing:
        raise ThresholdsError(
            f"{features}/{FEATURES} lacks a sentence such as: {'; '.join(missing)}"
        )
    return Thresholds(
        risk=round(1 - found[RUN][0]["confidence"] / 100, 6),
        responses=tuple(Response(f["stage"], f["percent"], f["limit"]) for f in found[RESPONSE]),
        errors_percent=found[ERRORS][0]["percent"],
        mongodb_percent=found[MONGODB][0]["percent"],
        mongodb_ms=found[MONGODB][0]["limit"],
    )


def _sentences(features: Path) -> Iterator[str]:
    for file in sorted(features.glob(FEATURES)):
        for line in file.read_text(encoding="utf-8").splitlines():
            for keyword in _KEYWORDS:
                if line.strip().startswith(keyword):
                    yield line.strip().removeprefix(keyword).strip()
