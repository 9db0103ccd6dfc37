"""The values of a series tick by tick, in the notation of `promtool test rules`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

TICK_S = 15
"""The document's interval of scraping and of evaluation."""

CALM, SURGE, FLOOD = 30_000, 3_000_000, 300_000_000_000
"""Requests a tick, so that rates are whole numbers. What changes with a surge is seen at once
by any mean or percentile over any window, and a flood outweighs a surge."""

_RESTART_EVERY = 4  # ticks: a crash each minute


@dataclass(frozen=True)
class Stretch:
    """What one server goes through for some ticks. `value` is None while it is not there.

    `uneven`: one core of two does more of it than the other. `slow`: the share of requests
    that takes `value`; the others take `fast`, or half of it where that is None. `partly`: only
    what shows the quantity is not there; the server is, and what never changes of it.
    """

    ticks: int
    value: float | None
    requests: int = CALM
    restarts: bool = False
    uneven: bool = False
    slow: float = 1.0
    fast: float | None = None
    partly: bool = False


Past = Sequence[Stretch]
Of = Callable[[Stretch], float]


def gauge(past: Past, value: Of) -> str:
    """The values of a gauge, in promtool's notation; stale where the server has gone."""
    parts, there = [], False
    for stretch in past:
        if stretch.value is None:
            parts += absent(stretch.ticks, there)
        else:
            parts.append(f"{_number(value(stretch))}+0x{stretch.ticks - 1}")
        there = stretch.value is not None
    return " ".join(parts)


def constant(past: Past, value: float) -> str:
    """The values of a gauge that never changes."""
    return gauge(standing(past), lambda _: value)


def standing(past: Past) -> Past:
    """What a server goes through, for what is there as long as it is."""
    return [replace(each, value=0) if each.partly else each for each in past]


def counter(past: Past, step: Of) -> str:
    """The values of a counter that grows by `step` each tick, from 0 when its server starts."""
    parts, there, value = [], False, 0.0
    for stretch in past:
        if stretch.value is None:
            parts += absent(stretch.ticks, there)
            there, value = False, 0.0
            continue
        by = step(stretch)
        left = stretch.ticks
        while left:
            run = min(left, _RESTART_EVERY) if stretch.restarts else left
            first = by if stretch.restarts else value + by
            parts.append(f"{_number(first)}+{_number(by)}x{run - 1}")
            value = first + by * (run - 1)
            left -= run
        there = True
    return " ".join(parts)


def absent(ticks: int, there: bool) -> list[str]:
    """The values of a series that is not there; `there` is whether it was before."""
    missing = [f"_x{ticks - 1}"] if ticks > 1 else []
    return ["stale" if there else "_", *missing]


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")
