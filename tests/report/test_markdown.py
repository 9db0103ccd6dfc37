"""report.md: fits into a comment, and no text of the run becomes markup."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from golive.checklist import Due
from golive.outcome import Outcome
from golive.report.history import History
from golive.report.markdown import SIZE, render
from golive.report.text import printable
from golive.report.words import Language

from .reports import EXPECTATION, REPORT, hostile_report, report, scenario


def markdown(what=REPORT, history=None, language=Language.EN) -> str:
    return render(printable(what), history or History(), language)


def test_what_is_in_it():
    earlier = replace(
        REPORT,
        started=REPORT.started - timedelta(days=1),
        scenarios=tuple(replace(r, outcome=Outcome.PASSED) for r in REPORT.scenarios),
    )
    text = markdown(history=History((earlier,)))
    assert text.startswith("## ❌ NO-GO — Go-live checklist\n")
    assert (
        "| 11 | Audit de sécurité complété<br>Security audit complete | ❌ failed | 1 of 4 |"
        in text
    )
    assert "<summary>❌ <b>Only TLS 1.2 and TLS 1.3 are accepted · NGX-10</b></summary>" in text
    assert "**Expected**\n```text\nexactly TLSv1.2, TLSv1.3\n```" in text
    assert "openssl s_client -tls1_1 </dev/null" in text
    assert "(advisory: does not count)" in text
    assert "- **replica, staging**: NGX-37" in text
    assert "- **APP-02**: a laptop (holds here: the deviation is not needed)" in text
    assert "Turned red (2)" in text
    assert "was passed, 2025-04-04 12:30 UTC" in text


def test_in_french():
    text = markdown(language=Language.FR)
    assert "| 11 | Audit de sécurité complété | ❌ échoué | 1 sur 4 |" in text
    assert "**Attendu**" in text


def test_hostile_text_is_no_markup():
    text = markdown(hostile_report())
    assert len(text.encode()) <= SIZE
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"<[^>]*>", outside)) <= {
        "<details>", "</details>", "<summary>", "</summary>", "<b>", "</b>", "<br>",
    }  # fmt: skip
    assert not re.search(r"@\w", outside)
    assert "](" not in outside
    assert "`" not in outside
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {5}
    assert outside.count("<details>") == outside.count("</details>")


@pytest.mark.parametrize("number", [20, 900])
def test_it_is_never_too_long(number):
    results = [scenario(f"s{n}", Outcome.FAILED, "y" * 9000 + EXPECTATION) for n in range(number)]
    text = markdown(report(*results, due=tuple(Due(f"X-{n}", "staging") for n in range(number))))
    assert len(text.encode()) <= SIZE
    if number == 900:
        assert "more in report.html and report.json" in text


def test_scenarios_that_one_reason_keeps_back_are_told_together():
    text = markdown(report(*(scenario(f"s{n}", Outcome.UNPROVEN, "no network") for n in range(9))))
    assert text.count("no network") == 1
    assert "s8" in text
