"""Reports of one release joined: what decides, and which reports are refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from golive.checklist import DeviationResult, Due, Item, Report, ScenarioResult, judge
from golive.cli import main
from golive.outcome import Outcome
from golive.release import example
from golive.release.contacts import principal
from golive.release.signature import REPORT, sign_file, verify
from golive.report.json import write

NOW = datetime.now(UTC)
ITEMS = (Item(id="08", title="t", french="f"), Item(id="11", title="t", french="f"))
PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
UNPROVEN, NOT_RUN = Outcome.UNPROVEN, Outcome.NOT_RUN


def result(name, outcome, **more):
    about = {"item": "11", "statements": ("NGX-10",), "blocking": True, "duration_s": 1.0}
    reason = "" if outcome is PASSED else f"it is {outcome}"
    return ScenarioResult(f"11_x.feature::{name}", name, outcome=outcome, reason=reason,
                          **(about | more))  # fmt: skip


def report(environment, **outcomes):
    results = tuple(
        each if isinstance(each, ScenarioResult) else result(name, each)
        for name, each in outcomes.items()
    )
    results += (replace(result("told", PASSED), id="08_x.feature::told", item="08"),)
    judgement = judge(results, ITEMS)
    return Report(
        verdict=judgement.verdict,
        environment=environment,
        release="v1.0.0",
        started=NOW,
        duration_s=1.5,
        items=judgement.items,
        scenarios=results,
        due=tuple(Due("NGX-10", "production") for e in results if e.outcome is NOT_RUN)[:1],
        deviations=(DeviationResult("APP-01", "a laptop", None),),
        commit="a" * 40,
    )


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    stack = tmp_path_factory.mktemp("stack")
    (stack / "app").mkdir()
    (stack / "app/package.json").write_text('{"version": "1.0.0"}')
    made = example.make(tmp_path_factory.mktemp("people"), stack)
    example.keygen(made.key("stranger"))
    return made


@pytest.fixture
def joined(tmp_path, people):
    """Write and sign reports, spoil them, and join them: exit status, dossier, output."""

    def run(*reports, key="CI", spoil=None, options=()):
        for each in reports:
            path = write(each, tmp_path / each.environment)
            if key is not None:
                sign_file(path, people.key(key))
        if spoil is not None:
            spoil(tmp_path)
        arguments = [str(tmp_path / each.environment) for each in reports]
        out = tmp_path / "out"
        done = CliRunner().invoke(
            main,
            ["dossier", *arguments, "--contacts", str(people.contacts), "--report-dir", str(out)]
            + [str(option) for option in options],
        )
        file = out / "dossier.json"
        return done.exit_code, json.loads(file.read_text()) if file.exists() else None, done.output

    return run


def test_what_one_did_not_run_another_has_shown(joined, tmp_path):
    status, dossier, said = joined(
        report("replica", burst=PASSED, cdn=NOT_RUN),
        report("production", burst=NOT_RUN, cdn=PASSED),
    )

    assert (status, dossier["verdict"], dossier["due"]) == (0, "GO", []), said
    assert dossier["environment"] == "replica + production"
    assert {each["outcome"] for each in dossier["scenarios"]} == {"passed"}
    assert [each["environment"] for each in dossier["sources"]] == ["replica", "production"]
    assert all(len(each["sha256"]) == 64 for each in dossier["sources"])
    assert dossier["sources"][0]["signers"] == [principal("CI")]
    assert dossier["deviations"][0]["why"] == "replica: a laptop"
    assert "joined from" in said
    assert "GO" in (tmp_path / "out/dossier.html").read_text()
    assert (tmp_path / "out/dossier.md").read_text().startswith("## ✅ GO")


@pytest.mark.parametrize(
    ("replica", "production", "status", "outcome", "reason"),
    [
        (PASSED, FAILED, 1, "failed", "in production: it is failed"),
        (FAILED, PASSED, 1, "failed", "in replica: it is failed"),
        (UNPROVEN, PASSED, 3, "unproven", "in replica: it is unproven"),
        (PASSED, UNPROVEN, 3, "unproven", "in production: it is unproven"),
        (UNPROVEN, FAILED, 1, "failed", "in production: it is failed"),
        (NOT_RUN, NOT_RUN, 3, "not-run", "in replica: it is not-run"),
    ],
)
def test_the_worst_decides_and_nothing_is_left_due(
    joined, replica, production, status, outcome, reason
):
    code, dossier, said = joined(report("replica", x=replica), report("production", x=production))

    (x,) = (each for each in dossier["scenarios"] if each["name"] == "x")
    assert (code, x["outcome"], x["reason"]) == (status, outcome, reason), said
    left = [{"statement": "NGX-10", "where": "production"}] if outcome == "not-run" else []
    assert dossier["due"] == left


def test_a_waived_failure_is_shown_and_does_not_count(joined):
    waived = result("x", FAILED, waived="until 2099-01-01, accepted by the DBA: why")
    status, dossier, _ = joined(report("replica", x=waived, y=PASSED), report("live", x=PASSED))

    (x,) = (each for each in dossier["scenarios"] if each["name"] == "x")
    assert (status, x["outcome"]) == (0, "failed")
    assert x["waived"].startswith("until 2099-01-01")


def test_what_is_waived_in_one_and_fails_in_another_counts(joined):
    waived = result("x", FAILED, waived="until 2099-01-01, accepted by the DBA: why")
    status, _, _ = joined(report("replica", x=waived), report("live", x=FAILED))

    assert status == 1


def altered(tmp_path):
    file = tmp_path / "live/report.json"
    file.write_text(file.read_text().replace('"failed"', '"passed"'))


def no_signature(tmp_path):
    (tmp_path / "live/report.json.sig").unlink()


def cut(tmp_path):
    (tmp_path / "live/report.json").write_text("{")


GOOD = report("replica", x=PASSED)


@pytest.mark.parametrize(
    ("other", "options", "message"),
    [
        (report("live", x=FAILED), {"spoil": altered}, "altered after it was signed"),
        (report("live", x=PASSED), {"spoil": no_signature}, "not signed: golive gate --sign-key"),
        (report("live", x=PASSED), {"spoil": cut}, "not a report"),
        (report("live", x=PASSED), {"key": "stranger"}, "signed by nobody's key: ED25519 SHA256:"),
        (replace(GOOD, environment="live", release="v1.0.1"), {}, "of the release v1.0.1, that of"),
        (replace(GOOD, environment="live", commit="b" * 40), {}, f"of the commit {'b' * 40}, that"),
        (replace(GOOD, environment="live", release=None), {}, "is of no release: golive gate --re"),
        (
            replace(GOOD, environment="live", started=NOW - timedelta(days=8)),
            {},
            "live: the report is 8 days",
        ),
        (
            replace(GOOD, environment="live", started=NOW + timedelta(days=1)),
            {},
            "the report is of the future",
        ),
        (GOOD, {}, "replica: more than one report of it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reports_that_are_not_joined(joined, other, options, message):
    status, dossier, said = joined(GOOD, other, **options)

    assert (status, dossier) == (2, None)
    assert message in said
    assert "Traceback" not in said


def test_a_dossier_is_signed_itself(joined, people, tmp_path):
    status, _, _ = joined(GOOD, options=("--sign-key", people.key("DevOps Lead")))

    assert status == 0
    signature = (tmp_path / "out/dossier.json.sig").read_text()
    text = (tmp_path / "out/dossier.json").read_bytes()
    signers = people.directory / "allowed_signers"
    assert verify(text, signature, signers, REPORT).signers == (principal("DevOps Lead"),)
