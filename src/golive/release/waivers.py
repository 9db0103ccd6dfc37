"""What fails and is waived: refused before anything runs, or applied to how scenarios ended."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from golive.checklist import Scenario, ScenarioResult, WaiverResult
from golive.outcome import Outcome
from golive.release.contacts import principal
from golive.release.record import Waiver
from golive.release.signature import STATEMENT, SignatureError, verify


def barred(waiver: Waiver, scenarios: Iterable[Scenario]) -> str | None:
    """Why nobody may sign this waiver, today; None where somebody may."""
    for each in scenarios:
        named = waiver.scenario == each.id or waiver.statement in each.statements
        if named and not each.waivable:
            return f"{each.id} is @unwaivable: nobody may accept that it fails"
    if waiver.expires < datetime.now(UTC).date():
        return f"expired on {waiver.expires}"
    return None


def refusal(signers: Path, scenarios: Iterable[Scenario]) -> Callable[[Waiver], str | None]:
    """What says why a signed waiver does not count today; None where it does."""
    known = tuple(scenarios)

    def refuse(waiver: Waiver) -> str | None:
        if why := barred(waiver, known):
            return why
        try:
            by = verify(waiver.text(), waiver.signature, signers, STATEMENT)
        except SignatureError as error:
            return str(error)
        if by.fault:
            return f"the signature is none of this text: {by.fault}"
        if principal(waiver.role) not in by.signers:
            whose = " and the ".join(by.signers) or "nobody"
            return f"not signed by the {waiver.role}: {by.key} is the key of {whose}"
        return None

    return refuse


def apply(
    waivers: Iterable[Waiver], results: Iterable[ScenarioResult], environment: str
) -> tuple[ScenarioResult, ...]:
    """The results, those that fail and are waived as such: they stay failed, and do not count.

    A scenario is waived by its id, or when all the statements that it claims are.
    """
    here = [each for each in waivers if each.environment in (None, environment)]
    return tuple(_applied(here, result) for result in results)


def account(
    waivers: Iterable[Waiver], results: Sequence[ScenarioResult], environment: str
) -> tuple[WaiverResult, ...]:
    """What each waiver was good for here. One is unused where all that it names has passed."""
    accounts = []
    for waiver in waivers:
        here = waiver.environment in (None, environment)
        named = [r for r in results if here and r.blocking and _names(waiver, r)]
        accounts.append(
            WaiverResult(
                waiver.statement or waiver.scenario or "",
                waiver.reason,
                waiver.role,
                waiver.expires,
                tuple(r.id for r in named if r.waived),
                unused=bool(named) and all(r.outcome is Outcome.PASSED for r in named),
            )
        )
    return tuple(accounts)


def _applied(waivers: Sequence[Waiver], result: ScenarioResult) -> ScenarioResult:
    if result.outcome is not Outcome.FAILED or not result.blocking:
        return result
    by = [each for each in waivers if _names(each, result)]
    statements = {each.statement for each in by}
    whole = any(each.scenario for each in by)
    if not whole and not (result.statements and statements >= set(result.statements)):
        return result
    said = (f"until {w.expires}, accepted by the {w.role}: {w.reason}" for w in by)
    return replace(result, waived="; ".join(said))


def _names(waiver: Waiver, result: ScenarioResult) -> bool:
    return waiver.scenario == result.id or waiver.statement in result.statements
