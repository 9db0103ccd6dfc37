"""What the documentation shows works: examples, commands, links."""

import re
import shlex
import subprocess
import sys
from importlib import util
from pathlib import Path

import click
import pytest
import yaml

from golive.checklist import Verdict
from golive.cli import main
from golive.report.json import read

ROOT = Path(__file__).parents[1]
GOLIVE = Path(sys.executable).with_name("golive")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
WORKFLOWS = {
    "github-actions.yml": "vendor.github-workflows",
    "gitlab-ci.yml": "vendor.gitlab-ci",
}
SHOP = r"""
server {
    listen ADDRESS:8080;
    server_name shop.golive.test;
    return 301 https://$host$request_uri;
}
server { listen ADDRESS:8443 ssl; server_name shop.golive.test; return 200; }
"""


def commands(text: str) -> list[list[str]]:
    """Each golive command of a text, as words without its program."""
    if blocks := re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        text = "\n".join(blocks)
    text = text.replace("\\\n", " ")  # a command that goes on in the next line
    lines = re.sub(r"\$\{\{.*?\}\}|\$CI_COMMIT_TAG", "v1.2.0", text).splitlines()
    starts = re.compile(r"\s*(?:- )?(?:run: )?(?:\.venv/bin/)?golive (?=[a-z])")
    found = (line[match.end() :] for line in lines if (match := starts.match(line)))
    # In a list of verbs, what a command does stands three spaces behind it.
    return [shlex.split(re.split(" {3}", each)[0], comments=True) for each in found]


def refused(words: list[str]) -> str | None:
    """Why the command line is refused; None where it is not."""
    words = [word for word in words if not re.fullmatch(r"\[.*\]", word)]
    verb = main.commands.get(words[0])
    if verb is None:
        return f"no such verb: {words[0]}"
    context = click.Context(verb, ignore_unknown_options=False)
    try:
        verb.make_parser(context).parse_args(list(words[1:]))
    except click.UsageError as error:
        # What golive does not know in `gate` and `smoke` is pytest's.
        known = {"-k", "--features", "-x", "--scenario", "-n"}
        return None if any(word in known for word in words) else error.format_message()
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())
    assert not [each for each in targets if not (page.parent / each).exists()]


@pytest.mark.parametrize(
    "file",
    [*PAGES, *(ROOT / "examples/ci" / name for name in WORKFLOWS)],
    ids=lambda file: file.name,
)
def test_commands_are_accepted(file: Path):
    wrong = {
        shlex.join(words): said for words in commands(file.read_text()) if (said := refused(words))
    }
    assert wrong == {}


def test_a_wrong_command_would_be_seen():
    (words,) = commands("    golive gate --enviroment x   judge it")
    assert words == ["gate", "--enviroment", "x"]
    assert "No such option" in str(refused(words))
    assert refused(["sweep"]) == "no such verb: sweep"


@pytest.mark.parametrize(("name", "schema"), WORKFLOWS.items())
def test_workflows_follow_their_vendors_schema(name: str, schema: str):
    checker = Path(sys.executable).with_name("check-jsonschema")
    file = ROOT / "examples/ci" / name
    run = subprocess.run(
        [checker, "--builtin-schema", schema, file], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def scripts(value: object) -> list[str]:
    """Each script of a workflow."""
    if isinstance(value, dict):
        own = [value["run"]] if isinstance(value.get("run"), str) else []
        listed = [*value.get("before_script", ()), *value.get("script", ())]
        rest = (each for key, each in value.items() if key not in ("before_script", "script"))
        return own + listed + [script for each in rest for script in scripts(each)]
    return [script for each in value for script in scripts(each)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_scripts_of_workflows_run_as_far_as_they_can_here(name: str, tmp_path: Path):
    found = scripts(yaml.safe_load((ROOT / "examples/ci" / name).read_text()))
    assert len(found) >= 5
    for directory in ("report", "report/smoke"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "report.md").write_text("GO\n")
    stubs = tmp_path / "bin"
    stubs.mkdir()
    # Not here: packages are installed, environments made and deployments judged.
    for program in ("apt-get", "make", "golive"):
        (stubs / program).write_text(f'#!/bin/sh\necho {program} "$@" >>{tmp_path}/called\n')
        (stubs / program).chmod(0o755)
    for script in found:
        text = re.sub(r"\$\{\{.*?\}\}", "v1.2.0", script).replace(".venv/bin/golive", "golive")
        environment = {
            "PATH": f"{stubs}:/usr/bin:/bin",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "CI_COMMIT_TAG": "v1.2.0",
        }
        subprocess.run(["bash", "-euc", text], cwd=tmp_path, env=environment, check=True)
    called = (tmp_path / "called").read_text()
    assert "make .venv/.ready\n" in called
    assert "golive gate --slow\n" in called
    assert "golive smoke --environment production --release releases/v1.2.0.yaml\n" in called
    assert "apt-get -qy install --no-install-recommends make python3-venv\n" in called
    make = subprocess.run(["make", "-n", ".venv/.ready"], cwd=ROOT, capture_output=True)
    assert make.returncode == 0


def test_another_teams_checklist(tmp_path: Path):
    spec = util.spec_from_file_location("nginx_server", ROOT / "tests/probes/nginx_server.py")
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    sys.modules["nginx_server"] = module
    spec.loader.exec_module(module)
    environment = yaml.safe_load((ROOT / "examples/bakery/shop.yaml").read_text())
    with module.nginx(tmp_path, SHOP) as server:
        environment["site"] = {
            "name": "shop.golive.test",
            "address": server.address,
            "ports": {"http": 8080, "https": 8443},
            "roots": "root.pem",
        }
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(environment))
        command = [GOLIVE, "gate", "--features", ROOT / "examples/bakery/features"]
        command += ["--environment", tmp_path / "shop.yaml", "--report-dir", tmp_path / "report"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    report = read(tmp_path / "report")
    # The test's certificate lives for a day: what fails is seen, and the rest holds.
    assert (run.returncode, report.verdict) == (1, Verdict.NO_GO), run.stdout + run.stderr
    assert [(item.id, str(item.outcome)) for item in report.items] == [
        ("01", "passed"),
        ("02", "failed"),
    ]
    assert [each.id for each in report.statements] == ["SHOP-01", "SHOP-02"]
