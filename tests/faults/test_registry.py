"""Each scenario that a replica can show has a fault; and a fault says what it claims."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from golive import environment as environments
from golive.faults.fault import ANY, Fault, FaultError, chosen, fault, load, resolved
from golive.gate import features

ROOT = Path(__file__).parents[2]


def named(name, *reds, blinds=()):
    return Fault(name, "NGX-01: something.", contextmanager(lambda _: iter([None])), reds, blinds)


@pytest.mark.parametrize("kind", ["replica", "compose"])
def test_every_scenario_that_a_replica_can_show_has_a_fault(kind):
    checklist = features.read(ROOT / "features")
    environment = environments.load(kind, directory=ROOT / "environments")

    faults = resolved(load(), checklist.scenarios)

    shown = {id_ for each in faults for id_ in each.reds if each.only in (None, environment.kind)}
    provable = {
        id_
        for id_, each in checklist.scenarios.items()
        if each.first_kind is environment.kind
        and not each.barred(environment)
        and not environment.excuse(id_, each.statements)
    }
    assert provable
    assert not sorted(provable - shown)


@pytest.mark.parametrize("kind", ["replica", "compose"])
def test_a_fault_for_what_its_replica_cannot_show_is_a_mistake(kind):
    checklist = features.read(ROOT / "features")
    environment = environments.load(kind, directory=ROOT / "environments")
    only = environment.kind if kind == "compose" else None

    faults = [each for each in resolved(load(), checklist.scenarios) if each.only is only]

    claimed = {id_ for each in faults for id_ in each.reds}
    assert claimed
    assert not {id_ for id_ in claimed if checklist.scenarios[id_].barred(environment)}


def test_an_outline_stands_for_its_rows():
    (one,) = resolved([named("a.one", "f::x")], ["f::x[1]", "f::x[2]", "f::xy"])

    assert one.reds == ("f::x[1]", "f::x[2]")


def test_a_row_may_be_given_by_its_first_cells():
    known = ["f::x[a-1]", "f::x[a b-1]", "f::x[a-2]", "f::x[b-1]"]

    (one,) = resolved([named("a.one", "f::x[a")], known)

    assert one.reds == ("f::x[a-1]", "f::x[a-2]")


def test_claims_of_unknown_scenarios_are_refused_all_at_once():
    wrong = [named("a.one", "f::typo"), named("a.two", "f::x", blinds=("f::gone",))]

    with pytest.raises(FaultError) as refused:
        resolved(wrong, ["f::x"])

    assert "a.one claims f::typo: no scenario has this id" in str(refused.value)
    assert "a.two claims f::gone" in str(refused.value)


def test_any_is_no_id():
    (one,) = resolved([named("a.one", "f::x", blinds=(ANY,))], ["f::x"])

    assert one.blinds == (ANY,)


def test_faults_are_chosen_by_name_and_by_subject():
    known = [named("tls.old", "f::x"), named("tls.new", "f::x"), named("redis.old", "f::x")]

    assert [each.name for each in chosen(known, ["tls"])] == ["tls.old", "tls.new"]
    assert [each.name for each in chosen(known, ["redis.old"])] == ["redis.old"]
    assert [each.name for each in chosen(known, ["old"])] == ["tls.old", "redis.old"]
    assert chosen(known, []) == tuple(known)


def test_a_name_that_nothing_has_is_refused():
    with pytest.raises(FaultError, match=r"called tls\.odl; did you mean tls\.old\?"):
        chosen([named("tls.old", "f::x")], ["tls.odl"])


def test_a_fault_without_a_claim_or_a_docstring_is_refused():
    with pytest.raises(FaultError, match="needs a scenario"):

        @fault()
        def claims_nothing(_):
            """NGX-01: something."""

    with pytest.raises(FaultError, match="docstring"):

        @fault("f::x")
        def says_nothing(_):
            yield
