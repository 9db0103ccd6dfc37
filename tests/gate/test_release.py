"""A signed release reaches GO, by the project's own features; it is lost by any one thing removed.

The features are those of the items that a release record proves, and need no deployment; the items
that are measured stand in for by one scenario, of a header that a real server sends.
"""

import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from golive import dossier
from golive.checklist import Verdict
from golive.outcome import Outcome
from golive.release import example
from golive.release.record import Waiver
from golive.report.json import read

ROOT = Path(__file__).parents[2]
OWN = (
    "01_automated_tests/test_reports.feature",
    "02_code_review",
    "07_rollback_plan/decision.feature",
    "08_support_team",
    "09_communication.feature",
    "10_licences/legal.feature",
    "11_security_audit/sign_off.feature",
    "12_performance_under_load/sign_off.feature",
    "platform/stages.feature",
)
ITEMS = ("01", "02", "07", "08", "09", "10", "11", "12", "platform")
MEASURED = """\
Feature: Measured
  @NGX-32
  Scenario: A header that may be waived
    Then the server says nosniff

  @NGX-33 @unwaivable
  Scenario: A header that may not be waived
    Then the server says DENY
"""
STEPS = """
import json, urllib.request
from pytest_bdd import parsers, then
from golive.steps.expectation import require

@then(parsers.parse("the server says {value}"))
def says(environment, value):
    port = environment.site.ports.http
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        seen = answer.headers.values()
    require(value in seen, expected=value, actual=seen, where="the server", look="curl")
"""


class Api(BaseHTTPRequestHandler):
    """Answers with the headers that its server has been given."""

    def do_GET(self):
        self.send_response(200)
        for number, value in enumerate(self.server.said):
            self.send_header(f"X-{number}", value)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as made:
        made.said = ["nosniff", "DENY"]
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A project with the checklist's own features, and a signed release."""
    project = tmp_path_factory.mktemp("project")
    features = project / "features"
    for name in OWN:
        target = features / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / "features" / name).is_dir():
            shutil.copytree(ROOT / "features" / name, target)
        else:
            shutil.copy(ROOT / "features" / name, target)
    (features / "11_measured.feature").write_text(MEASURED)
    # Served over HTTPS only: seen on staging, and in tests of its probe.
    stages = features / "platform/stages.feature"
    text = stages.read_text()
    stages.write_text(
        text.replace("the API says that it has the release's version", "the server says DENY")
    )
    # What runs in a replica is compared with the commit there.
    release = features / "02_code_review/release.feature"
    whole = release.read_text()
    release.write_text(whole[: whole.index("  @DEP-03 @only-replica")])
    shutil.copy(ROOT / "features/statements.tsv", features)
    items = yaml.safe_load((ROOT / "features/checklist.yaml").read_text())["items"]
    chosen = {"items": [item for item in items if item["id"] in ITEMS]}
    (features / "checklist.yaml").write_text(yaml.safe_dump(chosen))
    (project / "tests/checklist").mkdir(parents=True)
    shutil.copy(ROOT / "tests/checklist/test_checklist.py", project / "tests/checklist")
    (project / "conftest.py").write_text(STEPS)
    (project / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider -p no:xdist\n"
        "bdd_features_base_dir = features\n"
    )
    stack = project / "stack"
    (stack / "app").mkdir(parents=True)
    (stack / "app/package.json").write_text('{"version": "1.2.3"}')
    (project / "release").mkdir()
    example.make(project / "release", stack)
    return project


class Project:
    """A copy of the template, and what the gate says of it."""

    def __init__(self, path, port):
        self.path = path
        self.release = example.Example(path / "release", "v1.2.3")
        (path / "environments").mkdir()
        (path / "environments/live.yaml").write_text(
            "name: live\nkind: deployed\nlive: true\n"
            f"site: {{name: lab.example, address: 127.0.0.1, ports: {{http: {port}}}}}\n"
            "requests: {api: {path: /}}\n"
            "limits: {general: {path: /}, authentication: {path: /}}\n"
        )

    def gate(self, *options):
        command = [sys.executable, "-m", "pytest", "tests/checklist", "--environment=live"]
        command += [f"--release={self.release.record}", f"--contacts={self.release.contacts}"]
        return subprocess.run(
            [*command, *options], cwd=self.path, capture_output=True, text=True, timeout=120
        )

    def judged(self, *options):
        done = self.gate(*options)
        report = read(self.path / "report")
        return report, done.stdout + done.stderr

    def item(self, report, id_):
        return next(str(item.outcome) for item in report.items if item.id == id_)


@pytest.fixture
def project(template, tmp_path, server):
    shutil.copytree(template, tmp_path / "project")
    return Project(tmp_path / "project", server.server_address[1])


