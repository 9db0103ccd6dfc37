"""The checklist: its items, the one merge rule, the verdict, and what is due elsewhere."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from golive import located_yaml, statements
from golive.checklist import (
    DEVIATION,
    DeviationResult,
    Due,
    Evidence,
    Item,
    Scenario,
    ScenarioResult,
    Verdict,
    deviations,
    due,
    item_of,
    judge,
    load_items,
    merge,
)
from golive.environment import Deviation, Kind, Permit, load
from golive.outcome import Outcome

ROOT = Path(__file__).parents[1]
ITEMS = (Item(id="01", title="One", french="Un"), Item(id="11", title="Eleven", french="Onze"))
F, U, N, P = Outcome.FAILED, Outcome.UNPROVEN, Outcome.NOT_RUN, Outcome.PASSED


def result(item: str, outcome: Outcome, *, blocking: bool = True) -> ScenarioResult:
    return ScenarioResult(f"{item}_x.feature::s", "s", item, (), blocking, outcome, "", 0.1)


def test_items_are_the_documents():
    document = (ROOT / "features" / "statements.tsv").read_text()
    items = load_items(ROOT / "features" / "checklist.yaml")
    assert [item.id for item in items] == [f"{n:02}" for n in range(1, 13)] + ["platform"]
    quotes = [s.quote for s in statements.load(ROOT / "features" / "statements.tsv").values()]
    assert all(item.french in quotes for item in items[:-1]), document


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("items:\n" + '- {id: "01", title: x, french: y}\n' * 2, "items: stand there twice: 01"),
        ("items: []", "items: there must be one at least"),
    ],
)
def test_items_that_are_refused(tmp_path, text, message):
    path = tmp_path / "checklist.yaml"
    path.write_text(text)
    with pytest.raises(located_yaml.FileError, match=f"checklist.yaml:1: {message}"):
        load_items(path)


@pytest.mark.parametrize(
    ("scenario", "item"),
    [
        ("01_automated_tests.feature::a", "01"),
        ("11_security_audit/tls.feature::a", "11"),
        ("platform/redis.feature::a", "platform"),
        ("other/12_x.feature::a", "platform"),
    ],
)
def test_item_of_a_scenario(scenario, item):
    assert item_of(scenario) == item


def test_merge_is_the_worst_whatever_the_order():
    for length in (1, 2, 3, 4):
        for outcomes in itertools.product([F, U, N, P], repeat=length):
            assert merge(outcomes) is min(outcomes, key=[F, U, N, P].index)


def test_merge_of_nothing_is_unproven():
    assert merge([]) is U


@pytest.mark.parametrize(
    ("outcomes", "verdict", "status"),
    [
        ([P, P], Verdict.GO, 0),
        ([P, N], Verdict.GO, 0),
        ([N, N], Verdict.GO, 0),
        ([P, U], Verdict.INCOMPLETE, 3),
        ([U, F], Verdict.NO_GO, 1),
    ],
)
def test_verdict(outcomes, verdict, status):
    results = [result(item.id, outcome) for item, outcome in zip(ITEMS, outcomes, strict=True)]
    judgement = judge(results, ITEMS)
    assert judgement.verdict is verdict
    assert judgement.verdict.exit_status == status
    assert [item.outcome for item in judgement.items] == outcomes


def test_advisory_scenarios_neither_fail_nor_prove():
    judgement = judge(
        [result("01", P), result("01", F, blocking=False), result("11", P, blocking=False)], ITEMS
    )
    assert [item.outcome for item in judgement.items] == [P, U]
    assert len(judgement.items[0].scenarios) == 2


def test_a_result_of_no_item_is_refused():
    with pytest.raises(ValueError, match="13"):
        judge([result("13", P)], ITEMS)


def scenario(*claims: str, blocking: bool = True, **needs: object) -> Scenario:
    return Scenario("11_x.feature::s", "s", "11_x.feature:3", claims, blocking, **needs)


def environments():
    return [load(n, directory=ROOT / "environments") for n in ("replica", "staging", "production")]


def test_barred():
    replica, staging, production = environments()
    burst = scenario("NGX-37", permits=frozenset({Permit.BURST, Permit.LOAD}))
    assert burst.barred(replica) is None
    assert burst.barred(production) == "not permitted in production: burst, load"
    live = scenario("ARC-01", kinds=frozenset({Kind.DEPLOYED}))
    assert live.barred(staging) is None
    assert live.barred(replica) == "only in an environment of kind deployed"


def test_due_names_the_environments_that_can_show_it():
    burst = scenario("NGX-37", "NGX-43", permits=frozenset({Permit.BURST}))
    fault = scenario("NGX-43", "ARC-03", permits=frozenset({Permit.FAULT}))
    never = scenario("ARC-01", kinds=frozenset({Kind.COMPOSE}))
    advisory = scenario("NGX-01", blocking=False)
    assert due([burst, fault, never, advisory], environments()) == (
        Due("ARC-01", "nowhere: no environment file permits it"),
        Due("ARC-03", "replica"),
        Due("NGX-37", "replica, staging"),
        Due("NGX-43", "replica"),
    )


def test_due_names_those_that_show_a_part_where_none_shows_all():
    processes = scenario("ARC-09", kinds=frozenset({Kind.REPLICA}))
    deployed = scenario("ARC-09", kinds=frozenset({Kind.DEPLOYED}))

    [found] = due([processes, deployed], environments())

    assert found.where == "replica, staging, production: each of them a part"


def test_due_is_not_where_a_deviation_is_declared():
    declared = (Deviation(statement="NGX-37", why="x"),)
    replica, staging, _ = environments()
    staging = staging.model_copy(update={"deviations": declared})
    assert due([scenario("NGX-37")], [replica, staging]) == (Due("NGX-37", "replica"),)


def test_deviations_say_what_was_measured():
    declared = [Deviation(statement=f"APP-0{n}", why="x") for n in (1, 2, 3, 4)]
    missed = (Evidence(DEVIATION, "2 CPUs"),)
    results = [
        replace(result("11", N), statements=("APP-01",), evidence=missed),
        replace(result("11", P), statements=("APP-01", "APP-02")),
        replace(result("11", U), statements=("APP-03",)),
    ]
    other = Deviation(statement="APP-02", why="x", scenario="11_x.feature::other")
    assert deviations([other], results) == (DeviationResult("APP-02", "x"),)
    assert deviations(declared, results) == (
        DeviationResult("APP-01", "x", holds=False, measured="2 CPUs"),
        DeviationResult("APP-02", "x", holds=True),
        DeviationResult("APP-03", "x"),
        DeviationResult("APP-04", "x"),
    )


def test_statements_of_the_document():
    assert len(statements.load(ROOT / "features" / "statements.tsv")) == 187


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tstatement\n", ":1: the columns must be"),
        ("id\tkind\tstatement\tquote\n", "no statement in it"),
        ("id\tkind\tstatement\tquote\nA-1\tprobe\tx\n", ":2: 4 filled columns"),
        ("id\tkind\tstatement\tquote\n" + "A-1\tprobe\tx\ty\n" * 2, ":3: A-1 stands there twice"),
        (None, "cannot be read"),
    ],
)
def test_statements_that_cannot_be_read(tmp_path, text, message):
    path = tmp_path / "statements.tsv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(statements.StatementsError, match=message):
        statements.load(path)
