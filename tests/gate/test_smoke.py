"""`golive smoke` against a server that writes down all that it is asked."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from golive.gate import features
from golive.located_yaml import FileError
from golive.outcome import Outcome
from golive.report.json import read

ROOT = Path(__file__).parents[2]
GOLIVE = Path(sys.executable).with_name("golive")
PACE = 10
CONFIGURATION = r"""
log_format asked "$msec $request_method $request_uri $http_upgrade";
server {
    listen ADDRESS:8443 ssl;
    listen ADDRESS:8080;
    server_name www.golive.test;
    access_log requests.log asked;
    location / { return 200 "hello"; }
}
"""
ENVIRONMENT = """
name: somewhere
kind: deployed
site:
  name: www.golive.test
  address: {address}
  ports: {{http: 8080, https: 8443}}
  roots: root.pem
hosts:
  app-1.golive.test: {{}}
pace: {pace}
requests:
  page: {{path: /}}
  api: {{path: /}}
  not-found: {{path: /absent}}
  redirect: {{path: /old}}
  static: {{path: /a.css}}
limits:
  general: {{path: /}}
  authentication: {{method: POST, path: /login, body: {{}}}}
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    """The directory of the reports, and what the server was asked: time, method, path."""
    nginx_server = _module("probes/nginx_server.py")
    directory = tmp_path_factory.mktemp("nginx")
    with nginx_server.nginx(directory, CONFIGURATION) as server:
        text = ENVIRONMENT.format(address=server.address, pace=PACE)
        (directory / "somewhere.yaml").write_text(text)
        command = [GOLIVE, "smoke", "--environment", directory / "somewhere.yaml"]
        command += ["--report-dir", directory / "report"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert run.returncode == 1, run.stdout + run.stderr  # it is no Dashboard-Velo
    lines = (directory / "requests.log").read_text().splitlines()
    return directory / "report", [line.split() for line in lines]


def _module(path: str):
    spec = util.spec_from_file_location("nginx_server", ROOT / "tests" / path)
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    sys.modules["nginx_server"] = module
    spec.loader.exec_module(module)
    return module


def test_it_changes_nothing(asked):
    _, requests = asked
    assert 10 < len(requests) < 60
    # "-": a connection in which nothing was asked, such as a version of TLS that was only tried.
    assert {method for _, method, *_ in requests} <= {"GET", "-"}


def test_it_keeps_the_pace_of_the_environment(asked):
    _, requests = asked
    times = sorted(float(time) for time, *_ in requests)
    # nginx writes a request down when it is answered: a slow answer and a quick one stand closer.
    for first, later in zip(times, times[PACE:], strict=False):
        assert later - first > 0.8, f"more than {PACE} requests within {later - first:.2f} s"


def test_the_report_has_the_smoke_tests_and_no_other(asked):
    directory, _ = asked
    report = read(directory)
    checklist = features.read(ROOT / "features")
    assert {each.id for each in report.scenarios} == set(checklist.smoke().scenarios)
    assert {each.item for each in report.scenarios} == {item.id for item in report.items}
    outcomes = {each.outcome for each in report.scenarios}
    assert {Outcome.PASSED, Outcome.FAILED, Outcome.NOT_RUN} <= outcomes
    assert (directory / "report.html").is_file()


def test_most_of_it_can_be_seen_in_production():
    smoke = features.read(ROOT / "features").smoke().scenarios.values()
    assert len(smoke) >= 20
    assert not [each.id for each in smoke if each.permits or each.kinds or each.ahead]


@pytest.mark.parametrize("tag", ["permit-burst", "ahead", "slow"])
def test_what_is_long_or_does_harm_is_no_smoke_test(tmp_path: Path, tag: str):
    for name in ("checklist.yaml", "statements.tsv"):
        (tmp_path / name).write_text((ROOT / "features" / name).read_text())
    feature = f"Feature: F\n\n  @smoke @{tag}\n  Scenario: S\n    Then it is so\n"
    (tmp_path / "a.feature").write_text(feature)
    with pytest.raises(FileError, match=rf"a\.feature:3: a smoke test .*: not @{tag}"):
        features.read(tmp_path)
