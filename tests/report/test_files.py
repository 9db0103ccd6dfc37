"""All reports of a run are written, and made again; none can hide an error or the verdict."""

import io

import pytest
from click.testing import CliRunner
from rich.console import Console

from golive.cli import main
from golive.report import files, html, json
from golive.report.history import DIRECTORY
from golive.report.text import cut, printable, visible

from .reports import HOSTILE, REPORT, hostile_report


def publish(report, directory) -> str:
    console = Console(file=io.StringIO(), width=100)
    json.write(report, directory)
    files.publish(report, directory, console)
    return console.file.getvalue()


def test_the_gate_writes_them_all(tmp_path):
    text = publish(REPORT, tmp_path)
    expected = {"report.json", DIRECTORY, *files.NAMES.values()}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert all(name in text for name in files.NAMES.values())
    assert len(list((tmp_path / DIRECTORY).iterdir())) == 1


def test_a_renderer_that_fails_is_told_and_the_others_go_on(tmp_path, monkeypatch):
    publish(REPORT, tmp_path)

    def broken(*_: object) -> str:
        raise ValueError("a defect")

    monkeypatch.setattr(html, "render", broken)
    text = publish(REPORT, tmp_path)
    assert "report.html: cannot be written: ValueError: a defect" in text.replace("\n", "")
    assert "NO-GO" in text
    assert not (tmp_path / "report.html").exists()  # the old one is not this run's
    assert (tmp_path / "junit.xml").exists()


def test_a_history_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / DIRECTORY).write_text("a file")
    assert "cannot be put into history" in publish(REPORT, tmp_path).replace("\n", "")


def test_hostile_text_is_written_everywhere_and_does_nothing_in_a_terminal(tmp_path):
    text = publish(hostile_report(), tmp_path)
    assert "cannot be written" not in text
    assert "\x1b" not in text
    assert r"\x1b[31m" in text
    for name in files.NAMES.values():
        assert not set((tmp_path / name).read_text()) & set("\x00\x07\x1b\u202e\ufffe")


def golive_report(*arguments: object):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_reports_are_made_again_whatever_the_verdict(tmp_path):
    json.write(REPORT, tmp_path)
    done = golive_report(tmp_path, "--language", "fr")
    assert done.exit_code == 0
    assert " NO-GO " in done.output
    assert 'lang="fr"' in (tmp_path / "report.html").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", *files.NAMES.values()}


def test_only_some_are_made_again(tmp_path):
    json.write(REPORT, tmp_path)
    assert golive_report(tmp_path, "--format", "sarif,svg").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.json", "report.sarif", "verdict.svg",
    }  # fmt: skip
    picture = (tmp_path / "verdict.svg").read_text()
    assert len(picture) < 60_000
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [(["/nowhere"], 2, "cannot be read"), ([".", "--format", "pdf"], 2, "pdf: there are html")],
)
def test_what_cannot_be_made_again(arguments, status, message):
    done = golive_report(*arguments)
    assert done.exit_code == status
    assert message in done.output


def test_a_report_that_cannot_be_written_is_an_error(tmp_path):
    json.write(REPORT, tmp_path)
    (tmp_path / "report.html").mkdir()
    assert golive_report(tmp_path).exit_code == 1


def test_visible():
    assert visible("a\tb\r\nc\r\x1b[0m\u202e\ud800\x9b") == "a\tb\nc\\r\\x1b[0m\\u202e\\ud800\\x9b"
    assert visible("été 🚲 \U0001f1eb") == "été 🚲 \U0001f1eb"
    assert visible(visible(HOSTILE)) == visible(HOSTILE)


def test_printable_changes_nothing_else():
    assert printable(REPORT) == REPORT


def test_cut():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… [1 more characters in report.json]"
    assert cut("abe\u0301f", 3).startswith("ab…")
