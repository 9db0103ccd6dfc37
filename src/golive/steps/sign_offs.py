"""Judge what people have signed of a release.

A sign-off that is missing is unproven: nobody has judged yet, and that is neither yes nor no. One
that is refused (wrong role, other release, text changed, too old ...) is failed: somebody relies on
it, and it does not hold. Both keep an item from passing, by the same merge rule as anything else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pytest_bdd import parsers, then

from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.probes.commits import Changes, Tag, changes, tag
from golive.probes.sign_offs import signed
from golive.release.contacts import principal
from golive.release.record import Release, SignOff
from golive.release.signature import Signature
from golive.steps.expectation import column, require

_AHEAD = timedelta(minutes=5)  # by which clocks may differ


@dataclass(frozen=True)
class Asked:
    """What a feature asks for: an item, by whom, how old at most; `optional`: if it is needed."""

    item: str
    roles: tuple[str, ...]
    within: timedelta
    optional: bool = False


@then(parsers.parse("item {item} is signed off, at most {days:d} days ago, by"))
@then(parsers.parse("statement {item} is signed off, at most {days:d} days ago, by"))
def signed_off(
    release: Release,
    measurements: Measurements,
    evidence: EvidenceLog,
    item: str,
    days: int,
    datatable: list[list[str]],
) -> None:
    asked = Asked(item, tuple(column(datatable)), timedelta(days=days))
    require_signed(release, measurements, evidence, asked)


@then(
    parsers.parse(
        "item {item} is signed off as done or as not needed, at most {days:d} days ago, by"
    )
)
def signed_off_if_needed(
    release: Release,
    measurements: Measurements,
    evidence: EvidenceLog,
    item: str,
    days: int,
    datatable: list[list[str]],
) -> None:
    asked = Asked(item, tuple(column(datatable)), timedelta(days=days), optional=True)
    require_signed(release, measurements, evidence, asked)


@then(
    parsers.parse(
        "git shows that each change was reviewed by another than its author, "
        "or item {item} is signed off, at most {days:d} days ago, by"
    )
)
def reviewed(
    release: Release,
    measurements: Measurements,
    evidence: EvidenceLog,
    item: str,
    days: int,
    datatable: list[list[str]],
) -> None:
    record = release.record
    seen: Changes = measurements.result(changes, record.repository, record.commit)
    alone = [f"{commit.id[:12]} {commit.subject}" for commit in seen.unreviewed]
    evidence.add("release before", seen.before)
    evidence.add("changes", len(seen.commits))
    evidence.add("of which git knows no reviewer", alone)
    if alone or not seen.commits:
        asked = Asked(item, tuple(column(datatable)), timedelta(days=days))
        require_signed(release, measurements, evidence, asked)


def require_signed(
    release: Release, measurements: Measurements, evidence: EvidenceLog, asked: Asked
) -> None:
    """Judge the newest sign-off of each role. Raises Unproven where one has none."""
    record = release.record
    tagged = measurements.result(tag, record.repository, record.tag)
    missing = []
    for role in asked.roles:
        found = [s for s in record.sign_offs if (s.item, s.role) == (asked.item, role)]
        if not found:
            missing.append(role)
            continue
        newest = max(found, key=lambda each: each.date)
        about = newest.model_dump(mode="json", exclude={"signature"}, exclude_defaults=True)
        evidence.add(f"sign-off by the {role}", about)
        by = measurements.result(signed, newest, release.contacts.allowed_signers)
        evidence.add(f"key of the {role}", by.key)
        refusals = list(refused(newest, release, tagged, by, asked))
        require(
            not refusals,
            expected=f"{asked.item} of {record.tag}, signed off by the {role}",
            actual="; ".join(refusals),
            where=f"{release.path}: sign_offs: {asked.item}, {role}",
            look=f"golive sign {asked.item} --release {release.path} --key KEY signs it anew",
        )
    if missing:
        others = {s.role for s in record.sign_offs if s.item == asked.item} - set(asked.roles)
        hint = f" ({_names(sorted(others))} has, who cannot for them)" if others else ""
        raise Unproven(
            f"{asked.item} of {record.tag} is not signed off by the {_names(missing)}{hint}: "
            f"golive sign {asked.item} --release {release.path} --key KEY",
            Whose.TARGET,
        )


def refused(
    sign_off: SignOff, release: Release, tagged: Tag | None, by: Signature, asked: Asked
) -> Iterator[str]:
    """Why a sign-off does not count, a reason each."""
    record = release.record
    now = datetime.now(UTC)
    yield from _forged(sign_off, by)
    if sign_off.release != record.tag:
        yield f"it is for the release {sign_off.release}"
    elif sign_off.commit != record.commit:
        yield f"it is for the commit {sign_off.commit[:12]}, not {record.commit[:12]}"
    if tagged is None:
        yield f"the tag {record.tag} does not exist"
    elif sign_off.date < tagged.made - _AHEAD:
        yield f"made on {sign_off.date:%F %R %Z}, before the tag ({tagged.made:%F %R %Z})"
    if sign_off.date > now + _AHEAD:
        yield f"dated in the future: {sign_off.date:%F %R %Z}"
    elif sign_off.date < now - asked.within:
        yield f"expired: made {(now - sign_off.date).days} days ago, {asked.within.days} count"
    if not sign_off.applicable and not asked.optional:
        yield "it says that this is not needed, and it always is"


def _forged(sign_off: SignOff, by: Signature) -> Iterator[str]:
    if by.fault:
        yield f"the signature is none of this text: {by.fault}"
    elif not by.signers:
        yield f"nobody's key: {by.key} is not among the allowed signers, or no longer"
    elif principal(sign_off.role) not in by.signers:
        yield f"the key is that of {_names(by.signers)}, not of the {sign_off.role}"


def _names(several: Iterable[str]) -> str:
    return " and the ".join(several)
