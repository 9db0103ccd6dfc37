"""Measurements as the stack's exporters and its application would show them, tick by tick.

Names and labels are those of node_exporter, redis_exporter, the application's /metrics, golive's
MongoDB exporter and Percona's (job, instance and so on), so that whatever an alert is computed from
is there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from golive.probes.series_values import (
    TICK_S,
    Of,
    Past,
    Stretch,
    constant,
    counter,
    gauge,
    standing,
)

_BUCKETS = {  # of prom-client, and those that the application gives
    "http": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    "mongodb": (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
}
_GIB = 2**30
_HEALTHY_S = 0.02
_MICROSECONDS = 1e6


class Quantity(StrEnum):
    """What the document's table speaks of. Percent, or seconds for the two response times."""

    CPU = "CPU"
    MEMORY = "memory"
    RESPONSE_TIME = "response time"
    ERROR_RATE = "error rate"
    REDIS_MEMORY = "Redis memory"
    MONGODB_RESPONSE_TIME = "MongoDB response time"


_SHOWN_BY = {
    Quantity.CPU: ("node_cpu_",),
    Quantity.MEMORY: ("node_memory_",),
    Quantity.RESPONSE_TIME: ("http_request_duration_",),
    Quantity.ERROR_RATE: ("http_requests_",),
    Quantity.REDIS_MEMORY: ("redis_memory_",),
    Quantity.MONGODB_RESPONSE_TIME: ("mongodb_operation_", "mongodb_ss_opLatencies_"),
}


Series = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Server:
    """The addresses that stand in the labels of one server's series."""

    application: str
    redis: str
    mongodb: str
    monitoring: str


def series(quantity: Quantity, server: Server, past: Past) -> Series:
    """Each series of one server (name with labels, values) that shows the quantity."""
    yield from _SERIES[quantity](server, past)


def shown_by(quantity: Quantity, metric: str) -> bool:
    """Whether series of this name change with the quantity, and do not merely stand beside it."""
    return metric.startswith(_SHOWN_BY[quantity])


def bounds(quantity: Quantity) -> tuple[float, ...]:
    """The bounds of the histogram that shows the quantity; none where none does."""
    kinds = {Quantity.RESPONSE_TIME: "http", Quantity.MONGODB_RESPONSE_TIME: "mongodb"}
    return _BUCKETS[kinds[quantity]] if quantity in kinds else ()


def _cpu(server: Server, past: Past) -> Series:
    labels = f'job="node-exporter",instance="{server.application}:9100"'
    yield from _node(labels, past)
    for name, bytes_ in (("MemTotal", 20 * _GIB), ("MemAvailable", 12 * _GIB)):
        yield f"node_memory_{name}_bytes{{{labels}}}", constant(past, bytes_)
    for core, sign in (("0", 1), ("1", -1)):

        def busy(stretch: Stretch, sign: int = sign) -> float:
            used = (stretch.value or 0) / 100
            return used + sign * (min(used, 1 - used) / 2 if stretch.uneven else 0)

        for mode in ("idle", "user", "system", "nice", "iowait", "irq", "softirq", "steal"):

            def step(stretch: Stretch, mode: str = mode) -> float:
                share = {"user": busy(stretch), "idle": 1 - busy(stretch)}.get(mode, 0)
                return share * TICK_S

            yield (
                f'node_cpu_seconds_total{{cpu="{core}",mode="{mode}",{labels}}}',
                counter(past, step),
            )


def _memory(server: Server, past: Past) -> Series:
    labels = f'job="node-exporter",instance="{server.application}:9100"'
    yield from _node(labels, past)
    idle = f'node_cpu_seconds_total{{cpu="0",mode="idle",{labels}}}'
    yield idle, counter(standing(past), lambda _: TICK_S * 0.7)
    total = 20 * _GIB

    def available(stretch: Stretch) -> float:
        return round(total * (1 - (stretch.value or 0) / 100))

    # What is free is a quarter of what is available: a cache is no shortage of memory.
    shares = {"MemAvailable": 1.0, "MemFree": 0.25, "Cached": 0.5, "Buffers": 0.25}
    yield f"node_memory_MemTotal_bytes{{{labels}}}", constant(past, total)
    for name, share in shares.items():

        def part(stretch: Stretch, share: float = share) -> float:
            return available(stretch) * share

        yield f"node_memory_{name}_bytes{{{labels}}}", gauge(past, part)


def _node(labels: str, past: Past) -> Series:
    """What stands beside a host's CPU and memory, as everything else that stays as it is."""
    yield f'node_uname_info{{nodename="server",{labels}}}', constant(past, 1)
    yield f"up{{{labels}}}", constant(past, 1)


