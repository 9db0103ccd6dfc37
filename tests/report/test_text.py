"""Words and numbers as every report writes them."""

import pytest

from golive.report.text import number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.000123456, "0.0001235"),
        (89.1234, "89.12"),
        (9999.4, "9999"),
        (10070.3, "10,070"),
        (1e9, "1,000,000,000"),
        (-12345.6, "-12,346"),
        (float("inf"), "inf"),
    ],
)
def test_a_number_is_short_and_has_no_exponent(value: float, shown: str) -> None:
    assert number(value) == shown
