"""A watch, with time passing quickly: on a real Prometheus, of an application that goes wrong."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from golive.endpoint import Endpoint
from golive.watch import indicators, page
from golive.watch.begin import Plan
from golive.watch.files import RecordError, file_of, read
from golive.watch.indicators import Watched
from golive.watch.record import Limits, Record, Release, Verdict
from golive.watch.run import run as run_in_full

from .application import Application, until, watched_application
from .server import HOME, Server, running

RELEASE = Release(tag="v1.2.0", commit="0" * 40)
PLAN = Plan(RELEASE, for_s=2, every_s=0.5, before_s=1, limits=Limits())
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


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def inside(target: Watched, machine: Server) -> Watched:
    """The same, where one may look into the server."""
    return replace(target, servers=(machine.machine,), pm2_home=HOME)


class Lines(list[str]):
    """What a watch says of its looks; at the line of this number something happens."""

    def __init__(self, then: Callable[[], object] = lambda: None, at: int = 1) -> None:
        self._then, self._at = then, at

    def __call__(self, line: str) -> None:
        self.append(line)
        if len(self) == self._at:
            self._then()


def run(
    target: Watched, name: str, plan: Plan, path: Path, lines: Lines, said: list[str] | None = None
) -> tuple[Record, Verdict]:
    say = (lambda _: None) if said is None else said.append
    return run_in_full(target, name, plan, path, say, lines)


def interrupted(target: Watched, plan: Plan, path: Path) -> Record:
    """A watch that ended after its first look, before the second was written; its record."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(target, "test", plan, path, Lines(interrupt, at=2))
    found = read(path)
    assert found is not None
    return found


NOT_SEEN = "no server can be looked into"


def test_a_quiet_time_ends_without_a_breach(target: Watched, file: Path):
    said = Lines()
    record, verdict = run(target, "test", PLAN, file, said)
    # Nobody can look into servers here: that much is not known.
    assert verdict is Verdict.INCOMPLETE
    assert all(reason.endswith(NOT_SEEN) for reason in record.reasons)
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
    assert "at most 0.50 %, by 2 times what was usual in the 1 s before" in record.reasons[0]


