"""Routes are read off Alertmanager's own programs; what they cannot read is unproven."""

from pathlib import Path

import pytest

from golive.outcome import Unproven, Whose
from golive.probes.inhibitions import silenced
from golive.probes.routes import (
    Route,
    asked_labels,
    hides_addresses,
    messages,
    routes,
    with_addresses,
)

STACK = Path(__file__).parents[2] / "environments/stack/alertmanager/alertmanager.yml"
CONFIGURATION = STACK.read_text().replace("[slack-webhook]", "hook")


def kinds(configuration: str, severity: str) -> list[str]:
    seen = messages(configuration, (("alertname", "any"), ("severity", severity)))
    return sorted(each.kind for each in seen)


def test_the_stack_routes_as_the_document_says():
    assert kinds(CONFIGURATION, "warning") == ["email", "slack"]
    assert kinds(CONFIGURATION, "critical") == ["email", "slack", "sms"]
    assert kinds(CONFIGURATION, "none") == ["sms"]  # a webhook, of the service that misses it


WANTED = {"warning": ["email", "slack"], "critical": ["email", "slack", "sms"]}
MATCHER = 'severity="critical"]\n      receiver'
SMS = """    webhook_configs:
      - url: 'http://sms.dashboard-velo.internal/send'
        send_resolved: true
"""
WRONG = {
    "warning": [
        ("route:\n  receiver: warning", "route:\n  receiver: critical"),
        ("route:\n  receiver: warning", "route:\n  receiver: heartbeat"),
        ('severity="none"', 'severity=~"none|warning"'),
        (MATCHER, 'severity=~"warning|critical"]\n      receiver'),
    ],
    "critical": [
        (MATCHER, 'severity="warning"]\n      receiver'),
        (MATCHER, 'severity="Critical"]\n      receiver'),
        ("receiver: critical", "receiver: warning"),
        ("receiver: critical", "receiver: heartbeat"),
        ("    email_configs: *email\n", ""),
        ("    slack_configs: *slack\n", ""),
        (SMS, ""),
    ],
}


@pytest.mark.parametrize(
    ("severity", "before", "after"),
    [(severity, *edit) for severity, edits in WRONG.items() for edit in edits],
)
def test_a_wrong_route_is_seen(severity: str, before: str, after: str):
    assert before in CONFIGURATION
    wrong = CONFIGURATION.replace(before, after)
    assert kinds(wrong, severity) != WANTED[severity]


def test_several_receivers_of_one_alert_are_all_counted():
    root = "route:\n  receiver: warning\n"
    both = CONFIGURATION.replace(
        "      receiver: critical\n",
        "      receiver: critical\n      continue: true\n    - receiver: warning\n",
    )
    assert root in both
    assert kinds(both, "critical") == ["email", "email", "slack", "slack", "sms"]


def test_whether_the_end_is_told():
    silent = CONFIGURATION.replace("send_resolved: true", "send_resolved: false")
    assert not any(each.resolved for each in messages(silent, (("severity", "critical"),)))


TREE = """
route:
  receiver: a
  group_by: [alertname]
  group_wait: 10s
  routes:
    - matchers: [severity="critical"]
      continue: true
      group_by: [instance]
      routes:
        - match_re: {job: .+}
          receiver: b
          group_wait: 1h
          mute_time_intervals: [weekend]
    - matchers: ['"severity" =~ "critical|urgent"', 'x!="y=z"']
      receiver: c
      repeat_interval: 1d
time_intervals: [{name: weekend, time_intervals: [{weekdays: [saturday, sunday]}]}]
receivers: [{name: a}, {name: b}, {name: c}]
"""


def test_a_route_has_alertmanagers_defaults():
    assert routes("route: {receiver: a}\nreceivers: [{name: a}]", ()) == (
        Route("a", (), 30, 14400, ()),
    )


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((("severity", "warning"),), [Route("a", ("alertname",), 10, 14400, ())]),
        (
            (("severity", "critical"),),
            [
                Route("a", ("instance",), 10, 14400, ()),
                Route("c", ("alertname",), 10, 86400, ()),
            ],
        ),
        (
            (("job", 'é, "x"'), ("severity", "critical")),
            [
                Route("b", ("instance",), 3600, 14400, ("mute_time_intervals: weekend",)),
                Route("c", ("alertname",), 10, 86400, ()),
            ],
        ),
    ],
)
def test_what_holds_on_a_route_is_its_own_or_of_one_above(labels, expected: list[Route]):
    # amtool of 0.25 knows no quoted names; later ones do.
    tree = TREE.replace('"severity" =~', "severity =~")
    assert sorted(routes(tree, labels), key=str) == expected


def test_the_labels_that_routes_ask_for():
    assert {"severity", "job", "x"} <= asked_labels(TREE) <= {"severity", "job", "x", "y"}
    assert asked_labels(CONFIGURATION) == {"severity"}


def test_addresses_that_are_hidden_are_the_files():
    hidden = CONFIGURATION.replace("http://sms.dashboard-velo.internal/send", "<secret>")
    assert [each.to for each in messages(hidden, (("severity", "critical"),)) if each.to] == [
        "<secret>"
    ]
    slack = CONFIGURATION.replace("http://slack.dashboard-velo.internal/services/hook", "<secret>")
    assert "<secret>" in slack
    assert [hides_addresses(each) for each in (hidden, slack)] == [True, False]
    whole = with_addresses(hidden, CONFIGURATION)
    assert [each.to for each in messages(whole, (("severity", "critical"),)) if each.to] == [
        "http://sms.dashboard-velo.internal/send"
    ]
    with pytest.raises(Unproven, match="webhooks of critical"):
        with_addresses(hidden, CONFIGURATION.replace(SMS, ""))


def test_a_critical_alert_silences_its_own_warning_only():
    source = (("alertname", "a"), ("instance", "s"), ("severity", "critical"), ("subject", "cpu"))
    own = (("alertname", "b"), ("instance", "s"), ("severity", "warning"), ("subject", "cpu"))
    elsewhere = (("alertname", "b"), ("instance", "t"), *own[2:])
    unrelated = (("alertname", "c"), ("instance", "s"), ("severity", "warning"))
    assert silenced(CONFIGURATION, (source, own, elsewhere, unrelated)) == (own,)


@pytest.mark.parametrize("text", ["", "route: [", "receivers: []"])
def test_what_is_no_configuration_is_unproven(text: str):
    with pytest.raises(Unproven) as caught:
        messages(text, (("severity", "critical"),))
    assert caught.value.whose is Whose.TARGET


def test_a_configuration_that_amtool_refuses_is_unproven():
    with pytest.raises(Unproven) as caught:
        messages(CONFIGURATION.replace("receiver: critical", "receiver: nobody"), ())
    assert caught.value.whose is Whose.TARGET


@pytest.mark.parametrize("ask", [messages, silenced])
def test_without_alertmanagers_programs_it_is_unproven(ask, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unproven, match="not installed") as caught:
        ask(CONFIGURATION, ())
    assert caught.value.whose is Whose.TOOL
