import json
from pathlib import Path

import html5lib
import pytest

from golive import environment as environments
from golive.load import compare, files, lines, profile, thresholds
from golive.load.confidence import Answer
from golive.load.measure import Measured, Request
from golive.outcome import Unproven, Whose

from .test_judgement import ended, seen

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert('\u202e')</script>"


def measured(ms: float, kind: str = "") -> Measured:
    staging = environments.load("staging", directory=ROOT / "environments")
    visit, gate = profile.named("gate", ROOT / profile.FILE)
    silent = Unproven("Prometheus does not answer", Whose.TARGET)
    samples = seen(400, ms, kind)
    samples.add({"samples": {HOSTILE: {HOSTILE: [3, 9000, 9000]}}})
    request = Request("staging", staging, "gate", gate, visit)
    return Measured(request, ended(samples), silent, silent, silent)


def judged(load: Measured) -> list[lines.Line]:
    return lines.judged(load, thresholds.read(ROOT / "features"))


def test_the_page_is_valid_and_whatever_a_server_says_stays_text(tmp_path):
    load = measured(20)
    _, page = files.write(load, judged(load), tmp_path)

    text = page.read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<script" not in text
    assert "\u202e" not in text
    assert text.count("<svg") == 3


def test_the_json_has_histograms_that_others_can_read(tmp_path):
    load = measured(20)
    path, _ = files.write(load, judged(load), tmp_path)

    data = json.loads(path.read_text())
    whole = compare.Latencies.decode(data["histogram"])
    assert whole.count == 401
    assert sum(compare.Latencies.decode(each).count for each in data["blocks"]) == 401
    assert [each["name"] for each in data["stages"]] == ["warm-up", "steady"]


def test_an_accepted_run_is_found_again_and_a_slower_one_told(tmp_path):
    before = measured(20)
    assert compare.accepted(before.request, tmp_path) is None
    path = compare.accept(before, tmp_path)
    kept = compare.accepted(before.request, tmp_path)

    assert path.name == "staging-gate.json"
    assert kept is not None
    assert compare.compared(kept, measured(40).run.samples).slower
    assert not compare.compared(kept, measured(20).run.samples).slower


def test_an_accepted_run_that_is_none_is_refused(tmp_path):
    (tmp_path / "staging-gate.json").write_text('{"blocks": ["no"]}')
    with pytest.raises(compare.CompareError, match=r"staging-gate\.json: not an accepted run"):
        compare.accepted(measured(1).request, tmp_path)


def test_one_client_proves_nothing_but_the_limiter():
    """Staging gives no addresses, and no header."""
    answers = {line.answer for line in judged(measured(20))}

    assert answers == {Answer.OPEN}