def test_as_many_errors_as_before_do_not(target: Watched, application: Application, file: Path):
    application.bad = 0.7
    # Errors are scraped in steps: the highest of what is usual then.
    until(
        target.prometheus,
        'min_over_time(sum(rate(http_requests_total{status="500"}[1s]))[2s:100ms]) > 0.6',
    )
    record, verdict = run(target, "test", PLAN, file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert record.looks[-1].error_rate == pytest.approx(0.7, abs=0.2)


def test_more_errors_than_alerts_warn_of_end_it_as_usual_as_they_are(
    target: Watched, application: Application, file: Path
):
    application.bad = 10.0
    until(target.prometheus, 'sum(rate(http_requests_total{status="500"}[1s])) > 9')
    record, verdict = run(target, "test", LONG, file, Lines())
    assert verdict is Verdict.NO_GO
    assert "at most 1.00 %" in record.reasons[0]


def test_what_a_moment_had_is_not_what_was_usual(
    target: Watched, application: Application, monkeypatch: pytest.MonkeyPatch
):
    application.bad = 50.0
    until(target.prometheus, 'sum(rate(http_requests_total{status="500"}[1s])) > 40')
    application.bad = 0.0
    until(target.prometheus, 'sum(rate(http_requests_total{status="500"}[1s])) == 0')
    monkeypatch.setattr(indicators, "USUAL", 0.3)  # in place of 0.99, for seconds and not hours
    before = target.before(datetime.now(UTC), 4)
    assert before.error_rate == 0
    assert before.requests_s == pytest.approx(100, abs=20)


def test_traffic_that_is_gone_ends_it(target: Watched, application: Application, file: Path):
    said = Lines(lambda: setattr(application, "good", 0.0))
    record, verdict = run(target, "test", LONG, file, said)
    assert verdict is Verdict.NO_GO
    assert "requests a second" in record.reasons[0]


def test_slower_answers_end_it(target: Watched, application: Application, file: Path):
    said = Lines(lambda: setattr(application, "slow", 0.5))
    record, verdict = run(target, "test", LONG, file, said)
    assert verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("95 % of answers within ")


def test_all_seen_and_all_well_is_go(inside: Watched, file: Path):
    record, verdict = run(inside, "test", PLAN, file, Lines())
    assert (verdict, record.reasons) == (Verdict.GO, ())
    assert [each.restarts for each in record.looks] == [0] * 4
    assert [each.error_lines for each in record.looks] == [0] * 4


def test_a_worker_that_was_started_again_ends_it(inside: Watched, machine: Server, file: Path):
    record, verdict = run(inside, "test", LONG, file, Lines(machine.crash))
    assert verdict is Verdict.NO_GO
    assert record.reasons == ("workers were started again 1 times; allowed: 0",)


def test_lines_in_the_error_log_end_it(inside: Watched, machine: Server, file: Path):
    class Writes(Lines):
        def __call__(self, text: str) -> None:
            super().__call__(text)
            machine.write("    at f (/a.js:1:2)", '{"time":"2025-04-05T12:00:00"}', '{"time":"x"}')

    record, verdict = run(inside, "test", LONG, file, Writes())
    assert verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("3 lines in the error logs since the last look")


def test_servers_that_cannot_be_seen_at_first_are_no_go(inside: Watched, file: Path):
    blind = replace(inside, pm2_home="/nowhere")
    found = interrupted(blind, PLAN, file)
    assert found.counted_from is None
    record, verdict = run(inside, "test", PLAN, file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert any("how often workers had been started" in reason for reason in record.reasons)
    assert record.looks[-1].restarts == 0


def test_restarts_and_log_lines_of_a_gap_are_found(inside: Watched, machine: Server, file: Path):
    plan = replace(PLAN, limits=Limits(restarts=5))
    found = interrupted(inside, plan, file)
    machine.write(*["plain"] * 3)
    machine.crash()
    wait_until_ended(found)
    record, verdict = run(inside, "test", plan, file, Lines())
    assert record.restarted == 1
    assert sum(each.error_lines or 0 for each in record.looks) == 3
    assert (verdict, record.reasons) == (Verdict.GO, ())


def wait_until_ended(record: Record) -> None:
    """Until the end of a watch has come, which nobody looks at."""
    time.sleep(max(0.0, (record.ends - datetime.now(UTC)).total_seconds()))


def test_an_interrupted_watch_goes_on_where_it_was(target: Watched, file: Path):
    before = interrupted(target, PLAN, file)
    assert (before.verdict, len(before.looks)) == (None, 1)
    said: list[str] = []
    record, _ = run(target, "test", replace(PLAN, every_s=9), file, Lines(), said)
    assert said[0].startswith("going on with the watch of v1.2.0 (000000000000) that began at ")
    assert (record.began, record.ends) == (before.began, before.ends)
    assert record.looks[0] == before.looks[0]


def test_a_gap_is_stepped_through(target: Watched, file: Path):
    wait_until_ended(interrupted(target, PLAN, file))
    record, _ = run(target, "test", PLAN, file, Lines())
    apart = [b.at - a.at for a, b in zip(record.looks, record.looks[1:], strict=False)]
    assert [each.total_seconds() for each in apart] == [0.5] * 3
    assert record.watched_until == record.ends
    assert all(each.error_rate == 0 for each in record.looks)


def test_an_alert_while_nobody_watched_is_found(
    target: Watched, application: Application, file: Path
):
    interrupted(target, LONG, file)
    application.boom = 1
    until(target.prometheus, 'ALERTS{alertname="Boom",alertstate="firing"}')
    application.boom = 0
    until(target.prometheus, 'absent(ALERTS{alertname="Boom",alertstate="firing"})')
    _, verdict = run(target, "test", LONG, file, Lines())
    assert verdict is Verdict.NO_GO


ERRORS = 'min_over_time(sum(rate(http_requests_total{status="500"}[1s]))[1500ms:100ms]) > 9'


def test_errors_while_nobody_watched_are_found(
    target: Watched, application: Application, file: Path
):
    interrupted(target, LONG, file)
    application.bad = 10.0
    until(target.prometheus, ERRORS)
    application.bad = 0.0
    until(target.prometheus, WELL)
    record, verdict = run(target, "test", LONG, file, Lines())
    assert verdict is Verdict.NO_GO
    assert record.reasons[0].startswith("error rate ")


def test_a_bad_release_is_not_its_own_measure(
    target: Watched, application: Application, file: Path
):
    released = datetime.now(UTC)
    application.slow = 1.0
    until(
        target.prometheus,
        "min_over_time((histogram_quantile(0.95, sum by (le) "
        "(rate(http_request_duration_seconds_bucket[1s]))))[1500ms:100ms]) > 0.3",
    )
    plan = replace(LONG, since=released, limits=Limits(times=100))
    record, verdict = run(target, "test", plan, file, Lines())
    assert verdict is Verdict.NO_GO
    assert (record.released_at, record.began) == (released, released)
    assert record.before.p95_s is not None
    assert record.before.p95_s < 0.1
    assert record.watched_until <= datetime.now(UTC)


def test_the_watch_of_another_release_is_put_aside(target: Watched, file: Path):
    old = interrupted(target, LONG, file)
    said: list[str] = []
    moved = replace(PLAN, release=Release(tag="v1.2.0", commit="1" * 40))
    record, _ = run(target, "test", moved, file, Lines(), said)
    assert record.release == moved.release
    assert record.began > old.began
    assert said[0].startswith("the watch of v1.2.0 (000000000000) had not ended; it is ")
    (aside,) = file.parent.glob("watch-test-v1.2.0-*.json")
    assert read(aside) == old
    assert aside.with_suffix(".html").exists()
    assert str(aside) in said[0]


def test_a_release_that_is_watched_again_is_compared_with_what_was_before_it(
    target: Watched, file: Path
):
    first, _ = run(target, "test", PLAN, file, Lines())
    again, _ = run(target, "test", PLAN, file, Lines())
    assert again.released_at == first.released_at
    assert again.began >= first.ends
    assert len(list(file.parent.glob("watch-test-*.json"))) == 1


def test_two_watches_of_one_record_do_not_interleave(target: Watched, file: Path):
    def second() -> None:
        with pytest.raises(RecordError, match="another watch writes it"):
            run(target, "test", PLAN, file, Lines())

    record, _ = run(target, "test", PLAN, file, Lines(second))
    assert len(record.looks) == 4


def test_a_watch_that_goes_on_has_a_page(target: Watched, file: Path):
    interrupted(target, LONG, file)
    text = file.with_suffix(".html").read_text()
    assert "going on" in text
    assert text.count("<svg") == 3


def test_a_prometheus_that_is_gone_is_never_go(target: Watched, file: Path):
    gone = replace(target, prometheus=Endpoint("127.0.0.1", 1, "localhost"))
    interrupted(target, PLAN, file)
    record, verdict = run(gone, "test", PLAN, file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert "cannot connect" in record.reasons[0]
    # What was seen while it was there still has its curves.
    assert page.write(record, file, gone).read_text().count("<svg") == 3


def test_where_nobody_asks_for_anything_nothing_is_proven(
    target: Watched, application: Application, file: Path
):
    application.good = 0
    until(target.prometheus, "max_over_time(sum(rate(http_requests_total[1s]))[2s:100ms]) == 0")
    record, verdict = run(target, "test", replace(PLAN, before_s=0), file, Lines())
    assert verdict is Verdict.INCOMPLETE
    assert "4 of 4 looks are without an error rate: nobody asked the API for anything" in (
        record.reasons
    )


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
