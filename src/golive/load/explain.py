"""Why a run was slow or failed, as far as the servers' figures tell."""

from collections.abc import Iterator
from statistics import median

from golive.load.figures import Figures, ServerFigures

_OFTEN = 0.01  # of a server's answers
_LAG_MS = 200  # an event loop that is late by more answers nobody meanwhile
_LONG_LAG_MS = 500  # as long as people may wait: no machine that is merely busy makes it so late
_MONGODB_MS, _POOL_MS = 50.0, 50.0  # on average
_REDIS_MS = 15.0  # a command takes less than one, unless the event loop lets it wait
_TIMES = 3  # as slow as the others
_MORE_MS = 100
_WORKERS = 2.0  # cores of an application server
_BUSY = 0.8


def explain(figures: Figures) -> tuple[str, ...]:
    """What stands out, the most telling first; a sentence each. Never empty."""
    found = tuple(_reasons(figures))
    return found or (
        "no figure of the application's servers, MongoDB or Redis explains it: look at the edge, "
        "and at what lies between it and the generator",
    )


def _reasons(figures: Figures) -> Iterator[str]:
    yield from _one_of_several(figures)
    # Redis is the yardstick: what makes its answers wait as well is the process that asks.
    late = [each for each in figures.servers if (each.redis_ms or 0) > _REDIS_MS]
    blocked = [
        each
        for each in figures.servers
        if (each.lag_ms or 0) > (_LAG_MS if each in late else _LONG_LAG_MS)
    ]
    if blocked:
        worst = max(blocked, key=lambda each: each.lag_ms or 0)
        yield (
            f"the event loop of {_names(blocked)} was blocked for up to {worst.lag_ms:.0f} ms: "
            "something computes, or waits, within a request and lets no other be answered"
        )
    elif late:
        yield f"a Redis command took {_largest(late, 'redis_ms')} ms on average ({_names(late)})"
    itself = [each for each in figures.servers if each not in late and each not in blocked]
    yield from _mongodb(itself, figures)
    busy = [each for each in figures.servers if (each.cpu or 0) > _BUSY * _WORKERS]
    if busy:
        yield f"the workers of {_names(busy)} used {_largest(busy, 'cpu', 1)} of {_WORKERS:g} cores"


def _one_of_several(figures: Figures) -> Iterator[str]:
    for each in figures.servers:
        others = [other for other in figures.servers if other is not each]
        if not others:
            return
        if _share(each) > _OFTEN and all(_share(other) < _share(each) / _TIMES for other in others):
            yield (
                f"{each.name} alone answers with errors: {each.faulty} of {each.requests} with "
                f"5xx, the others {sum(o.faulty for o in others)} of "
                f"{sum(o.requests for o in others)}: take it out of the balancer, and read its log"
            )
        usual = median(other.mean_ms or 0 for other in others)
        if (each.mean_ms or 0) > max(_TIMES * usual, usual + _MORE_MS):
            yield (
                f"{each.name} alone is slow: {each.mean_ms:.0f} ms on average, the others "
                f"{usual:.0f} ms"
            )


def _mongodb(servers: list[ServerFigures], figures: Figures) -> Iterator[str]:
    waiting = [each for each in servers if (each.pool_ms or 0) > _POOL_MS]
    if waiting:
        yield (
            f"a command waited {_largest(waiting, 'pool_ms')} ms on average for a connection to "
            f"MongoDB ({_names(waiting)}): the pool is too small for this load, or commands hold "
            "their connections too long"
        )
    slow = [each for each in servers if (each.mongodb_ms or 0) > _MONGODB_MS]
    if slow:
        own = figures.mongodb_own_ms
        itself = "which MongoDB does not count" if own is None else f"by its own count {own:.1f} ms"
        near = own is not None and own > _MONGODB_MS
        place = "MongoDB itself is slow" if near else "the time is lost on the way to MongoDB"
        yield (
            f"a MongoDB command took {_largest(slow, 'mongodb_ms')} ms on average as the "
            f"application sees it ({_names(slow)}), {itself}: {place}"
        )


def _share(server: ServerFigures) -> float:
    return server.faulty / server.requests if server.requests else 0.0


def _names(servers: list[ServerFigures]) -> str:
    return ", ".join(each.name for each in servers)


def _largest(servers: list[ServerFigures], field: str, digits: int = 0) -> str:
    return f"{max(getattr(each, field) for each in servers):.{digits}f}"
