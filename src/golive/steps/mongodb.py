"""Judge the MongoDB replica set: its members, their roles, lag and release."""

import pytest
from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential, machines
from golive.outcome import Unproven, Whose
from golive.probes.mongodb import Login, Member, View, catch_up, view
from golive.steps.expectation import column, listed, require

Table = list[list[str]]
Views = dict[Member, View | Unproven]
_PRIMARY = "PRIMARY"


@pytest.fixture
def primary(environment: Environment, measurements: Measurements) -> Member:
    """The member that decides who may do what."""
    return _primary(_views(environment, measurements))


@then("the MongoDB members are")
def members_are(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, datatable: Table
) -> None:
    member, seen = _best(_views(environment, measurements))
    evidence.add(f"members, as {member.name} sees them", seen.members)
    states = sorted(each.state for each in seen.members)
    require(
        states == sorted(column(datatable)),
        expected=listed(column(datatable)),
        actual=listed([f"{each.name}: {each.state}" for each in seen.members]),
        where=member,
        look=mongosh(member, "rs.status().members"),
    )


@then("each of them is healthy, and says the same of itself")
def healthy(environment: Environment, measurements: Measurements, evidence: EvidenceLog) -> None:
    views = _views(environment, measurements)
    best, seen = _best(views)
    ill = [each.name for each in seen.members if not each.healthy]
    require(
        not ill,
        expected=f"each of {len(seen.members)} members healthy",
        actual=f"not: {listed(ill)}",
        where=best,
        look=mongosh(best, "rs.status().members"),
    )
    own = {member.name: each.state for member, each in views.items() if isinstance(each, View)}
    evidence.add("members, as each sees itself", own)
    primaries = [name for name, state in own.items() if state == _PRIMARY]
    require(
        len(primaries) == 1,
        expected="one member that says it is the primary",
        actual=listed(primaries),
        where=listed(list(views)),
        look=mongosh(best, "db.hello()"),
    )
    for unanswered in views.values():
        if isinstance(unanswered, Unproven):
            raise unanswered
    require(
        sorted(own.values()) == sorted(each.state for each in seen.members),
        expected=f"what {best.name} sees: {listed([each.state for each in seen.members])}",
        actual=f"each of itself: {own}",
        where=listed(list(views)),
        look=mongosh(best, "rs.status().members"),
    )


@then(parsers.parse("{voting:d} MongoDB members vote, and {majority:d} of them decide"))
def majority_of(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    voting: int,
    majority: int,
) -> None:
    member, seen = _best(_views(environment, measurements))
    evidence.add("voting members, and majority", [seen.voting, seen.majority])
    require(
        (seen.voting, seen.majority) == (voting, majority),
        expected=f"{voting} votes, a majority of {majority}",
        actual=f"{seen.voting} votes, a majority of {seen.majority}",
        where=member,
        look=mongosh(member, "rs.conf().members"),
    )


@then(parsers.parse("each MongoDB secondary has within {seconds:g} s what the primary has"))
def no_lag(
    environment: Environment, evidence: EvidenceLog, primary: Member, seconds: float
) -> None:
    seen = catch_up(primary, exporter(environment), seconds)
    evidence.add("until each had what the primary had, in seconds", seen)
    if not seen:
        raise Unproven(f"{primary} knows no other member that holds data", Whose.TARGET)
    late = [each for each in seen if each.within_s is None]
    require(
        not late,
        expected=f"what {primary.name} had, within {seconds:g} s",
        actual=listed([f"{each.name} is {each.behind_s:g} s behind" for each in late]),
        where=primary,
        look=mongosh(primary, "rs.printSecondaryReplicationInfo()"),
    )


@then(parsers.parse("each MongoDB member runs release {release}, with its features"))
def release_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, release: str
) -> None:
    for member in members(environment):
        seen = measurements.result(view, member, exporter(environment))
        evidence.add(
            f"version of {member.name}, and of its features", [seen.version, seen.features]
        )
        require(
            seen.version.startswith(f"{release}.") and seen.features == release,
            expected=f"{release}.x, with the features of {release}",
            actual=f"{seen.version}, with those of {seen.features}",
            where=member,
            look=mongosh(
                member, "db.adminCommand({getParameter: 1, featureCompatibilityVersion: 1})"
            ),
        )


def members(environment: Environment) -> tuple[Member, ...]:
    """The members of the set, as the environment names them."""
    return tuple(
        Member(
            machine.name.partition(".")[0],
            machine.host.address or machine.name,
            roots=environment.site.roots,
        )
        for machine in machines(environment, "mongo")
    )


def exporter(environment: Environment) -> Login:
    """Who may look at the set, and at no data."""
    return Login("exporter", credential(environment, "mongo-exporter-password"))


def _views(environment: Environment, measurements: Measurements) -> Views:
    """What each member says; of one that does not answer, why. All are asked at the same time."""
    login = exporter(environment)
    asked = [(each, measurements.start(view, each, login)) for each in members(environment)]
    views: Views = {}
    for member, future in asked:
        try:
            views[member] = future.result()
        except Unproven as error:
            views[member] = error
    return views


def _best(views: Views) -> tuple[Member, View]:
    """What the primary says, or else whoever answers. Raises Unproven where nobody does."""
    seen = [(member, each) for member, each in views.items() if isinstance(each, View)]
    if not seen:
        raise next(each for each in views.values() if isinstance(each, Unproven))
    return next((pair for pair in seen if pair[1].state == _PRIMARY), seen[0])


def _primary(views: Views) -> Member:
    member, seen = _best(views)
    if seen.state != _PRIMARY:
        raise Unproven(f"no MongoDB member that answers is the primary: {views}", Whose.TARGET)
    return member


def mongosh(member: Member, command: str) -> str:
    """How a person asks a member."""
    return (
        f"mongosh --tls 'mongodb://exporter@{member.address}:{member.port}/"
        f"?directConnection=true&authSource=admin' --eval '{command}'"
    )
