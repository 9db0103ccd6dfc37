"""A reason is taken apart, and nothing of it is lost."""

import pytest

from golive.report.reason import Reason, parse
from golive.steps.expectation import require

AT = "\nat features/a.feature:9 (Then (it) holds: x)"


def said(**parts: str) -> str:
    with pytest.raises(AssertionError) as raised:
        require(False, **parts)
    return str(raised.value)


def test_what_a_step_says():
    text = said(expected="a", actual="b\n   where: c", where="d\ne", look="f\n  g")
    assert parse(text + AT) == Reason(
        said="", expected="a", actual="b", where="c\n   where: d\ne", look="f\n  g",
        file="features/a.feature", line=9, step="Then (it) holds: x",
    )  # fmt: skip
    assert parse(text).file is None


@pytest.mark.parametrize(
    "text",
    ["", "nothing listens (fault of: target)", "expected: a", "note\nexpected: a\n  actual: b",
     "x" + "\n  actual: \n   where: " * 5000],
)  # fmt: skip
def test_other_reasons_stay_whole(text):
    assert parse(text) == Reason(said=text)
    assert parse(text + AT).said == text
    assert parse(text + AT).line == 9
