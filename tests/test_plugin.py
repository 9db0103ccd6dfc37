"""The gate's pytest plugin, in runs of its own against a real HTTP server on the loopback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from golive.report import json as json_report

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]

CONFTEST = """
import urllib.request, http.client
import pytest
from pytest_bdd import given, parsers, then, when
from golive.outcome import NotRun, Unproven, Whose

@given("the site", target_fixture="answer")
def the_site(environment, client, evidence):
    site = environment.site
    connection = http.client.HTTPConnection(
        site.address, site.ports.http, source_address=(client, 0) if client else None
    )
    connection.request("GET", "/")
    with connection.getresponse() as response:
        body = response.read().decode()
    connection.close()
    evidence.add("client", body)
    return body

@then("it answers")
def it_answers(answer):
    assert answer

@then(parsers.parse('it answers "{text}"'))
def it_says(answer, text):
    if answer != text:
        pytest.fail(f"expected {text}, actual {answer}")

@then("it cannot be measured")
def unproven():
    raise Unproven("nothing listens", Whose.TARGET)

@then("it is not run")
def not_run():
    raise NotRun("no second client here")

@then("there is a bug")
def bug():
    {}["x"]

@then("it is skipped")
def skipped():
    pytest.skip("later")

@then("the evidence is odd")
def odd(evidence):
    evidence.add("odd", object())

@then("somebody presses Ctrl-C")
def interrupt():
    raise KeyboardInterrupt

@then("the worker dies")
def dies():
    import os
    os._exit(9)
"""


class Echo(BaseHTTPRequestHandler):
    """Answers each request with the client's address."""

    def do_GET(self):
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


class Project:
    """A project with a checklist of its own, and what came of running it."""

    def __init__(self, pytester, port: int) -> None:
        self.pytester, self.path = pytester, pytester.path
        pytester.makeini(
            "[pytest]\naddopts = -W error --strict-markers --import-mode=importlib "
            "-p no:cacheprovider\n"
            "bdd_features_base_dir = features\n"
        )
        pytester.makeconftest(CONFTEST)
        checklist = self.path / "tests" / "checklist"
        checklist.mkdir(parents=True)
        shutil.copy(ROOT / "tests" / "checklist" / "test_checklist.py", checklist)
        for directory in ("features", "environments"):
            (self.path / directory).mkdir()
        shutil.copy(ROOT / "features" / "statements.tsv", self.path / "features")
        (self.path / "features" / "checklist.yaml").write_text(
            'items:\n- {id: "11", title: Security, french: Sécurité}\n'
        )
        self.environment("lab", port, "clients: {network: 127.99.0.0/16}\npermits: [load]")
        self.environment("staging", port, "permits: [burst]")

    def environment(self, name: str, port: int, more: str = "") -> None:
        (self.path / "environments" / f"{name}.yaml").write_text(
            f"name: {name}\nkind: deployed\n"
            f"site: {{name: lab.example, address: 127.0.0.1, ports: {{http: {port}}}}}\n"
            "requests: {api: {path: /}}\n"
            "limits: {general: {path: /}, authentication: {path: /}}\n" + more + "\n"
        )

    def feature(self, *scenarios: str, name: str = "11_audit/site.feature") -> None:
        """A scenario is its tags and name, then its steps, one a line."""
        text = "Feature: site\n"
        for scenario in scenarios:
            head, *steps = scenario.splitlines()
            tags = [word for word in head.split() if word.startswith("@")]
            title = " ".join(word for word in head.split() if not word.startswith("@"))
            text += f"  {' '.join(tags)}\n  Scenario: {title}\n"
            text += "".join(f"    {step}\n" for step in steps)
        path = self.path / "features" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def release(self) -> str:
        """A record of a release, and a contact table; the release's commit."""
        commit = "0" * 40
        tests = "{unit: u.xml, integration: i.xml, e2e: e.xml}"
        (self.path / "v1.2.0.yaml").write_text(f"tag: v1.2.0\ncommit: '{commit}'\ntests: {tests}\n")
        (self.path / "environments" / "allowed_signers").touch()
        contact = "{role: DBA, name: x, email: x@example.org, telephone: +33 6 00 00 00 00}"
        (self.path / "environments" / "contacts.yaml").write_text(
            f"contacts: [{contact}]\nallowed_signers: allowed_signers\n"
        )
        return commit

    def run(self, *args: str, environment: str = "lab"):
        if "-n2" not in args:
            args = ("-p", "no:xdist", *args)  # the gate must do without it, and so is faster
        return self.pytester.runpytest_subprocess(
            "tests/checklist", "--environment", environment, *args
        )

    def report(self):
        return json_report.read(self.path / "report")

    def outcomes(self) -> dict[str, str]:
        return {s.name: str(s.outcome) for s in self.report().scenarios}

    def reason(self, name: str) -> str:
        return next(s.reason for s in self.report().scenarios if s.name == name)

    def refused(self, *args: str, environment: str = "lab") -> list[str]:
        """The lines of a usage error."""
        result = self.run(*args, environment=environment)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert not (self.path / "report" / "report.json").exists()
        lines = result.errlines
        assert "Traceback" not in str(result.stderr)
        return [line.removeprefix("ERROR: ") for line in lines if line]


