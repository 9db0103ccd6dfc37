"""Pictures of a load test, as SVG that needs nothing from elsewhere; for a page, and for a report.

Colours are attributes, so that a page whose policy allows no style of its own shows them too; text
is in the page's own colour, so that they suit light and dark. Each has a title for who cannot see.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 30, 30
_COLOURS = ("#3b82f6", "#d97706", "#db2777", "#0d9488")
_TICKS = 5

Point = tuple[float, float]
Summary = Mapping[str, Any]  # of golive.load.summary, or its JSON


@dataclass(frozen=True)
class Line:
    """One series; a point without a value is left out, and the line is interrupted."""

    name: str
    points: Sequence[tuple[float, float | None]]


def svgs(load: Summary) -> tuple[str, ...]:
    """Every picture of a load test, as `summary.summary` or the evidence "load" has it."""
    time = load["timeline"]
    bands = _bands(load["stages"])
    limit = max((point["t"] for point in time), default=0) + 1
    charts = [
        _chart(
            "Response time (ms), from when a request was due",
            [Line(f"p{p}", [(each["t"], each[f"p{p}_ms"]) for each in time]) for p in (50, 95, 99)],
            bands,
            limit,
            logarithmic=True,
        ),
        _chart(
            "Requests a second",
            [
                Line("requests", [(each["t"], each["requests_per_second"]) for each in time]),
                Line("errors", [(each["t"], each["errors_per_second"]) for each in time]),
            ],
            bands,
            limit,
        ),
    ]
    if not load["open"]:
        users = Line("users", [(each["t"], each["users"]) for each in time])
        charts.append(_chart("Users", [users], bands, limit))
    charts.append(_distribution(load["distribution"]))
    return tuple(charts)


def _bands(stages: Iterable[Mapping[str, Any]]) -> list[tuple[float, float, str]]:
    """Where each stage begins and ends."""
    begin = 0.0
    found = []
    for stage in stages:
        found.append((begin, begin + stage["seconds"], stage["name"]))
        begin += stage["seconds"]
    return found


def _chart(
    title: str,
    lines: Sequence[Line],
    bands: Sequence[tuple[float, float, str]],
    right: float,
    *,
    logarithmic: bool = False,
) -> str:
    values = [y for line in lines for _, y in line.points if y is not None]
    scale = _Logarithmic(values) if logarithmic else _Linear(values)
    right = max(right, *(end for _, end, _ in bands), 1)

    def x(seconds: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / right, 1)

    parts = []
    for index, (begin, end, name) in enumerate(bands):
        shade = "0.07" if index % 2 else "0"
        parts.append(
            f'<rect x="{x(begin)}" y="{_TOP}" width="{round(x(end) - x(begin), 1)}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}" fill="currentColor" fill-opacity="{shade}"/>'
        )
        parts.append(_text((x(begin) + x(end)) / 2, _HEIGHT - 4, name, "middle", faint=True))
    parts += _axis(scale)
    for tick in _steps(right):
        parts.append(_text(x(tick), _HEIGHT - 17, f"{tick:g} s", "middle", faint=True))
    for colour, line in zip(_COLOURS, lines, strict=False):
        points = [(x(t), None if y is None else scale.y(y)) for t, y in line.points]
        parts.append(_path(points, colour))
    return _svg(title, parts, [line.name for line in lines])


def _distribution(points: Sequence[Sequence[float]]) -> str:
    """Latency by percentile; each step to the right is a tenth of what is left."""
    title = "How many are answered within how long (ms)"
    scale = _Logarithmic([ms for _, ms in points])
    most = max((_nines(percent) for percent, _ in points), default=1.0)

    def x(percent: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * _nines(percent) / max(most, 1.0), 1)

    parts = _axis(scale)
    for percent in (0.0, 50.0, 90.0, 95.0, 99.0, 99.9, 99.99):
        if _nines(percent) <= most:
            parts.append(_text(x(percent), _HEIGHT - 14, f"{percent:g} %", "middle", faint=True))
    parts.append(_path([(x(percent), scale.y(ms)) for percent, ms in points], _COLOURS[0]))
    return _svg(title, parts, [])


def _nines(percent: float) -> float:
    return -log10(max(1e-6, 1 - percent / 100))


class _Linear:
    def __init__(self, values: Sequence[float]) -> None:
        self.ticks = _steps(max(values, default=1) or 1)
        self.top = max([*self.ticks, *values])

    def y(self, value: float) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / self.top, 1)


class _Logarithmic:
    def __init__(self, values: Sequence[float]) -> None:
        some = [value for value in values if value > 0] or [1.0]
        self.low, self.high = floor(log10(min(some))), ceil(log10(max(some) * 1.0001))
        factors = (1, 2, 5) if self.high - self.low < 3 else (1,)
        powers = range(self.low, self.high + 1)
        ticks = [10.0**power * factor for power in powers for factor in factors]
        self.ticks = [tick for tick in ticks if tick <= 10.0**self.high]

    def y(self, value: float) -> float:
        share = (log10(max(value, 10.0**self.low)) - self.low) / max(1, self.high - self.low)
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share, 1)


def _axis(scale: _Linear | _Logarithmic) -> list[str]:
    parts = []
    for tick in scale.ticks:
        y = scale.y(tick)
        parts.append(
            f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" '
            'stroke="currentColor" stroke-opacity="0.15"/>'
        )
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:,.12g}", "end", faint=True))
    return parts


def _steps(most: float) -> list[float]:
    """Round numbers from 0 to `most`, about `_TICKS` of them."""
    rough = max(most, 1e-9) / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [round(step * index, 10) for index in range(int(most / step + 1e-9) + 1)]


def _path(points: Sequence[tuple[float, float | None]], colour: str) -> str:
    drawn, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{x:g} {y:g}")
        pen = "L"
    d = " ".join(drawn)
    return (
        f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="1.8" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _text(x: float, y: float, text: str, anchor: str, *, faint: bool = False) -> str:
    opacity = ' fill-opacity="0.7"' if faint else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="11" fill="currentColor"'
        f"{opacity}>{escape(text)}</text>"
    )


def _svg(title: str, parts: Sequence[str], names: Sequence[str]) -> str:
    legend, at = [], _WIDTH - _RIGHT
    for colour, name in reversed(list(zip(_COLOURS, names, strict=False))):
        legend.append(_text(at, 16, name, "end"))
        at -= 7 * len(name) + 6
        legend.append(f'<rect x="{at - 10}" y="7" width="10" height="10" fill="{colour}"/>')
        at -= 22
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg" '
        f'font-family="system-ui, sans-serif"><title>{escape(title)}</title>'
        f'<text x="{_LEFT}" y="16" font-size="13" font-weight="600" fill="currentColor">'
        f"{escape(title)}</text>{''.join(parts)}{''.join(legend)}</svg>"
    )
