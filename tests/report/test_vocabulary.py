"""The step vocabulary is made from the code, and every step is used by a feature."""

from pathlib import Path

from click.testing import CliRunner

from golive.cli import main
from golive.report.vocabulary import as_markdown, sentences

ROOT = Path(__file__).parents[2]


def test_every_step_has_an_example():
    found = sentences(ROOT / "features")
    assert {"tls", "headers", "rate_limits"} <= {each.subject for each in found}
    unused = [
        f"{each.subject}: {each.keyword} {each.pattern}" for each in found if not each.example
    ]
    assert unused == []


def test_sentences_are_readable():
    found = {each.pattern: each for each in sentences(ROOT / "features")}
    days = found["the certificate is valid for {days} more days at least"]
    assert (days.subject, days.keyword, days.argument) == ("certificate", "Then", "")
    assert days.example == "the certificate is valid for 14 more days at least"
    assert days.where == "11_security_audit/certificate.feature"
    assert found["the accepted protocol versions are exactly"].argument == "a table"
    assert not [pattern for pattern in found if "(?P" in pattern or "\\" in pattern]


def test_markdown_has_them_all():
    found = sentences(ROOT / "features")
    text = as_markdown(found)
    assert text.count("\n> ") == len(found)
    assert (ROOT / "docs" / "steps.md").read_text().startswith(text[:200])


def test_an_unused_step_is_told(tmp_path):
    found = sentences(tmp_path)
    assert found
    assert not any(each.example for each in found)
    assert "*No feature uses it.*" in as_markdown(found)


def test_the_verb():
    done = CliRunner().invoke(main, ["steps"])
    assert done.exit_code == 0
    assert "certificate: Then the certificate names the site\n" in done.output
