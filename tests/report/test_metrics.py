"""metrics.prom, as Prometheus' own tool and parser read it."""

import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from golive.report.history import History
from golive.report.metrics import render
from golive.report.text import printable
from golive.report.words import Language

from .reports import REPORT, hostile_report, report


def metrics(what=REPORT) -> str:
    return render(printable(what), History(), Language.EN)


@pytest.mark.parametrize("what", [REPORT, hostile_report(), report()])
def test_promtool_has_nothing_to_say(what):
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=metrics(what),
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_values():
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics())
        for sample in family.samples
    }
    here = ("environment", "replica")
    assert values["golive_verdict", here, ("verdict", "NO-GO")] == 1
    assert values["golive_verdict", here, ("verdict", "GO")] == 0
    assert values["golive_item_outcome", here, ("item", "11"), ("outcome", "failed")] == 1
    assert values["golive_item_outcome", here, ("item", "10"), ("outcome", "unproven")] == 1
    assert values["golive_item_outcome", here, ("item", "11"), ("outcome", "passed")] == 0
    failed = ("outcome", "failed")
    assert values["golive_scenarios", ("blocking", "true"), here, failed] == 1
    assert values["golive_scenarios", ("blocking", "false"), here, failed] == 1
    assert values["golive_statements_due", here] == 1
    assert values["golive_run_timestamp_seconds", here] == 1743856200
    assert values["golive_run_duration_seconds", here] == 41.5
