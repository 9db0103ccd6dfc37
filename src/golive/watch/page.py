"""The page of a watch, written as it goes on: an interrupted one has one too."""

from pathlib import Path

from golive.outcome import Unproven
from golive.probes.prometheus import curve
from golive.report import watch as report
from golive.report.json import write_text
from golive.watch.indicators import ERROR_RATE, REQUESTS, RESPONSE_TIME, Watched
from golive.watch.record import Record

Curves = dict[str, report.Points | None]


def write(record: Record, path: Path, target: Watched | None = None) -> Path:
    """Write the page beside the record in `path`: the page's path.

    Its curves are those of the looks, which costs nothing; with `target` those of its Prometheus,
    of the hours before too, where it can be asked.
    """
    curves = _of_looks(record)
    if target is not None:
        asked = {title: _asked(target, query, record) for title, query in target.curves().items()}
        curves |= {title: points for title, points in asked.items() if points}
    return write_text(path.with_suffix(".html"), report.render(record, curves))


def _of_looks(record: Record) -> Curves:
    values = {
        REQUESTS: [each.requests_s for each in record.looks],
        ERROR_RATE: [each.error_rate for each in record.looks],
        RESPONSE_TIME: [each.p95_s for each in record.looks],
    }
    times = [each.at.timestamp() for each in record.looks]
    return {
        title: tuple((at, v) for at, v in zip(times, of, strict=True) if v is not None) or None
        for title, of in values.items()
    }


def _asked(target: Watched, query: str, record: Record) -> report.Points | None:
    try:
        return curve(target.prometheus, query, *report.span(record))
    except Unproven:
        return None
