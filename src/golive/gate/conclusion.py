"""What follows from all that a run has seen: its report, verdict included."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from golive.checklist import (
    Report,
    ScenarioResult,
    SignOffResult,
    Span,
    Verdict,
    WaiverResult,
    deviations,
    due,
    judge,
)
from golive.gate.plan import Plan
from golive.outcome import Outcome
from golive.release import waivers
from golive.release.record import Release

_LONG_S = 0.5


def conclude(
    plan: Plan,
    release: Release | None,
    results: Iterable[ScenarioResult],
    trouble: Sequence[str],
    began: datetime,
    spans: Iterable[Span],
) -> tuple[Report, list[str]]:
    """The report, and the `trouble` with what follows from the waivers.

    With any trouble there is no GO.
    """
    features, here = plan.features, plan.environment
    record = release.record if release else None
    waived = record.waivers if record else ()
    results = waivers.apply(waived, results, here.name)
    accounts = waivers.account(waived, results, here.name)
    trouble = [*trouble, *(_unused(each) for each in accounts if each.unused)]
    judgement = judge(results, features.items)
    broken = bool(trouble) and judgement.verdict is Verdict.GO
    not_run = [features.scenarios[r.id] for r in results if r.outcome is Outcome.NOT_RUN]
    elsewhere = due(
        # What only takes long is due nowhere else: --slow shows it here.
        (each for each in not_run if not each.slow or each.barred(here)),
        plan.elsewhere,
    )
    declared = here.deviations
    if plan.smoke:
        claimed = {id_ for each in results for id_ in each.statements}
        declared = tuple(each for each in declared if each.statement in claimed)
    deviating = deviations(declared, results)
    named = {id_ for each in results for id_ in each.statements}
    named.update(each.statement for each in elsewhere)
    named.update(each.statement for each in deviating)
    report = Report(
        verdict=Verdict.INCOMPLETE if broken else judgement.verdict,
        environment=here.name,
        release=record.tag if record else None,
        started=began,
        duration_s=round((datetime.now(UTC) - began).total_seconds(), 3),
        items=judgement.items,
        scenarios=results,
        due=elsewhere,
        deviations=deviating,
        statements=tuple(s for s in features.statements.values() if s.id in named),
        commit=record.commit if record else None,
        sign_offs=tuple(
            SignOffResult(s.item, s.role, s.date, s.applicable, s.evidence, s.note)
            for s in (record.sign_offs if record else ())
        ),
        waivers=accounts,
        spans=tuple(each for each in spans if each.took_s >= _LONG_S),
    )
    return report, trouble


def _unused(waiver: WaiverResult) -> str:
    return f"the waiver of {waiver.of} is unused: all that it names passes; take it out"
