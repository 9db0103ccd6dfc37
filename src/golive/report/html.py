"""report.html: one page that needs nothing but itself, for people of every trade.

It is complete without its script, which only filters, opens and copies. Its Content Security
Policy lets nothing be loaded, and nothing run but that script, so that whatever a server under
test has answered stays text.
"""

import re
from base64 import b64encode
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files as resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import JsonValue

from golive.checklist import Evidence, ItemResult, Report, ScenarioResult, Span, Verdict
from golive.outcome import Outcome
from golive.report import curves, evidence, reason
from golive.report.history import History, turned_red
from golive.report.text import cut, number, utc
from golive.report.words import Language, counted, translated, words

SIZE = 500_000  # bytes
# What is shown of a text (characters), of a list (entries; with none, steps are left out), and of
# one thing that a passed scenario found (characters; of others ten times as much, and _RED): less
# of all, until the page is small enough.
_LIMITS = (
    (4000, 60, 100_000),
    (1000, 30, 10_000),
    (300, 12, 3000),
    (300, 12, 1000),
    (300, 8, 500),
    (300, 8, 200),
    (300, 8, 80),
    (200, 6, 40),
    (200, 6, 15),
    (300, 12, 0),
    (120, 4, 0),
    (60, 0, 0),
)
_RED = 1000
_OPEN = 10  # of the scenarios that block, how many are unfolded
_DEPTH = 5  # levels of evidence within evidence that are shown as tables
_WORST_FIRST = (Outcome.FAILED, Outcome.UNPROVEN, Outcome.NOT_RUN, Outcome.PASSED)
_SPANS = 40
_CLAIMS = 3  # of a statement, how many scenarios that passed are named
_FIGURES = 60  # of an item
_RUNS = 10
_MEANINGS = {
    Verdict.GO: "Nothing failed, and nothing is unproven.",
    Verdict.NO_GO: "Something failed: it must not go live.",
    Verdict.INCOMPLETE: "Nothing failed, but something is not proven.",
}
_UNITS = {"s": "s", "ms": "ms", "bytes": "bytes", "percent": "%", "bits": "bit", "days": "days"}
# What is a quantity, and not a status or a port: its name says in which unit it is.
_QUANTITY = re.compile(
    r"\b(seconds?|ms|minutes?|hours?|days?|bytes|percent|requests|a second)\b"
    rf"|_({'|'.join(_UNITS)})$"
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")


def render(report: Report, history: History, language: Language) -> str:
    """The page; texts and lists in it are cut shorter if it would be larger than `SIZE`."""
    report = translated(report, language)

    @cache
    def page(limits: tuple[int, int, int]) -> str:
        return _page(report, history, language, limits)

    # Each limit makes a smaller page than the one before: a few are made, not all.
    fitting = bisect_left(_LIMITS, True, key=lambda limits: len(page(limits).encode()) < SIZE)
    return page(_LIMITS[min(fitting, len(_LIMITS) - 1)])


def _page(
    report: Report, history: History, language: Language, limits: tuple[int, int, int]
) -> str:
    characters, entries, found = limits
    say = words(language)
    red = [result for result in _red(report.scenarios) if result.counts]
    templates = resources("golive.report") / "templates"
    style = (templates / "report.css").read_text(encoding="utf-8")
    script = (templates / "report.js").read_text(encoding="utf-8")
    jinja = Environment(
        loader=PackageLoader("golive.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    jinja.filters |= {
        "beside": _beside,
        "cut": lambda text: cut(str(text), characters),
        "quantity": _quantity,
        "seconds": _seconds,
        "time": _time,
        "utc": utc,
        "line": evidence.line,
        "columns": _columns,
        "curves": curves.curves,
        "curves_within": curves.within,
        "shown": partial(_shown, entries=entries, room=found),
        "short": _is_short,
    }
    page: str = jinja.get_template("report.html.j2").render(
        _=say,
        advisory=Counter(r.outcome for r in report.scenarios if not r.blocking),
        bar=_bar,
        blocking=Counter(r.outcome for r in report.scenarios if r.counts),
        waived=Counter(r.outcome for r in report.scenarios if r.waived),
        claims=_CLAIMS,
        csp=_policy(style, script),
        counted=partial(counted, language=language),
        counts=Counter(result.outcome for result in report.scenarios),
        entries=entries,
        depth=_DEPTH,
        french=language is Language.FR,
        language=language,
        curve_width=curves.WIDTH,
        curve_height=curves.HEIGHT,
        figures=_figures(report),
        meaning=_MEANINGS[report.verdict],
        number={each.id: n for n, each in enumerate(report.scenarios, 1)},
        outcomes=_WORST_FIRST,
        parse=reason.parse,
        outcome_of={result.id: result.outcome for result in report.scenarios},
        proof=_proof(report),
        opened={
            result.id for result in list({r.reason: r for r in reversed(red)}.values())[-_OPEN:]
        },
        red=red,
        report=report,
        runs=[report, *history.runs[:_RUNS]],
        script=script,
        shortened=limits != _LIMITS[0],
        spans=_spans(report.spans),
        statements={each.id: each for each in report.statements},
        steps=evidence.steps,
        style=style,
        turned=turned_red(report, history),
    )
    return page


def _policy(style: str, script: str) -> str:
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _red(results: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    by_outcome = {outcome: [r for r in results if r.outcome is outcome] for outcome in Outcome}
    return [*by_outcome[Outcome.FAILED], *by_outcome[Outcome.UNPROVEN]]


def _proof(report: Report) -> dict[str, Counter[Outcome]]:
    """For each item, how many of its scenarios that count ended how."""
    return {item.id: _blocking(report.scenarios, item) for item in report.items}


def _blocking(results: Iterable[ScenarioResult], item: ItemResult) -> Counter[Outcome]:
    return Counter(r.outcome for r in results if r.item == item.id and r.counts)


def _spans(spans: Iterable[Span]) -> list[Span]:
    """The longest, in order of their beginning."""
    longest = sorted(spans, key=lambda span: -span.took_s)[:_SPANS]
    return sorted(longest, key=lambda span: (span.began_s, -span.took_s))


def _figures(report: Report) -> dict[str, list[tuple[ScenarioResult, Evidence]]]:
    """By item, each quantity that a scenario found."""
    found: dict[str, list[tuple[ScenarioResult, Evidence]]] = {}
    for result in report.scenarios:
        for each in result.evidence:
            number = isinstance(each.value, int | float) and not isinstance(each.value, bool)
            if number and _QUANTITY.search(each.what):
                found.setdefault(result.item, []).append((result, each))
    return {item: figures[:_FIGURES] for item, figures in found.items()}


def _bar(counts: Counter[Outcome], width: int) -> list[tuple[Outcome, float, float]]:
    """A bar as parts: outcome, where it begins, how long it is."""
    parts, begin = [], 0.0
    for outcome in _WORST_FIRST:
        length = width * counts[outcome] / max(1, counts.total())
        if length:
            parts.append((outcome, round(begin, 2), round(length, 2)))
        begin += length
    return parts


def _beside(where: str, scenario: str) -> str:
    """The place of a step: its line only, where it is in the file of its scenario."""
    file, _, line = where.rpartition(":")
    return f":{line}" if file and file == scenario.rpartition(":")[0] else where


def _shown(
    found: Iterable[Evidence], outcome: Outcome, entries: int, room: int
) -> list[tuple[str, list[tuple[bool, JsonValue]]]]:
    """What is shown of what was found, that of one name together: whole, or its curves only."""
    room = room if outcome is Outcome.PASSED else 10 * room + _RED
    groups: dict[str, list[tuple[bool, JsonValue]]] = {}
    for each in found:
        whole = _weight(each.value, entries) <= room
        if whole or curves.within(each.value):
            groups.setdefault(each.what, []).append((whole, each.value))
    return list(groups.items())


def _weight(value: JsonValue, entries: int) -> int:
    """About how many characters of a value are shown."""
    if curves.curves(value):
        return 0  # a picture is small, whatever it shows
    if isinstance(value, list):
        return sum(_weight(each, entries) for each in value[:entries])
    if isinstance(value, dict):
        return sum(len(k) + _weight(v, entries) for k, v in list(value.items())[:entries])
    return len(str(value))


def _quantity(value: float, key: str) -> str:
    """A number with its unit, if its name ends in one."""
    unit = _UNITS.get(key.rpartition("_")[2], "") if "_" in key else ""
    shown = number(value) if isinstance(value, float) else str(value)
    if isinstance(value, int) and unit == "bytes":
        shown = f"{value:,}"
    return f"{shown} {unit}".rstrip()


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s" if value >= 0.1 else "< 0.1 s"


def _time(text: str) -> str | None:
    """`text` in words if it is an instant in UTC, such as 2025-04-05T12:30:00Z."""
    found = _TIME.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else None


def _columns(value: JsonValue) -> list[str] | None:
    """The columns of a list of two objects or more that have the same few names; else None."""
    if not isinstance(value, list) or len(value) < 2:
        return None
    rows = [each for each in value if isinstance(each, Mapping)]
    if len(rows) < len(value) or not 1 < len(rows[0]) <= 8:
        return None
    same = all(row.keys() == rows[0].keys() for row in rows)
    flat = all(
        not isinstance(cell, dict | list) or _is_short(cell) for r in rows for cell in r.values()
    )
    return list(rows[0]) if same and flat else None


def _is_short(value: JsonValue) -> bool:
    """Whether a list is best read in one line."""
    return (
        isinstance(value, list)
        and not any(isinstance(each, dict | list) for each in value)
        and sum(len(str(each)) + 2 for each in value) <= 100
    )
