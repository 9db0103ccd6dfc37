"""The application's suites, run for real: good ones, ways of failing, and what is remembered."""

import shutil
from pathlib import Path

import pytest

from golive import cache
from golive.outcome import Unproven, Whose
from golive.probes.suites import Site, run
from golive.toolchain import npm

ROOT = Path(__file__).parents[2]
STACK_APP = ROOT / "environments/stack/app"
TEST = "require('node:test')('it holds', () => {});\n"


@pytest.fixture
def app(tmp_path, monkeypatch):
    """An application of one unit test, and an empty cache but for what is installed."""
    installed = cache.root()
    monkeypatch.setenv("GOLIVE_CACHE", str(tmp_path / "cache"))
    own = cache.root()
    (own / npm.node_entry()).symlink_to(installed / npm.node_entry())
    directory = tmp_path / "app"
    (directory / "test/unit").mkdir(parents=True)
    (directory / "test/unit/a.test.js").write_text(TEST)
    shutil.copy(STACK_APP / "test/junit.js", directory / "test")
    (directory / "package.json").write_text("{}")
    (directory / "package-lock.json").write_text("{}")
    (own / npm.entry_name("application", directory, npm.node_entry()) / "node_modules").mkdir(
        parents=True
    )
    return directory


def test_a_good_suite_is_run_once_for_its_sources(app):
    first = run(app, "unit")
    again = run(app, "unit")
    (app / "test/unit/b.test.js").write_text(TEST)
    changed = run(app, "unit")

    assert (first.ran, first.failed, first.skipped) == (1, (), ())
    assert again.began == first.began
    assert (changed.ran, changed.began > first.began) == (2, True)


def test_what_fails_is_told_and_not_remembered(app):
    (app / "test/unit/a.test.js").write_text(
        "const test = require('node:test');\n"
        "test('good', () => {});\n"
        "test('bad', () => { throw new Error('no & <no>'); });\n"
        "test('later', { skip: 'no time' }, () => {});\n"
    )
    first, again = run(app, "unit"), run(app, "unit")

    assert (first.ran, first.failed) == (2, ("unit/a.test.js: bad",))
    assert first.skipped == ("unit/a.test.js: later",)
    assert again.began > first.began


def test_a_file_that_breaks_has_failed_and_one_without_tests_is_none(app):
    (app / "test/unit/b.test.js").write_text("throw new Error('before any test');\n")
    (app / "test/unit/c.test.js").write_text("\n")
    report = run(app, "unit")

    assert report.ran == 2
    assert report.failed == (f"unit: {app}/test/unit/b.test.js",)


def test_a_suite_without_a_test_has_run_none(app):
    (app / "test/unit/a.test.js").write_text("\n")
    assert run(app, "unit").ran == 0


def test_against_a_site_it_is_run_each_time(app):
    (app / "test/unit/a.test.js").write_text(
        "require('node:test')(`${process.env.E2E_URL} ${process.env.E2E_ADDRESS}`, () => {});\n"
    )
    site = Site("https://x.example", "127.0.0.1", None, None)
    first, again = run(app, "unit", site), run(app, "unit", site)

    assert (first.target, first.ran) == ("https://x.example", 1)
    assert again.began > first.began


def test_a_report_says_which_commit_was_tested(app, monkeypatch):
    monkeypatch.setenv("COMMIT", "a" * 40)
    assert run(app, "unit").commit == "a" * 40


def test_a_missing_suite(app):
    with pytest.raises(Unproven, match="has no test/integration") as raised:
        run(app, "integration")
    assert raised.value.whose is Whose.TARGET


def test_a_runner_that_does_not_come_to_a_report(app):
    (app / "test/junit.js").write_text("throw new Error('no reporter');\n")
    with pytest.raises(Unproven, match="no report: "):
        run(app, "unit")


def test_nothing_installed(app):
    (cache.root() / npm.node_entry()).unlink()
    with pytest.raises(Unproven, match="is not installed") as raised:
        run(app, "unit")
    assert raised.value.whose is Whose.TOOL
