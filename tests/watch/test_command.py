"""The verb: what it says, its exit status, and the page that it writes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import html5lib
import pytest
from click.testing import CliRunner

from golive.cli import main
from golive.report.watch import render
from golive.watch.record import Before, Look, Record, Release, Verdict

BEGAN = datetime(2025, 4, 5, 12, tzinfo=UTC)
HOSTILE = '<script>alert("1")</script>\x1b[31m\u202e'


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--for", "a day"], "'a day' is not a duration"),
        (["--every", "0"], "must be more than 0"),
        (["--environment", "nowhere"], "nowhere.yaml: no such file"),
        (["--release", "v0.0.0-none"], "there is no release v0.0.0-none"),
        (["--release", "none.yaml"], "none.yaml"),
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--since", "2025-04-05T12:00"], "is no time"),
        (["--since", "2999-01-01T00:00Z"], "has not come yet"),
    ],
)
def test_bad_input_is_one_clear_message(tmp_path: Path, options: list[str], said: str):
    given = ["--environment", "production", *options, "--report-dir", str(tmp_path)]
    done = CliRunner().invoke(main, ["watch", *given])
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
    assert not list(tmp_path.iterdir())


def record(**fields: object) -> Record:
    looks = (
        Look(at=BEGAN + timedelta(minutes=1), error_rate=0.1, p95_s=0.05, covered=1),
        Look(at=BEGAN + timedelta(minutes=2), problem=HOSTILE, alerts=(HOSTILE,)),
    )
    given = {
        "environment": HOSTILE,
        "release": Release(tag=HOSTILE, commit="0" * 40),
        "released_at": BEGAN,
        "began": BEGAN,
        "ends": BEGAN + timedelta(hours=24),
        "every_s": 60,
        "before": Before(seconds=3600, error_rate=0.1, p95_s=0.1, alerts=()),
        "looks": looks,
        "verdict": Verdict.NO_GO,
        "reasons": (HOSTILE,),
    }
    return Record.model_validate(given | fields)


def test_the_page_is_valid_and_whatever_was_seen_stays_text():
    begin = BEGAN.timestamp() - 3600
    points = tuple((begin + 12.0 * step, step % 7) for step in range(300))
    with_a_gap = tuple(p for p in points if not 1000 < p[0] - begin < 2000)
    not_a_number = ((begin, float("nan")), (begin + 12, 1.0))
    page = render(record(), {"A": points, "B": with_a_gap, "C": None, "D": not_a_number})
    html5lib.HTMLParser(strict=True).parse(page)
    assert "<script" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("<svg") == 3
    assert page.count("<polyline") == 4
    assert "no curve" in page.lower()
    assert "http" not in page.replace("http-equiv", "")


def test_a_watch_that_has_only_begun_has_a_page():
    page = render(record(looks=(), verdict=None), {"A": None})
    html5lib.HTMLParser(strict=True).parse(page)
    assert "going on" in page
