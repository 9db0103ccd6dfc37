"""Which scenarios are run with a fault."""

from golive.checklist import Scenario
from golive.faults.fault import Fault
from golive.prove import Scope


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
