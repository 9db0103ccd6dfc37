"""A watch, with time passing quickly: on a real Prometheus, of an application that goes wrong."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.watch.indicators import Watched
from golive.watch.judge import Limits
from golive.watch.record import RecordError, Verdict, file_of, read
from golive.watch.run import Plan, run

from .application import Application, until, watched_application

PLAN = Plan(for_s=2, every_s=0.5, before_s=1, limits=Limits())
WELL = """
    max_over_time((sum(rate(http_requests_total{status="500"}[1s])))[2s:100ms]) == 0
    and on () min_over_time((sum(rate(http_requests_total[1s])))[2s:100ms]) > 50
    and on () max_over_time((histogram_quantile(0.95,
        sum by (le) (rate(http_request_duration_seconds_bucket[1s]))))[2s:100ms]) < 0.1
    and on () absent(ALERTS{alertname="Boom",alertstate="firing"})
"""
LONG = replace(PLAN, for_s=600)


@pytest.fixture(scope="module")
def up() -> Iterator[tuple[Application, Endpoint]]:
    """One for all tests: a Prometheus scrapes nothing in its first five seconds."""
    with watched_application() as both:
        yield both


@pytest.fixture(autouse=True)
def application(up: tuple[Application, Endpoint]) -> Application:
    """The application, when all has been well for two seconds."""
    application, prometheus = up
    application.good, application.bad, application.slow, application.boom = 100.0, 0.0, 0.0, 0
    until(prometheus, WELL)
    return application


@pytest.fixture
def target(up: tuple[Application, Endpoint]) -> Watched:
    return Watched(up[1], scrape_s=0.25, servers=(), pm2_home=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return file_of(tmp_path, "test")


class Lines(list[str]):
    """What a watch says; at the first line something happens."""

    def __init__(self, then=lambda: None) -> None:
        self._then = then

    def __call__(self, line: str) -> None:
        self.append(line)
        if len(self) == 1:
            self._then()


def test_a_quiet_time_ends_without_a_breach(target: Watched, file: Path):
    said = Lines()
    record, verdict = run(target, "test", PLAN, file, said)
    # Nobody can look into servers here: that much is not known.
    assert verdict is Verdict.INCOMPLETE
    assert record.reasons == ("restarts and logs were not seen: no server can be looked into",)
    assert all(each.covered > 0.5 and each.error_rate == 0 for each in record.looks)
    assert record.watched_until >= record.ends
    assert "errors 0.00 %" in said[-1]
    assert read(file) == record


def test_an_alert_ends_it_at_once(target: Watched, application: Application, file: Path):
    said = Lines(lambda: setattr(application, "boom", 1))
    record, verdict = run(target, "test", LONG, file, said)
    assert verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("an alert fires: Boom (critical) 127.0.0.1:")
    assert record.watched_until < record.ends


def test_an_alert_that_fired_before_is_none_of_the_release(
    target: Watched, application: Application, file: Path
):
    application.boom = 1
    until(target.prometheus, 'ALERTS{alertname="Boom",alertstate="firing"}')
    record, verdict = run(target, "test", PLAN, file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert record.looks[-1].alerts == record.before.alerts != ()


def test_more_errors_than_before_end_it(target: Watched, application: Application, file: Path):
    said = Lines(lambda: setattr(application, "bad", 10.0))
    record, verdict = run(target, "test", LONG, file, said)
    assert verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("error rate ")
    assert "at most 0.50 %, 2 times the highest of the 1 s before" in record.reasons[0]


def test_as_many_errors_as_before_do_not(target: Watched, application: Application, file: Path):
    application.bad = 10.0
    until(target.prometheus, 'sum(rate(http_requests_total{status="500"}[1s])) > 9')
    record, verdict = run(target, "test", PLAN, file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert record.looks[-1].error_rate == pytest.approx(9.1, abs=2)


def test_slower_answers_end_it(target: Watched, application: Application, file: Path):
    said = Lines(lambda: setattr(application, "slow", 0.5))
    record, verdict = run(target, "test", LONG, file, said)
    assert verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("95 % of answers within ")


def test_an_interrupted_watch_goes_on_where_it_was(target: Watched, file: Path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(target, "test", PLAN, file, Lines(interrupt))
    before = read(file)
    assert before is not None
    assert (before.verdict, len(before.looks)) == (None, 1)
    said = Lines()
    record, _ = run(target, "test", PLAN, file, said)
    assert said[0].startswith("going on with the watch that began at ")
    assert (record.began, record.ends) == (before.began, before.ends)
    assert record.looks[0] == before.looks[0]


def test_what_happened_while_nobody_watched_is_found(
    target: Watched, application: Application, file: Path
):
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(target, "test", LONG, file, Lines(interrupt))
    application.boom = 1
    until(target.prometheus, 'ALERTS{alertname="Boom",alertstate="firing"}')
    application.boom = 0
    until(target.prometheus, 'absent(ALERTS{alertname="Boom",alertstate="firing"})')
    _, verdict = run(target, "test", LONG, file, Lines())
    assert verdict is Verdict.NO_GO


def test_a_prometheus_that_is_gone_is_never_go(target: Watched, file: Path):
    gone = replace(target, prometheus=Endpoint("127.0.0.1", 1, "localhost"))

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(target, "test", PLAN, file, Lines(interrupt))
    record, verdict = run(gone, "test", PLAN, file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert "cannot connect" in record.reasons[0]


def test_where_nobody_asks_for_anything_nothing_is_proven(
    target: Watched, application: Application, file: Path
):
    application.good = 0
    until(target.prometheus, "max_over_time(sum(rate(http_requests_total[1s]))[2s:100ms]) == 0")
    record, verdict = run(target, "test", replace(PLAN, before_s=0), file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert "nobody asked the API for anything" in record.reasons


@pytest.mark.parametrize("text", ["", "{}", '{"environment": 1', "[]"])
def test_a_file_that_is_no_record_is_left_as_it_is(target: Watched, file: Path, text: str):
    file.write_text(text)
    with pytest.raises(RecordError, match="move it away"):
        run(target, "test", PLAN, file, Lines())
    assert file.read_text() == text


def test_the_record_of_another_environment_is_left_as_it_is(target: Watched, file: Path):
    run(target, "test", replace(PLAN, for_s=0.5), file, Lines())
    before = file.read_text()
    with pytest.raises(RecordError, match="is the record of test"):
        run(target, "other", PLAN, file, Lines())
    assert file.read_text() == before
