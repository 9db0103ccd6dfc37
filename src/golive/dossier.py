"""Join the reports of one release, from every environment, into its one verdict.

What an environment did not run must have been shown by another: nothing may be left due. A report
counts when somebody who is allowed to has signed it (`golive gate --sign-key`), byte by byte, when
it is recent, and when it is of the same tag and commit as the others.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golive.checklist import Due, Item, Report, ScenarioResult, Source, Verdict, judge
from golive.outcome import Outcome
from golive.release.signature import REPORT, SUFFIX, SignatureError, verify
from golive.report import json

NAME = "dossier.json"
_CLOCKS = timedelta(minutes=5)  # by which clocks may differ


class DossierError(Exception):
    """Reports cannot be joined; the message has a line for each reason."""


@dataclass(frozen=True)
class Signed:
    """A report, and who vouches for it."""

    report: Report
    source: Source


def read(paths: Iterable[Path], signers: Path, most: timedelta) -> tuple[Signed, ...]:
    """The reports in these directories or files, none older than `most`.

    Raises DossierError with all that is wrong with them.
    """
    found: list[Signed] = []
    problems: list[str] = []
    for path in paths:
        file = path / json.NAME if path.is_dir() else path
        try:
            found.append(_read(file, signers))
        except (DossierError, json.ReportFileError) as error:
            problems.append(str(error))
    now = datetime.now(UTC)
    for each in found:
        where, age = each.source.environment, now - each.source.started
        if age > most:
            problems.append(f"{where}: the report is {age} old, {most} at most count")
        if age < -_CLOCKS:
            problems.append(f"{where}: the report is of the future: {each.source.started}")
        if each.report.release is None:
            problems.append(f"{where}: the report is of no release: golive gate --release FILE")
    problems += _disagreements([each.report for each in found])
    if problems:
        raise DossierError("\n".join(problems))
    return tuple(found)


def join(signed: Sequence[Signed]) -> Report:
    """The verdict on the release that these reports are of."""
    reports = [each.report for each in signed]
    first = reports[0]
    results = _results(reports)
    items = [Item(id=i.id, title=i.title, french=i.french) for i in first.items]
    judgement = judge(results, items)
    left = [r for r in results if r.counts and r.outcome is Outcome.NOT_RUN]
    verdict = judgement.verdict
    if left and verdict is Verdict.GO:
        verdict = Verdict.INCOMPLETE
    where = {due.statement: due.where for report in reports for due in report.due}
    statements = {s.id: s for report in reports for s in report.statements}
    return Report(
        verdict=verdict,
        environment=" + ".join(report.environment for report in reports),
        release=first.release,
        started=min(report.started for report in reports),
        duration_s=round(sum(report.duration_s for report in reports), 3),
        items=judgement.items,
        scenarios=results,
        due=tuple(
            Due(statement, where.get(statement, reason))
            for statement, reason in sorted(
                {statement: r.reason for r in left for statement in r.statements}.items()
            )
        ),
        deviations=tuple(
            replace(each, why=f"{report.environment}: {each.why}")
            for report in reports
            for each in report.deviations
        ),
        statements=tuple(statements.values()),
        commit=first.commit,
        sign_offs=first.sign_offs,
        waivers=tuple({(w.of, w.role): w for report in reports for w in report.waivers}.values()),
        sources=tuple(each.source for each in signed),
    )


def _read(file: Path, signers: Path) -> Signed:
    report = json.read(file.parent, file.name)
    text = file.read_bytes()
    signature = file.with_name(file.name + SUFFIX)
    if not signature.is_file():
        raise DossierError(f"{file}: not signed: golive gate --sign-key KEY")
    try:
        shown = verify(text, signature.read_text(errors="replace"), signers, REPORT)
    except SignatureError as error:
        raise DossierError(f"{file}: {error}") from error
    if shown.fault:
        raise DossierError(f"{file}: altered after it was signed, or never was: {shown.fault}")
    if not shown.signers:
        raise DossierError(f"{file}: signed by nobody's key: {shown.key} (see {signers})")
    digest = hashlib.sha256(text).hexdigest()
    about = (report.environment, report.verdict, report.started)
    return Signed(report, Source(*about, digest, shown.signers))


def _disagreements(reports: Sequence[Report]) -> Iterable[str]:
    for report in reports[1:]:
        for what in ("release", "commit"):
            one, other = getattr(reports[0], what), getattr(report, what)
            if one != other:
                yield (
                    f"{report.environment}: the report is of the {what} {other}, that of "
                    f"{reports[0].environment} of {one}"
                )
    names = [report.environment for report in reports]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: more than one report of it"


def _results(reports: Sequence[Report]) -> tuple[ScenarioResult, ...]:
    """Each scenario of any report, as the one that decides about it has it."""
    by_id: dict[str, list[tuple[str, ScenarioResult]]] = {}
    for report in reports:
        for result in report.scenarios:
            by_id.setdefault(result.id, []).append((report.environment, result))
    return tuple(_decisive(results) for results in by_id.values())


def _decisive(results: Sequence[tuple[str, ScenarioResult]]) -> ScenarioResult:
    """The worst, except that what was not run is outweighed by any that was."""
    environment, result = min(results, key=lambda each: _rank(each[1]))
    if result.reason:
        result = replace(result, reason=f"in {environment}: {result.reason}")
    return result


def _rank(result: ScenarioResult) -> int:
    if result.outcome is Outcome.FAILED:
        return 2 if result.waived else 0
    return {Outcome.UNPROVEN: 1, Outcome.PASSED: 3, Outcome.NOT_RUN: 4}[result.outcome]
