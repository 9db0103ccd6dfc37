"""report.md: for a comment on a pull request (GitHub flavoured, at most 65,536 characters)."""

import re
from collections.abc import Iterable, Iterator

from golive.checklist import Report, ScenarioResult, Verdict
from golive.outcome import Outcome
from golive.report import reason
from golive.report.history import History, turned_red
from golive.report.text import cut, utc
from golive.report.words import Language, Words, counted, translated, words

SIZE = 60_000  # bytes
_PART = 1_500  # characters of each part of a reason
_SIGNS = {
    Outcome.PASSED: "✅",
    Outcome.FAILED: "❌",
    Outcome.UNPROVEN: "❔",
    Outcome.NOT_RUN: "⏭️",
}
_VERDICTS = {Verdict.GO: "✅", Verdict.NO_GO: "❌", Verdict.INCOMPLETE: "❔"}
_RED = {Outcome.FAILED: "Failed", Outcome.UNPROVEN: "Unproven"}


def render(report: Report, history: History, language: Language) -> str:
    """The run as Markdown; failures are left out, and counted, where there is no room for all."""
    say = words(language)
    french = language is Language.FR
    report = translated(report, language)
    head = "\n".join(_head(report, say, french=french))
    tail = "\n".join(
        [*_waivers(report, say), *_turned(report, history, say), *_elsewhere(report, say)]
    )
    room = SIZE - len((head + tail).encode()) - 200
    if room < 0:  # thousands of statements due: the verdict and the items matter most
        tail, room = "", SIZE - len(head.encode()) - 200
    return f"{head}\n{_reds(report, say, room)}{tail}\n"


def _head(report: Report, say: Words, *, french: bool) -> Iterator[str]:
    counts = ", ".join(
        counted(count, outcome, Language.FR if french else Language.EN)
        for outcome in (Outcome.FAILED, Outcome.UNPROVEN, Outcome.NOT_RUN, Outcome.PASSED)
        if (count := sum(result.outcome is outcome for result in report.scenarios))
    )
    release = f" · {_inline(report.release)}" if report.release else ""
    yield f"## {_VERDICTS[report.verdict]} {say(report.verdict)} — {say('Go-live checklist')}"
    yield ""
    yield (
        f"{_inline(report.environment)}{release} · {len(report.scenarios)} {say('scenarios')}: "
        f"{counts or say('none')} · {report.duration_s:.1f} s · {utc(report.started)}"
    )
    yield ""
    yield f"| | {say('Item')} | {say('Outcome')} | {say('Proof')} |"
    yield "|---|---|---|---|"
    for item in report.items:
        number = item.id if item.id.isdecimal() else ""
        title = (
            _inline(item.french) if french else f"{_inline(item.french)}<br>{_inline(item.title)}"
        )
        own = [r for r in report.scenarios if r.item == item.id and r.counts]
        alike = sum(r.outcome is item.outcome for r in own)
        proof = f"{alike} {say('of')} {len(own)}" if own else say("no check yet")
        yield f"| {number} | {title} | {_SIGNS[item.outcome]} {say(item.outcome)} | {proof} |"
    yield ""


def _reds(report: Report, say: Words, room: int) -> str:
    """As many of what failed, then of what is unproven, as there is room for, in bytes."""
    parts: list[str] = []
    for outcome, heading in _RED.items():
        results = [result for result in report.scenarios if result.outcome is outcome]
        if results:
            parts.append(f"### {say(heading)} ({len(results)})\n\n")
        left = len(results)
        for group in _alike(results):
            part = "\n".join(_red(group, say)) + "\n"
            if sum(len(each.encode()) for each in (*parts, part)) > room:
                parts.append(f"… {left} {say('more in report.html and report.json')}\n\n")
                break
            parts.append(part)
            left -= len(group)
    return "".join(parts)


