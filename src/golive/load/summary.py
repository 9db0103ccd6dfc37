"""A load test as data: for load.json, for the evidence of a gate, and for the pictures of both."""

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Any

from golive.load.latencies import Latencies
from golive.load.measure import Measured
from golive.load.samples import Sample, Samples

_POINTS = 300  # of a picture
_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
_BLOCKS = 30  # for a comparison


def summary(measured: Measured) -> dict[str, Any]:
    """The figures that people read, and the points of the pictures."""
    samples = measured.run.samples
    plan = samples.plan
    seconds = len(samples.seconds())
    return {
        "profile": measured.request.profile_name,
        "environment": measured.request.environment.name,
        "started": measured.run.began,
        "ended": measured.run.ended,
        "open": plan.open,
        "generators": plan.workers,
        "stages": [
            {
                "name": stage.name,
                "seconds": stage.seconds,
                "rate": stage.rate,
                "users": stage.users,
                "measured": stage.measured,
                **_times(list(samples.of([stage.name])), stage.seconds),
            }
            for stage in plan.stages
        ],
        "endpoints": [
            {"endpoint": name, **_times(found, seconds)} for name, found in _by_endpoint(samples)
        ],
        "errors": dict(samples.errors()),
        "abusive": dict(samples.abusive()),
        "all": _times(list(samples.of()), seconds),
        "closed_figure": _times(list(samples.of()), seconds, service=True),
        "timeline": timeline(samples),
        "distribution": distribution(samples.latencies()),
        "generator": _generator(samples),
        "servers": None if isinstance(measured.figures, Exception) else measured.figures,
    }


def stored(measured: Measured) -> dict[str, Any]:
    """The same with what another run is compared by, and other programs read: histograms."""
    samples = measured.run.samples
    return {
        "schema": 1,
        **summary(measured),
        "histogram": samples.latencies().encode(),
        "blocks": [block.encode() for block in blocks(samples)],
    }


def _times(found: list[Sample], seconds: int, *, service: bool = False) -> dict[str, Any]:
    times = Latencies(each.service if service else each.latency for each in found)
    return {
        "requests": len(found),
        "errors": sum(1 for each in found if each.kind),
        "per_second": round(len(found) / seconds, 1),
        **_named(times, _PERCENTILES),
        "most_ms": times.most_ms(),
    }


def _named(times: Latencies, percents: Sequence[float]) -> dict[str, float | None]:
    found = times.percentiles_ms(percents)
    return {f"p{percent:g}_ms": value for percent, value in zip(percents, found, strict=True)}


def _by_endpoint(samples: Samples) -> Iterator[tuple[str, list[Sample]]]:
    found: dict[str, list[Sample]] = {}
    for each in samples.of():
        found.setdefault(each.endpoint, []).append(each)
    return iter(sorted(found.items()))


def timeline(samples: Samples) -> list[dict[str, Any]]:
    """Points of at most `_POINTS` in time: what was due in each, and how long it took."""
    plan = samples.plan
    seconds = plan.seconds
    width = -(-seconds // _POINTS)
    bins: dict[int, list[Sample]] = {}
    for each in samples:
        bins.setdefault(each.second // width, []).append(each)
    points = []
    for number in range(-(-seconds // width)):
        found = bins.get(number, [])
        times = Latencies(each.latency for each in found)
        points.append(
            {
                "t": number * width,
                "requests_per_second": len(found) / width,
                "errors_per_second": sum(1 for each in found if each.kind) / width,
                **({} if plan.open else {"users": samples.users.get(number * width, 0)}),
                **_named(times, (50, 95, 99)),
            }
        )
    return points


def distribution(times: Latencies) -> list[tuple[float, float]]:
    """(percent, ms): from the median on, each step halves what is left (as HdrHistogram plots)."""
    percents, left = [], 50.0
    while times.count and left >= 50 / times.count:
        percents += [round(100 - left, 5), round(100 - 0.75 * left, 5)]
        left /= 2
    found = times.percentiles_ms(percents)
    return [(percent, ms or 0.0) for percent, ms in zip(percents, found, strict=True)]


def _generator(samples: Samples) -> dict[str, Any]:
    own = samples.own
    return {
        "worst_lag_ms": max((each.lag_ms for each in own), default=None),
        "cpu_of_a_core": mean(each.cpu for each in own) if own else None,
        "starved": mean(each.starved for each in own) if own else None,
        "trouble": samples.trouble,
    }


def blocks(samples: Samples) -> list[Latencies]:
    """The measured time cut into stretches: what is near in time is not independent."""
    seconds = sorted(samples.seconds())
    width = -(-len(seconds) // _BLOCKS)
    number = {second: index // width for index, second in enumerate(seconds)}
    blocks = [Latencies() for _ in range(-(-len(seconds) // width))]
    for each in samples.of():
        blocks[number[each.second]].record(each.latency)
    return [block for block in blocks if block.count]