@pytest.fixture
def project(pytester, port):
    return Project(pytester, port)


GOOD = "@NGX-10 good\nGiven the site\nThen it answers"
EVERY = (
    GOOD,
    '@NGX-31 bad\nGiven the site\nThen it answers "x"',
    "dark\nThen it cannot be measured",
    "elsewhere\nThen it is not run",
    "@NGX-37 @permit-burst @permit-load forbidden\nGiven the site\nThen it answers",
    "bug\nThen there is a bug",
    "skipped\nThen it is skipped",
    "odd\nThen the evidence is odd",
    "missing\nGiven the site\nThen it answer",
    '@advisory advice\nGiven the site\nThen it answers "y"',
)


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_every_outcome(project, workers):
    project.feature(*EVERY)
    result = project.run(*workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.outcomes() == {
        "good": "passed",
        "bad": "failed",
        "dark": "unproven",
        "elsewhere": "not-run",
        "forbidden": "not-run",
        "bug": "unproven",
        "skipped": "unproven",
        "odd": "unproven",
        "missing": "unproven",
        "advice": "failed",
    }
    assert project.reason("good") == ""
    assert project.reason("bad").startswith("expected x, actual 127.99.")
    assert project.reason("bad").endswith(
        '\nat features/11_audit/site.feature:9 (Then it answers "x")'
    )
    assert project.reason("dark").startswith("nothing listens (fault of: target)\nat features/")
    assert project.reason("elsewhere") == "no second client here"
    assert project.reason("forbidden") == "not permitted in lab: burst"
    assert project.reason("bug").startswith("KeyError: 'x' (fault of: ours)\nconftest.py:")
    assert "skipped by pytest (later)" in project.reason("skipped")
    assert "PydanticSerializationError" in project.reason("odd")
    assert "no step definition matches; the nearest: 'it answers'" in project.reason("missing")
    report = project.report()
    assert (report.verdict, report.items[0].outcome) == ("NO-GO", "failed")
    assert [(d.statement, d.where) for d in report.due] == [
        ("NGX-37", "nowhere: no environment file permits it")
    ]
    assert [s.name for s in report.scenarios if not s.blocking] == ["advice"]
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.fnmatch_lines(["*NO-GO*"])


def evidence_of(project, name):
    scenario = next(s for s in project.report().scenarios if s.name == name)
    return [(e.what, e.value) for e in scenario.evidence]


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_evidence_survives_and_each_scenario_is_another_client(project, workers):
    names = [f"s{i}" for i in range(6)]
    project.feature(*(f"{name}\nGiven the site\nThen it answers" for name in names))
    assert project.run(*workers).ret == 0
    clients = set()
    for name in names:
        (_, given), (what, client), (_, then) = evidence_of(project, name)
        assert (given["keyword"], given["text"], given["outcome"]) == (
            "Given",
            "the site",
            "passed",
        )
        assert (then["text"], then["outcome"]) == ("it answers", "passed")
        assert then["where"].startswith("features/11_audit/site.feature:")
        assert what == "client"
        clients.add(client)
    assert len(clients) == len(names)
    assert all(client.startswith("127.99.") for client in clients)
    outputs = [e.text for e in ET.parse(project.path / "report" / "junit.xml").iter("system-out")]
    assert all(f"client: {client}" in "".join(outputs) for client in clients)
    assert "it answers" in (project.path / "report" / "report.html").read_text()


def test_all_passed_is_go_and_what_is_due_is_said(project):
    project.feature(GOOD, "@NGX-37 @permit-burst b\nThen it answers")
    result = project.run()
    assert result.ret == 0
    report = project.report()
    assert report.verdict == "GO"
    assert [(d.statement, d.where) for d in report.due] == [("NGX-37", "staging")]
    result.stdout.fnmatch_lines(["*NGX-37*due in: staging*", "*GO*"])


def test_what_takes_minutes_is_run_with_slow_only_and_is_due_nowhere_else(project):
    project.feature(GOOD, "@NGX-42 @slow long\nGiven the site\nThen it answers")
    assert project.run().ret == 0
    assert project.outcomes() == {"good": "passed", "long": "not-run"}
    assert "--slow" in project.reason("long")
    assert project.report().due == ()
    assert project.run("--slow").ret == 0
    assert project.outcomes() == {"good": "passed", "long": "passed"}


DEVIATIONS = """deviations:
- {statement: NGX-31, why: a laptop}
- {statement: NGX-32, why: an old laptop}
- {statement: NGX-33, why: nobody looks}
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_declared_deviation_is_measured_and_never_passed_for_being_declared(
    project, port, workers
):
    project.environment("laptop", port, DEVIATIONS)
    project.feature(
        GOOD,
        '@advisory @NGX-31 deviates\nGiven the site\nThen it answers\nThen it answers "x"',
        "@advisory @NGX-32 holds\nGiven the site\nThen it answers",
        '@advisory @NGX-31 @NGX-34 half\nGiven the site\nThen it answers "x"',
        "@advisory @NGX-31 dark\nThen it cannot be measured",
    )
    result = project.run(*workers, environment="laptop")
    assert project.outcomes() == {
        "good": "passed",
        "deviates": "not-run",
        "holds": "passed",
        "half": "failed",  # it claims something that is not declared, too
        "dark": "unproven",
    }
    reason = project.reason("deviates")
    assert reason.startswith("deviation: a laptop; measured:\nexpected x, actual 127.")
    report = project.report()
    assert [(d.statement, d.holds) for d in report.deviations] == [
        ("NGX-31", False), ("NGX-32", True), ("NGX-33", None),
    ]  # fmt: skip
    assert report.deviations[0].measured.startswith("expected x, actual 127.")
    result.stdout.fnmatch_lines(
        [
            "*NGX-31*a laptop: expected x, actual*",
            "*NGX-32*an old laptop: it holds here: the deviation is not needed*",
            "*NGX-33*nobody looks: not measured*",
        ]
    )
    steps = [value["outcome"] for what, value in evidence_of(project, "deviates") if what == "step"]
    assert steps == ["passed", "passed", "failed"]


def test_a_deployed_environment_declares_no_deviation_that_blocks(project, port):
    project.environment("live", port, DEVIATIONS)
    project.feature("@NGX-31 counts\nThen it answers", "@advisory @NGX-32 wish\nThen it answers")
    (line,) = project.refused(environment="live")
    assert line.endswith(
        "environments/live.yaml:6: deviations: a deployed environment must meet what blocks a "
        "release: NGX-31"
    )


def test_report_json_has_the_schema(project):
    project.feature(GOOD)
    commit = project.release()
    project.run("--release", "v1.2.0.yaml", "--report-dir", "out/here")
    data = json.loads((project.path / "out" / "here" / "report.json").read_text())
    assert list(data) == [
        "schema", "verdict", "environment", "release", "started", "duration_s", "items",
        "scenarios", "due", "deviations", "statements", "commit", "sign_offs", "waivers", "sources",
        "spans",
    ]  # fmt: skip
    assert (data["schema"], data["environment"], data["release"]) == (1, "lab", "v1.2.0")
    assert data["commit"] == commit
    (scenario,) = data["scenarios"]
    assert set(scenario) == {
        "id", "name", "item", "statements", "blocking", "outcome", "reason", "duration_s",
        "evidence", "where", "waived",
    }  # fmt: skip
    assert [each["id"] for each in data["statements"]] == ["NGX-10"]
    assert scenario["where"].startswith("features/11_audit/site.feature:")
    assert scenario["id"] == "11_audit/site.feature::good"
    assert (scenario["item"], scenario["statements"]) == ("11", ["NGX-10"])


def test_outline_rows_are_scenarios(project):
    path = project.path / "features" / "11_x.feature"
    path.write_text(
        "@NGX-31\nFeature: x\n  Rule: r\n    @advisory\n    Scenario Outline: is <what>\n"
        "      Given the site\n      Then it answers<end>\n"
        "      @NGX-32\n      Examples:\n      | what | end |\n      | a |  |\n      | b | ! |\n"
    )
    project.run()
    a, b = project.report().scenarios
    assert (a.id, a.name, a.outcome) == ("11_x.feature::is <what>[a-]", "is a", "passed")
    assert (b.name, b.outcome, b.blocking) == ("is b", "unproven", False)
    assert a.statements == ("NGX-31", "NGX-32")


@pytest.mark.parametrize("option", [("-k", "site.feature::good"), ("-m", "NGX-10")])
def test_what_was_not_chosen_is_unproven(project, option):
    project.feature(GOOD, "other\nThen it answers")
    project.run(*option)
    assert project.outcomes()["other"] == "unproven"
    assert project.reason("other") == "not chosen for this run"
    assert project.report().verdict == "INCOMPLETE"


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_interrupted(project, workers):
    stop = "stop\nThen somebody presses Ctrl-C"
    project.feature(GOOD, stop, "after\nThen it answers")
    result = project.run(*workers)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.outcomes()["stop"] == "unproven"
    assert project.report().verdict == "INCOMPLETE"
    if not workers:
        assert project.outcomes() == {"good": "passed", "stop": "unproven", "after": "unproven"}
        assert "interrupted" in project.reason("after")


def test_a_worker_that_dies_leaves_its_scenario_unproven(project):
    project.feature("death\nThen the worker dies", GOOD)
    project.run("-n2")
    assert project.outcomes() == {"death": "unproven", "good": "passed"}
    assert "crashed" in project.reason("death")


def test_stopped_at_the_first_failure(project):
    project.feature('bad\nGiven the site\nThen it answers "x"', GOOD)
    project.run("-x")
    assert project.outcomes() == {"bad": "failed", "good": "unproven"}
    assert "stopping after 1 failures" in project.reason("good")


def test_an_internal_error_is_never_go(project):
    project.feature(GOOD)
    with (project.path / "conftest.py").open("a") as file:
        file.write("\ndef pytest_runtest_logfinish():\n    raise RuntimeError('broken')\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert project.outcomes() == {"good": "passed"}
    assert project.report().verdict == "INCOMPLETE"
    result.stdout.fnmatch_lines(["*internal error: RuntimeError: broken*", "*INCOMPLETE*"])


def test_steps_that_were_not_run_prove_nothing(project):
    project.feature(GOOD)
    project.run("--setup-plan")
    assert project.outcomes() == {"good": "unproven"}


@pytest.mark.parametrize("mark", ["xfail", "skip"])
def test_marks_do_not_excuse(project, mark):
    project.feature(GOOD, 'bad\nGiven the site\nThen it answers "x"')
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "@pytest.hookimpl(trylast=True)\n"
            "def pytest_collection_modifyitems(items):\n"
            f"    for item in items:\n        item.add_marker(pytest.mark.{mark})\n"
        )
    project.run()
    assert set(project.outcomes().values()) == {"unproven"}


def test_wrong_features_are_refused_without_a_traceback(project):
    project.feature("@NGX-99 a\nThen it answers", "empty")
    assert project.refused() == [
        "features/11_audit/site.feature:2: @NGX-99: neither a statement nor a tag of the gate; "
        "did you mean @NGX-39?",
        "features/11_audit/site.feature:6: a scenario without a Then proves nothing",
    ]


def test_a_wrong_environment_is_refused_before_anything_runs(project):
    project.feature(GOOD)
    (project.path / "report").mkdir()
    (project.path / "report" / "report.json").write_text("of an earlier run")
    assert project.refused(environment="labb")[0].endswith(
        "environments/labb.yaml: no such file; environments in "
        f"{project.path}/environments: lab, staging"
    )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--stack", "."), "--stack: lab is not started from a stack"),
        (
            ("--release", "none.yaml"),
            "--release: none.yaml: no such file; golive release TAG makes one",
        ),
        (("--sign-key", "none"), "--sign-key: none: no such file"),
    ],
)
def test_options_that_make_no_sense(project, option, message):
    project.feature(GOOD)
    assert project.refused(*option) == [message]


def test_a_stack_that_cannot_be_started_is_one_clear_error(project):
    project.feature(GOOD)
    (project.path / "empty").mkdir()
    path = project.path / "environments" / "copy.yaml"
    text = (project.path / "environments" / "lab.yaml").read_text()
    path.write_text(text.replace("kind: deployed", "kind: replica\nstack: ../empty"))
    (line,) = project.refused(environment="copy")
    assert line.endswith("empty is no stack: it has no nginx/nginx.conf")


def test_listing_the_scenarios_leaves_the_last_report(project):
    project.feature(GOOD)
    (project.path / "report").mkdir()
    report = project.path / "report" / "report.json"
    report.write_text("of the last run")
    result = project.run("--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*::test_good"])
    assert report.read_text() == "of the last run"


def test_another_teams_features(project, tmp_path):
    project.feature(GOOD)
    theirs = tmp_path / "theirs"
    shutil.copytree(project.path / "features", theirs)
    (theirs / "11_audit" / "site.feature").rename(theirs / "11_own.feature")
    assert project.run("--features", str(theirs)).ret == 0
    assert [s.id for s in project.report().scenarios] == ["11_own.feature::good"]


def test_slow_measurements_run_ahead_once(project):
    with (project.path / "conftest.py").open("a") as file:
        file.write("""
import threading
begun = threading.Event()
calls = []

def slow(client):
    calls.append(client)
    begun.set()
    raise Unproven("the target went away", Whose.TARGET)

def pytest_golive_ahead(measurements, clients, tags):
    assert tags == {"NGX-26"}
    measurements.start(slow, clients.named("slow"))

@then("the measurement is running")
def running():
    assert begun.wait(5)

@then("its result is asked for")
def asked(measurements, clients, evidence):
    evidence.add("calls", calls)
    measurements.result(slow, clients.named("slow"))
""")
    project.feature(
        "@NGX-26 a\nThen the measurement is running",
        "b\nThen its result is asked for",
        "c\nThen its result is asked for",
        "@NGX-43 @permit-burst d\nThen its result is asked for",
    )
    project.run()
    assert project.outcomes() == {"a": "passed", "b": "unproven", "c": "unproven", "d": "not-run"}
    assert project.reason("c").startswith("the target went away (fault of: target)")
    assert len(evidence_of(project, "c")[1][1]) == 1


ALONE = """
import threading
ended = []

def slow():
    threading.Event().wait(0.3)
    ended.append("measured")

def pytest_golive_ahead(measurements):
    measurements.start(slow)

@then("it ends")
def ends(request):
    ended.append(request.node.name)

@then("all others have ended, and all measurements")
def all_ended():
    assert len(ended) == 3 and "measured" in ended
"""


def test_what_is_alone_comes_last_when_nothing_is_measured_any_more(project):
    with (project.path / "conftest.py").open("a") as file:
        file.write(ALONE)
    project.feature(
        "@alone a\nThen all others have ended, and all measurements",
        "@ahead b\nThen it ends",
        "c\nThen it ends",
    )
    project.run()
    assert project.outcomes() == {"a": "passed", "b": "passed", "c": "passed"}


def test_with_xdist_nothing_is_alone(project):
    with (project.path / "conftest.py").open("a") as file:
        file.write(ALONE)
    project.feature("@alone a\nThen it ends", "c\nThen it ends")
    project.run("-n2")
    assert project.outcomes() == {"a": "unproven", "c": "passed"}
    assert "it must run alone: without xdist's -n" in project.reason("a")


def test_other_tests_are_left_alone(project):
    project.feature("broken")
    (project.path / "tests" / "test_other.py").write_text("def test_x():\n    pass\n")
    result = project.pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert not (project.path / "report").exists()
    mixed = project.pytester.runpytest_subprocess("tests/checklist", "tests/test_other.py")
    assert mixed.ret == pytest.ExitCode.USAGE_ERROR


def test_a_plain_test_in_the_checklist_is_refused(project):
    project.feature(GOOD)
    (project.path / "tests" / "checklist" / "test_more.py").write_text("def test_x():\n    pass\n")
    assert "holds scenarios, not tests" in project.refused()[0]


def test_sigint_from_outside_reports_what_was_not_reached(project):
    with (project.path / "conftest.py").open("a") as file:
        file.write("""
@then("it takes for ever")
def for_ever():
    import threading
    print("waiting", flush=True)
    threading.Event().wait()
""")
    project.feature(GOOD, "endless\nThen it takes for ever")
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "tests/checklist", "--environment", "lab", "-s"],
        cwd=project.path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("waiting" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        output = process.communicate()[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert project.outcomes() == {"good": "passed", "endless": "unproven"}
    assert "INCOMPLETE" in output