def _alike(results: Iterable[ScenarioResult]) -> Iterable[list[ScenarioResult]]:
    """Together those that one reason keeps from being measured; a failure stands for itself."""
    groups: dict[str, list[ScenarioResult]] = {}
    for result in results:
        key = result.reason if result.outcome is Outcome.UNPROVEN else result.id
        groups.setdefault(key, []).append(result)
    return groups.values()


def _red(alike: list[ScenarioResult], say: Words) -> Iterator[str]:
    result = alike[0]
    told = reason.parse(result.reason)
    title = f"{_SIGNS[result.outcome]} <b>{_title(result, say)}</b>"
    more = f" + {len(alike) - 1}" if len(alike) > 1 else ""
    yield f"<details><summary>{title}{more}</summary>"
    yield ""
    for each in alike[1:]:
        yield f"- {_title(each, say)}"
    if more:
        yield ""
    parts = {
        "Reason": told.said,
        "Expected": told.expected,
        "Actual": told.actual,
        "Where": told.where,
        "Look for yourself": told.look,
    }
    for name, text in parts.items():
        if text:
            yield f"**{say(name)}**"
            yield from _fenced(cut(text, _PART))
            yield ""
    step = f"{told.file}:{told.line} {told.step}" if told.file else result.where or result.id
    yield _inline(step)
    yield ""
    yield "</details>"
    yield ""


def _title(result: ScenarioResult, say: Words) -> str:
    ids = f" · {' '.join(map(_inline, result.statements))}" if result.statements else ""
    advice = f" ({say('advisory: does not count')})" if not result.blocking else ""
    waived = f" ({say('waived')} {_inline(result.waived)})" if result.waived else ""
    return f"{_inline(result.name)}{ids}{advice}{waived}"


def _turned(report: Report, history: History, say: Words) -> Iterator[str]:
    if turned := turned_red(report, history):
        yield f"### {say('Turned red')} ({len(turned)})"
        yield ""
        for each in turned[:50]:
            yield (
                f"- {_SIGNS[each.result.outcome]} {_inline(each.result.name)}: "
                f"{say('was')} {say(each.before)}, {utc(each.when)}"
            )
        yield ""


def _waivers(report: Report, say: Words) -> Iterator[str]:
    if report.waivers:
        yield f"### {say('Waivers')} ({len(report.waivers)})"
        yield ""
        for each in report.waivers:
            about = f"{each.role}, {say('until')} {each.expires}: {each.reason}"
            scenarios = "; ".join(map(_inline, each.scenarios))
            found = say("unused: all that it names passes") if each.unused else scenarios
            yield f"- **{_inline(each.of)}**: {_inline(about)} ({found or say('none')})"
        yield ""


def _elsewhere(report: Report, say: Words) -> Iterator[str]:
    if report.due:
        yield f"### {say('Still due elsewhere')} ({len(report.due)})"
        yield ""
        for where in dict.fromkeys(due.where for due in report.due):
            ids = " ".join(_inline(due.statement) for due in report.due if due.where == where)
            yield f"- **{_inline(where)}**: {ids}"
        yield ""
    if report.deviations:
        yield f"### {say('Declared deviations')} ({len(report.deviations)})"
        yield ""
        for deviation in report.deviations:
            found = {None: "not measured", True: "holds here: the deviation is not needed"}
            what = found.get(deviation.holds)
            shown = say(what) if what else _inline(deviation.measured)
            yield f"- **{_inline(deviation.statement)}**: {_inline(deviation.why)} ({shown})"
        yield ""


def _inline(text: str) -> str:
    """Text that is no markup, in one line, and calls nobody (@name).

    A character reference never marks anything up (CommonMark 6.2), in HTML neither.
    """
    one_line = " ".join(cut(text, 300).split())
    entities = re.sub(r"[&<>\"|*_`\[\]\\~#!]", lambda found: f"&#{ord(found[0])};", one_line)
    return entities.replace("@", "@\u200b")


def _fenced(text: str) -> Iterable[str]:
    """A block of code, fenced by more backticks than it has in a row."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text", text, fence
