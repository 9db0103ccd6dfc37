"""The document's own deploy.sh and rollback.sh, judged by the features: red for each finding."""

import shutil
from pathlib import Path

import pytest

from golive.checklist import Report
from golive.outcome import Outcome

from .test_changed_stack import copy_of_stack, gate

DOCUMENTED = Path("environments/documented/deploy")
FEATURES = "deploy/ or rollback.feature"
FAILS = "failure.feature::It fails: <what is wrong>"

# By finding (shared/findings.md): what is red because of it.
FINDINGS = {
    36: [f"{FAILS}[{what}]" for what in ("fetch", "checkout", "npm ci", "build")],
    37: ["release.feature::The first release, where nothing was deployed before"],
    38: ["release.feature::The tag that is asked for is what is deployed"],
    39: [
        "release.feature::What users have uploaded outlives a deployment",
        f"{FAILS}[staging, on a server of production]",
    ],
    40: ["release.feature::What was deployed before is archived first, for its owner alone"],
    41: [
        "release.feature::The database is saved before production is touched",
        "release.feature::To switch back takes one order, and to switch forth again",
        "failure.feature::Of two deployments at once, one is refused",
        f"{FAILS}[it is unwell]",
    ],
    42: ["rollback.feature::It takes the newest good backup"],
    43: ["rollback.feature::With backups that are all damaged"],
    44: ["rollback.feature::It gives back exactly the earlier files"],
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    directory = tmp_path_factory.mktemp("documented")
    stack = copy_of_stack(directory)
    for script in DOCUMENTED.glob("*.sh"):
        shutil.copy(script, stack / "deploy" / script.name)
    _, report = gate(stack, directory / "report", "-k", FEATURES)
    return report


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_documents_own_scripts_are_red_for(report: Report, finding: int) -> None:
    outcomes = {
        name: scenario.outcome
        for scenario in report.scenarios
        for name in FINDINGS[finding]
        if scenario.id.endswith(name)
    }
    assert outcomes == dict.fromkeys(FINDINGS[finding], Outcome.FAILED)
