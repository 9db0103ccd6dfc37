"""Curves of what was measured over time, for a page: which there are in evidence, and their lines.

Evidence is a curve where it is a list of rows with a time `t` in seconds and numbers beside it.
Numbers of one unit (the last word of their names: p50_ms, p95_ms) share a picture.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from pydantic import JsonValue

TIME = "t"
WIDTH, HEIGHT = 640, 160
_FEWEST = 3  # points
_MOST = 300  # points of a line that are drawn
_LINES = 4  # of a picture
_STEPS = (1, 2, 5, 10)

Row = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Line:
    """A series: its name, and the points of its unbroken parts as SVG's `points` has them."""

    name: str
    parts: tuple[str, ...]
    last: float


@dataclass(frozen=True)
class Curve:
    """A picture: lines of one unit from second `begin` to `end`, `top` the highest value there is.

    `ticks` are values, each with the height at which it stands.
    """

    unit: str
    begin: float
    end: float
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, float], ...]


def curves(value: JsonValue) -> tuple[Curve, ...]:
    """The pictures of a value; none where it is no curve."""
    rows = _rows(value)
    if rows is None:
        return ()
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        if name != TIME and any(_number(row.get(name)) is not None for row in rows):
            groups.setdefault(_unit(name), []).append(name)
    return tuple(
        _curve(unit, names[at : at + _LINES], rows)
        for unit, names in groups.items()
        for at in range(0, len(names), _LINES)
    )


def within(value: JsonValue) -> tuple[Curve, ...]:
    """The pictures of a value, or of what is in it."""
    if found := curves(value):
        return found
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return tuple(curve for each in inside for curve in within(each))


def _rows(value: JsonValue) -> Sequence[Row] | None:
    if not isinstance(value, list) or len(value) < _FEWEST:
        return None
    rows = [row for row in value if isinstance(row, dict) and _number(row.get(TIME)) is not None]
    return rows[:: ceil(len(rows) / _MOST)] if len(rows) == len(value) else None


def _curve(unit: str, names: Sequence[str], rows: Sequence[Row]) -> Curve:
    times = [_number(row[TIME]) or 0.0 for row in rows]
    begin, end = min(times), max(times)
    values = [v for row in rows for name in names if (v := _number(row.get(name))) is not None]
    low, high = min(0.0, *values), max(0.0, *values)
    scale = _step(high - low)
    low, high = floor(low / scale) * scale, max(ceil(high / scale) * scale, low + scale)

    def y(value: float) -> float:
        return round(HEIGHT - HEIGHT * (value - low) / (high - low), 1)

    def parts(name: str) -> Iterator[str]:
        points: list[str] = []
        for time, row in zip(times, rows, strict=True):
            value = _number(row.get(name))
            if value is not None:
                x = round(WIDTH * (time - begin) / ((end - begin) or 1), 1)
                points.append(f"{x:g},{y(value):g}")
            elif points:
                yield " ".join(points)
                points = []
        if points:
            yield " ".join(points)

    def last(name: str) -> float:
        return [v for row in rows if (v := _number(row.get(name))) is not None][-1]

    count = round((high - low) / scale)
    ticks = [low + scale * n for n in range(count + 1)]
    lines = tuple(Line(name, tuple(parts(name)), last(name)) for name in names)
    return Curve(unit, begin, end, lines, tuple((tick, y(tick)) for tick in ticks))


def _number(value: JsonValue) -> float | None:
    """A number that JSON calls one; infinities are written as text."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _unit(name: str) -> str:
    return name.rpartition("_")[2] if "_" in name else ""


def _step(span: float) -> float:
    """A round distance of ticks, so that there are two to five of them."""
    if span <= 0:
        return 1.0
    power = 10.0 ** floor(log10(span / 5))
    return float(next(step * power for step in _STEPS if span / (step * power) <= 5))
