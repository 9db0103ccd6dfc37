"""Every statement of the document is claimed by a scenario that blocks, and provable somewhere."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from golive import environment
from golive.cli import main
from golive.gate import features
from golive.report.traceability import trace, unclaimed

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checklist():
    return features.read(ROOT / "features")


@pytest.fixture(scope="module")
def environments(checklist):
    paths = environment.files(ROOT / "environments")
    return [environment.load(str(path), statements=checklist.statements) for path in paths]


@pytest.fixture(scope="module")
def traces(checklist, environments):
    return trace(checklist, environments)


def test_every_statement_is_claimed_by_a_scenario_that_blocks(traces):
    assert not unclaimed(traces)


def test_every_claim_can_be_proven_somewhere(traces, environments):
    nowhere = {
        scenario.id
        for each in traces
        for scenario in each.proof
        if all(scenario.barred(environment) for environment in environments)
    }
    assert nowhere == set()


def test_where_each_can_be_proven(traces):
    where = {each.statement.id: each.where for each in traces}
    assert where["NGX-37"]["replica"] is None
    assert where["NGX-37"]["production"] == "not permitted in production: burst"


def test_advice_is_no_proof(traces):
    (limits,) = (each for each in traces if each.statement.id == "NGX-26")
    assert all(scenario.blocking for scenario in limits.proof)


def listed(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["statements", *arguments])
    assert done.exit_code == 0
    return done.output


def test_the_verb(monkeypatch):
    monkeypatch.chdir(ROOT)
    whole = listed("--where")
    assert "✓ NGX-10  Only TLS 1.2 and TLS 1.3 are accepted\n" in whole
    assert "    11_security_audit/tls.feature::Only TLS 1.2 and TLS 1.3 are accepted\n" in whole
    assert "    replica: can be proven\n" in whole
    assert "of 187 statements are claimed" in whole
    missing = listed("--missing")
    assert "✓" not in missing
    assert "✗" not in missing
