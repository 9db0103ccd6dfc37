"""Which scenarios are run with a fault."""

import pytest

from golive import environment as environments
from golive.checklist import Scenario
from golive.environment import Kind
from golive.faults.fault import Fault, FaultError
from golive.prove import Scope, suitable


def scenario(id_, ahead=False):
    return Scenario(id=id_, name=id_, where="f:1", statements=(), blocking=True, ahead=ahead)


IDS = ("11_a/tls.feature::x", "11_a/limits.feature::y", "04_b.feature::z", "redis.feature::r")
SLOW = "11_a/limits.feature::burst"
SCENARIOS = {id_: scenario(id_) for id_ in IDS} | {SLOW: scenario(SLOW, ahead=True)}


def claiming(*reds):
    return Fault("tls.old", "NGX-10: old.", lambda _: None, reds)


def test_the_items_of_its_claims():
    scope = Scope.of(SCENARIOS, thorough=False)

    assert scope.of_fault(claiming(IDS[0])) == [*IDS[:2]]
    assert scope.of_fault(claiming(IDS[2], IDS[3])) == [*IDS[2:]]


def test_what_is_measured_ahead_only_with_faults_that_claim_such():
    scope = Scope.of(SCENARIOS, thorough=False)

    assert scope.of_fault(claiming(SLOW)) == [*IDS[:2], SLOW]
    assert scope.of_fault(claiming(IDS[1])) == [*IDS[:2]]


def test_what_took_long_is_left_out_too():
    scope = Scope.of(SCENARIOS, thorough=False).without([IDS[0]])

    assert scope.of_fault(claiming(IDS[1])) == [IDS[1]]
    assert IDS[0] in scope.of_fault(claiming(IDS[0]))


def test_thorough_is_all():
    scope = Scope.of(SCENARIOS, thorough=True).without([IDS[0]])

    assert scope.of_fault(claiming(IDS[3])) == [*SCENARIOS]


def named(name, only=None):
    return Fault(name, "NGX-10: old.", lambda _: None, ("f::x",), only=only)


@pytest.mark.parametrize(
    ("kind", "names", "suits"),
    [
        ("replica", (), ["a.any"]),
        ("compose", (), ["a.containers"]),
        ("compose", ("a",), ["a.any", "a.containers"]),
    ],
)
def test_of_containers_those_faults_are_tried_that_only_they_have(kind, names, suits):
    known = (named("a.any"), named("a.containers", Kind.COMPOSE))

    found = suitable(known, environments.load(kind), names)

    assert [each.name for each in found] == suits


def test_a_fault_of_containers_is_refused_where_there_are_none():
    with pytest.raises(FaultError, match=r"replica cannot be broken so: a\.containers"):
        suitable((named("a.containers", Kind.COMPOSE),), environments.load("replica"), ("a",))
