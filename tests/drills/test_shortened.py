"""The stack's files stay what they are, but for their times and targets."""

import subprocess
from pathlib import Path

import pytest
import yaml

from golive.drills.shortened import Scale, alertmanager, prometheus, rules
from golive.outcome import Unproven, Whose

STACK = Path(__file__).parents[2] / "environments/stack"
SCALE = Scale(every_s=1, durations=60, windows=15)


def read(name: str) -> str:
    return (STACK / name).read_text()


def test_rules_keep_everything_but_their_times():
    text = read("prometheus/alerts.yml")
    (short,) = rules(text, SCALE).values()
    given = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    made = [rule for group in yaml.safe_load(short)["groups"] for rule in group["rules"]]
    assert [each["alert"] for each in made] == [each["alert"] for each in given]
    assert [each["labels"] for each in made] == [each["labels"] for each in given]
    assert [each.get("annotations") for each in made] == [each.get("annotations") for each in given]
    assert {each["for"] for each in made if "for" in each} == {"5000ms", "2000ms", "1000ms"}
    assert "[4s]" in made[0]["expr"]
    assert "[20s]" in short  # of five minutes


def test_rules_and_configuration_are_valid(tmp_path: Path):
    asked = {"node-exporter": ("127.0.0.1:1",), "api-server": ()}
    text = prometheus(read("prometheus/prometheus.yml"), SCALE, asked, "127.0.0.1:2", "label")
    (tmp_path / "prometheus.yml").write_text(text)
    for name, short in rules(read("prometheus/alerts.yml"), SCALE).items():
        (tmp_path / name).write_text(short)
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load(text)
    assert made["global"]["external_labels"] == {"drill": "label"}
    jobs = {each["job_name"]: each for each in made["scrape_configs"]}
    assert set(jobs) == set(asked)
    assert jobs["node-exporter"]["static_configs"] == [{"targets": ["127.0.0.1:1"]}]
    assert len(jobs["api-server"]["static_configs"][0]["targets"]) == 3


def test_routes_keep_everything_but_their_waits():
    text = read("alertmanager/alertmanager.yml")
    given, made = yaml.safe_load(text), yaml.safe_load(alertmanager(text, SCALE))
    assert made["receivers"] == given["receivers"]
    assert made["inhibit_rules"] == given["inhibit_rules"]
    assert made["route"]["group_by"] == ["..."]
    assert made["route"]["group_wait"] == "167ms"
    assert made["route"]["repeat_interval"] == "240000ms"
    assert made["route"]["routes"][0]["repeat_interval"] == "5000ms"
    assert [each["matchers"] for each in made["route"]["routes"]] == [
        each["matchers"] for each in given["route"]["routes"]
    ]


@pytest.mark.parametrize("text", ["", "a: [", "- a", "groups: [{rules: [{expr: 1}]}]"])
def test_what_is_no_such_file_is_unproven(text: str):
    for make in (
        lambda: rules(text, SCALE),
        lambda: alertmanager(text, SCALE),
        lambda: prometheus(text, SCALE, {}, "a:1", "b"),
    ):
        with pytest.raises(Unproven) as caught:
            make()
        assert caught.value.whose is Whose.TARGET
