"""watch-ENVIRONMENT.html: how a watch ended, and the curves of it and of the hours before."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.resources import files as resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from golive.report.text import duration, number, utc, visible
from golive.watch.record import Record

_WIDTH, _HEIGHT = 760, 140
_LEFT, _BOTTOM = 60, 22
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """A curve as a page shows it: pieces of line between gaps, in pixels, with its scale."""

    title: str
    pieces: tuple[str, ...]
    released: float
    top: str
    first: str
    last: str


def render(record: Record, curves: dict[str, Points | None]) -> str:
    """The page. A curve is None where nothing is known of it."""
    style = (resources("golive.report") / "templates/watch.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    jinja = Environment(
        loader=PackageLoader("golive.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    jinja.filters |= {"duration": duration, "utc": utc, "visible": visible}
    page: str = jinja.get_template("watch.html.j2").render(
        record=record,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'",
        style=style,
        charts=[
            _chart(title, points, record) if points else (title, None)
            for title, points in curves.items()
        ],
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        bottom=_HEIGHT - _BOTTOM,
        seen=sum(each.problem is None for each in record.looks),
        alerts=sorted({alert for each in record.looks for alert in each.alerts}),
    )
    return page


def span(record: Record) -> tuple[datetime, datetime, float]:
    """What curves are asked for: from, to, and the step in seconds."""
    begin = record.released_at - timedelta(seconds=record.before.seconds)
    return (
        begin,
        record.watched_until,
        max(round((record.watched_until - begin).total_seconds() / 300), 1),
    )


def _chart(title: str, points: Points, record: Record) -> Chart:
    begin, end, step_s = span(record)
    length = max(end.timestamp() - begin.timestamp(), 1.0)
    known = [(at, value) for at, value in points if value == value]  # not what is no number
    top = max((value for _, value in known), default=0.0) or 1.0

    def x(at: float) -> float:
        return round(_LEFT + (at - begin.timestamp()) / length * (_WIDTH - _LEFT), 1)

    def y(value: float) -> float:
        return round((_HEIGHT - _BOTTOM) * (1 - value / top * 0.9), 1)

    gap_s = 2.5 * max(step_s, record.every_s)
    pieces: list[list[str]] = []
    before = None
    for at, value in known:
        if before is None or at - before > gap_s:
            pieces.append([])
        pieces[-1].append(f"{x(at)},{y(value)}")
        before = at
    return Chart(
        title,
        tuple(" ".join(piece) for piece in pieces),
        x(record.released_at.timestamp()),
        number(top, 3),
        f"{begin.astimezone(UTC):%d %H:%M}",
        f"{end.astimezone(UTC):%d %H:%M}",
    )
