import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from click.testing import CliRunner

from golive import environment as environments
from golive.cli import main
from golive.environment import Clients, Permit
from golive.load import profile, target

ROOT = Path(__file__).parents[2]
_, GATE = profile.named("gate", ROOT / profile.FILE)


@pytest.fixture
def staging():
    return environments.load("staging", directory=ROOT / "environments")


@pytest.fixture
def production():
    return environments.load("production", directory=ROOT / "environments")


def test_what_is_not_permitted_is_refused(production):
    with pytest.raises(target.RefusedError, match="does not permit load"):
        target.check(production, yes=True)


def test_production_needs_a_yes_besides_the_permit(production):
    permitted = production.model_copy(update={"permits": (Permit.LOAD,)})

    with pytest.raises(target.RefusedError, match="--yes-load-production"):
        target.check(permitted, yes=False)
    target.check(permitted, yes=True)


@pytest.mark.parametrize("host", ["https://example.com", "example.com", "http://127.0.0.1:8080"])
def test_another_host_is_refused(staging, host):
    with pytest.raises(target.RefusedError, match=r"only https://api\.staging"):
        target.check_host(staging, host)
    target.check_host(staging, "https://api.staging.dashboard-velo.com")


def test_one_client_is_asked_no_more_than_its_pace(staging):
    plan = target.plan(staging, GATE, 80, None)

    assert target.one_client(staging)
    assert {stage.rate for stage in plan.stages} == {staging.pace}
    assert not any(stage.abuse for stage in plan.stages)


def test_people_with_addresses_or_a_header_are_clients_of_their_own(staging):
    network = Clients(load=IPv4Network("10.20.0.0/22"))
    header = Clients(load_header="X-Load-Client")
    for clients in (network, header):
        each = staging.model_copy(update={"clients": clients})
        plan = target.plan(each, GATE, 80, None)

        assert max(stage.rate or 0 for stage in plan.stages) == 60
    assert plan.header == "X-Load-Client"


def test_without_credentials_or_a_permit_only_visitors_come(staging):
    nobody = staging.model_copy(update={"permits": (Permit.LOAD,)})
    with target.account(nobody, None) as account:
        assert account is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no profile 'nothing'; there are gate, smoke"),
        (["smoke", "--environment", "production"], "production does not permit load"),
        (["smoke", "--environment", "absent"], "no such file"),
        (["smoke", "--replica", "254"], "replica 254 does not run"),
    ],
)
def test_what_cannot_run_ends_with_2_and_one_message(monkeypatch, arguments, said):
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["load", *arguments])

    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_profiles_are_listed(monkeypatch):
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, ["load"])

    assert done.exit_code == 0
    assert "soak       60:30 min, up to 40 requests/s" in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--golive-environment", "production"], "production does not permit load"),
        (
            ["--golive-environment", "staging", "--host", "https://example.com"],
            "https://example.com is not staging",
        ),
    ],
)
def test_locust_by_hand_goes_nowhere_else(options, said):
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode != 0
    assert said in done.stderr
