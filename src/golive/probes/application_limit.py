"""Spend what the application's own rate limit leaves a client, no faster than the edge allows."""

import time
from dataclasses import dataclass

from golive.endpoint import Endpoint
from golive.probes.http import Response, request
from golive.probes.rate_limit import REFUSALS


@dataclass(frozen=True)
class Spent:
    """The answers to a new client's requests, up to the first refusal.

    `refusal` is that one, None where none came. It came `elapsed_s` after the first request was
    sent: the window began between that instant and the first answer, `first_s` later.
    """

    served: tuple[int, ...]
    refusal: Response | None
    elapsed_s: float
    first_s: float


def spend(endpoint: Endpoint, path: str, *, at_once: int, every_s: float, at_most: int) -> Spent:
    """Ask until refused, `at_most` times: `at_once` without waiting, else one `every_s`.

    However late a request is, others do not make up for it: a limit of that burst and rate
    refuses none. Whose refusal it is says its body.
    Raises Unproven as `golive.probes.http.request` does.
    """
    served: list[int] = []
    began = earned = time.monotonic()
    first_s = 0.0
    for _ in range(at_most):
        time.sleep(max(0.0, earned - at_once * every_s - time.monotonic()))
        earned = max(earned, time.monotonic()) + every_s
        answer = request(endpoint, path)
        if answer.status in REFUSALS:
            return Spent(tuple(served), answer, time.monotonic() - began, first_s)
        served.append(answer.status)
        first_s = first_s or time.monotonic() - began
    return Spent(tuple(served), None, time.monotonic() - began, first_s)
