"""What a fault has shown is judged from outcomes alone."""

from golive.faults.fault import ANY, Fault
from golive.outcome import Outcome
from golive.proof import Proof, Trial, differences, unhealed

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
UNPROVEN, NOT_RUN = Outcome.UNPROVEN, Outcome.NOT_RUN
HEALTHY = {"a": PASSED, "b": PASSED, "c": PASSED, "d": NOT_RUN}


def claiming(*reds, blinds=()):
    return Fault("tls.old", "NGX-10: old.", lambda _: None, reds, blinds)


def judge(fault, **changed):
    return list(differences(fault, HEALTHY, {**HEALTHY, **changed}))


def test_exactly_what_is_claimed():
    assert judge(claiming("a"), a=FAILED) == []


def test_a_fault_that_turns_nothing_red():
    assert judge(claiming("a")) == ["should have failed, but passed: a"]


def test_unproven_is_not_red():
    assert judge(claiming("a"), a=UNPROVEN) == ["should have failed, but was unproven: a"]


def test_another_scenario_fails_too():
    assert judge(claiming("a"), a=FAILED, b=FAILED) == ["failed too, unclaimed: b"]


def test_another_scenario_is_blinded():
    assert judge(claiming("a"), a=FAILED, b=UNPROVEN) == ["was unproven too, unclaimed: b"]


def test_a_declared_blinding_must_happen():
    fault = claiming("a", blinds=("b",))

    assert judge(fault, a=FAILED, b=NOT_RUN) == []
    assert judge(fault, a=FAILED, b=UNPROVEN) == []
    assert judge(fault, a=FAILED) == ["should have become unproven, but passed: b"]
    assert judge(fault, a=FAILED, b=FAILED) == ["should have become unproven, but failed: b"]


def test_any_scenario_may_be_blinded_but_none_may_fail():
    fault = claiming("a", blinds=(ANY,))

    assert judge(fault, a=FAILED, b=UNPROVEN) == []
    assert judge(fault, a=FAILED, b=FAILED) == ["failed too, unclaimed: b"]


def test_what_was_not_looked_at_is_no_difference_unless_claimed():
    assert list(differences(claiming("a"), HEALTHY, {"a": FAILED})) == []
    assert list(differences(claiming("a"), HEALTHY, {})) == [
        "should have failed, but has no outcome: a"
    ]


def test_what_is_not_green_again_is_told():
    fault = claiming("a", blinds=("b",))

    assert list(unhealed(fault, HEALTHY, {"a": PASSED, "b": PASSED})) == []
    assert list(unhealed(fault, HEALTHY, {"a": FAILED, "b": PASSED})) == [
        "failed after the fault was healed: a"
    ]


def trial(*red, problems=()):
    return Trial("tls.old", "NGX-10: old.", red, problems, 1.0)


def test_a_scenario_that_no_fault_turns_red_is_not_proven():
    proof = Proof((trial("a"),), expected=("a", "b"), left_out=(), duration_s=1.0)

    assert proof.unproven == ("b",)
    assert not proof.complete


def test_a_wrong_fault_proves_nothing():
    wrong = trial("a", problems=("failed too, unclaimed: b",))

    proof = Proof((wrong,), expected=("a",), left_out=(), duration_s=1.0)

    assert proof.unproven == ("a",)
    assert not proof.complete
    assert proof.as_json()["trials"][0]["proven"] is False


def test_all_proven():
    proof = Proof((trial("a"), trial("b")), expected=("a", "b"), left_out=(), duration_s=1.0)

    assert proof.complete
    assert proof.as_json()["complete"] is True