def test_a_signed_release_is_go(project):
    report, said = project.judged("--sign-key", project.release.key("CI"))

    assert (report.verdict, report.due) == (Verdict.GO, ()), said
    signers = project.release.directory / "allowed_signers"
    read_again = dossier.read([project.path / "report"], signers, timedelta(hours=1))
    assert dossier.join(read_again).verdict == Verdict.GO
    assert {str(item.outcome) for item in report.items} == {"passed"}
    assert (report.release, report.commit) == ("v1.2.3", project.release.data["commit"])
    assert {s.item for s in report.sign_offs} >= {"02", "08", "09", "10", "RBK-02", "DEP-15"}


def without(item):
    def change(project, _):
        data = project.release.data
        data["sign_offs"] = [s for s in data["sign_offs"] if s["item"] != item]
        project.release.write(data)

    return change


def no_report(suite):
    return lambda project, _: project.release.report(suite).unlink()


def no_header(_, server):
    server.said.remove("nosniff")


def no_signers(project, _):
    (project.release.directory / "allowed_signers").write_text("")


@pytest.mark.parametrize(
    ("change", "item", "outcome", "verdict"),
    [
        (no_report("e2e"), "01", "unproven", Verdict.INCOMPLETE),
        (without("02"), "02", "unproven", Verdict.INCOMPLETE),
        (without("RBK-02"), "07", "unproven", Verdict.INCOMPLETE),
        (without("08"), "08", "unproven", Verdict.INCOMPLETE),
        (without("09"), "09", "unproven", Verdict.INCOMPLETE),
        (without("10"), "10", "unproven", Verdict.INCOMPLETE),
        (without("11"), "11", "unproven", Verdict.INCOMPLETE),
        (without("12"), "12", "unproven", Verdict.INCOMPLETE),
        (no_header, "11", "failed", Verdict.NO_GO),
        (without("DEP-15"), "platform", "unproven", Verdict.INCOMPLETE),
        (no_signers, "09", "failed", Verdict.NO_GO),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_any_one_thing_removed_loses_it(project, server, change, item, outcome, verdict):
    change(project, server)

    report, said = project.judged()

    assert (report.verdict, project.item(report, item)) == (verdict, outcome), said
    if change is not no_signers:  # on them more than one item stands
        others = {each.outcome for each in report.items if each.id != item}
        assert others == {Outcome.PASSED}, said


def waiver(project, **changed):
    statement = {
        "statement": "NGX-32",
        "release": "v1.2.3",
        "commit": project.release.data["commit"],
        "role": "Security Officer",
        "date": datetime.now(UTC).isoformat(),
        "reason": "the proxy in front adds it",
        "expires": str((datetime.now(UTC) + timedelta(days=9)).date()),
        **changed,
    }
    key = project.release.key("Security Officer")
    signed = project.release.signed(statement, key, Waiver)
    project.release.write({**project.release.data, "waivers": [signed]})


def test_what_is_waived_stays_red_and_does_not_count(project, server):
    no_header(project, server)
    waiver(project)
    (project.path / "features/11_more.feature").write_text(
        "Feature: More\n  @NGX-33\n  Scenario: Another\n    Then the server says DENY\n"
    )

    report, said = project.judged()

    assert report.verdict == Verdict.GO, said
    (failed,) = (s for s in report.scenarios if s.outcome is Outcome.FAILED)
    assert "accepted by the Security Officer: the proxy in front adds it" in failed.waived
    (accounted,) = report.waivers
    assert (accounted.of, accounted.scenarios) == ("NGX-32", (failed.id,))
    assert "FAILED" in said
    assert "Dérogations" in said
    assert "waived, and failing: 1" in said
    assert "waived" in (project.path / "report/junit.xml").read_text()
    assert "### Waivers (1)" in (project.path / "report/report.md").read_text()


def test_a_waiver_of_what_passes_is_no_go_until_it_is_taken_out(project):
    waiver(project)

    report, said = project.judged()

    assert report.verdict == Verdict.INCOMPLETE
    assert "the waiver of NGX-32 is unused: all that it names passes; take it out" in said


def test_a_waiver_of_another_environment_waives_nothing_here(project, server):
    no_header(project, server)
    waiver(project, environment="staging")

    report, _ = project.judged()

    assert report.verdict == Verdict.NO_GO
    assert report.waivers[0].scenarios == ()


def test_what_nobody_may_waive_is_refused_before_anything_runs(project):
    waiver(project, statement="NGX-33")

    done = project.gate()

    assert done.returncode == 4
    assert "is @unwaivable: nobody may accept that it fails" in done.stderr
    assert not (project.path / "report/report.json").exists()