def _redis_memory(server: Server, past: Past) -> Series:
    labels = f'job="redis",instance="redis://{server.redis}:6379"'
    most = 5 * _GIB
    for name in ("redis_memory_max_bytes", "redis_config_maxmemory"):
        yield f"{name}{{{labels}}}", constant(past, most)
    yield (
        f"redis_memory_used_bytes{{{labels}}}",
        gauge(past, lambda stretch: round(most * (stretch.value or 0) / 100)),
    )
    for name in ("redis_up", "up"):
        yield f"{name}{{{labels}}}", constant(past, 1)


def _response_time(server: Server, past: Past) -> Series:
    yield from _api(server, past, lambda _: 0, lambda stretch: stretch.value or 0)


def _error_rate(server: Server, past: Past) -> Series:
    yield from _api(server, past, lambda stretch: (stretch.value or 0) / 100, lambda _: _HEALTHY_S)


def _api(server: Server, past: Past, errors: Of, taking: Of) -> Series:
    target = f'job="api-server",instance="{server.application}:3000"'
    route = f'method="GET",route="/api/v1/weather",{target}'
    # Two statuses: an alert that counts one of them only sees half of the errors.
    for status, share in (("200", None), ("500", 0.5), ("503", 0.5)):

        def answered(stretch: Stretch, share: float | None = share) -> float:
            part = 1 - errors(stretch) if share is None else errors(stretch) * share
            return round(stretch.requests * part)

        yield f'http_requests_total{{status="{status}",{route}}}', counter(past, answered)
    yield from _histogram("http_request_duration_seconds", route, "http", past, taking)
    yield f"up{{{target}}}", constant(past, 1)


def _mongodb(server: Server, past: Past) -> Series:
    def taking(stretch: Stretch) -> float:
        return stretch.value or 0

    for kind in ("reads", "writes", "commands"):
        labels = (
            f'job="mongodb",instance="{server.monitoring}:9216",'
            f'member="{server.mongodb}:27017",type="{kind}"'
        )
        name = "mongodb_operation_latency_seconds"
        yield f"{name}_count{{{labels}}}", counter(past, lambda stretch: stretch.requests)
        yield (
            f"{name}_sum{{{labels}}}",
            counter(past, lambda stretch: stretch.requests * taking(stretch)),
        )
        # The same as Percona's exporter has it: microseconds, one exporter a member.
        labels = f'job="mongodb",instance="{server.mongodb}:9216",op_type="{kind}"'
        name = "mongodb_ss_opLatencies"
        yield f"{name}_ops{{{labels}}}", counter(past, lambda stretch: stretch.requests)
        yield (
            f"{name}_latency{{{labels}}}",
            counter(past, lambda stretch: stretch.requests * taking(stretch) * _MICROSECONDS),
        )
    labels = f'operation="find",job="api-server",instance="{server.application}:3000"'
    yield from _histogram("mongodb_operation_duration_seconds", labels, "mongodb", past, taking)


def _histogram(name: str, labels: str, kind: str, past: Past, taking: Of) -> Series:
    def within(bound: float) -> Of:
        def count(stretch: Stretch) -> float:
            slow = stretch.requests * stretch.slow
            fast = stretch.requests - slow
            return slow * (taking(stretch) <= bound) + fast * (others(stretch) <= bound)

        return count

    def others(stretch: Stretch) -> float:
        return taking(stretch) / 2 if stretch.fast is None else stretch.fast

    def total(stretch: Stretch) -> float:
        slow = stretch.requests * stretch.slow
        return slow * taking(stretch) + (stretch.requests - slow) * others(stretch)

    for bound in (*_BUCKETS[kind], float("inf")):
        le = "+Inf" if bound == float("inf") else f"{bound:g}"
        yield f'{name}_bucket{{le="{le}",{labels}}}', counter(past, within(bound))
    yield f"{name}_count{{{labels}}}", counter(past, lambda stretch: stretch.requests)
    yield f"{name}_sum{{{labels}}}", counter(past, total)


_SERIES: dict[Quantity, Callable[[Server, Past], Series]] = {
    Quantity.CPU: _cpu,
    Quantity.MEMORY: _memory,
    Quantity.RESPONSE_TIME: _response_time,
    Quantity.ERROR_RATE: _error_rate,
    Quantity.REDIS_MEMORY: _redis_memory,
    Quantity.MONGODB_RESPONSE_TIME: _mongodb,
}
