"""What Prometheus says of itself is judged, also where it says nothing."""

import time

import pytest

from golive.gate.evidence import EvidenceLog
from golive.probes.own_monitoring import prometheus
from golive.probes.prometheus import value
from golive.steps.prometheus import host_of
from golive.steps.prometheus_rules import none_left_out

MISSED = "prometheus_rule_group_iterations_missed_total"
RULES = "groups: [{{name: g, rules: [{{record: {}, expr: '{}'}}]}}]"
EVERY_SECOND = "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("redis://redis-10.internal:6379", "redis-10.internal"),
        ("redis-1:6379", "redis-1"),
        ("127.0.0.1:9100", "127.0.0.1"),
        ("app-1", "app-1"),
    ],
)
def test_the_host_of_an_instance(address: str, host: str):
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("name", "grows", "said"),
    [
        (MISSED, "vector(0)", None),
        (MISSED, "vector(time())", "actual: [1-9]"),
        ("other", "vector(0)", "does not measure itself"),
    ],
)
def test_evaluations_that_were_left_out_are_seen(name: str, grows: str, said: str | None):
    with prometheus(EVERY_SECOND, {"rules.yml": RULES.format(name, grows)}) as endpoint:
        deadline = time.monotonic() + 20
        while (value(endpoint, f"count_over_time({name}[1m])") or 0) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        if said is None:
            none_left_out(endpoint, EvidenceLog(), 15)
            return
        with pytest.raises(AssertionError, match=said):
            none_left_out(endpoint, EvidenceLog(), 15)
