"""Locust against real servers: every request is counted once, and late ones are seen to be late."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import psutil
import pytest

from golive.load import judgement
from golive.load.confidence import Answer
from golive.load.plan import VARIABLE, Stage
from golive.load.run import Fleet, run, serve
from golive.load.samples import Samples
from golive.outcome import Unproven, Whose

from .sites import Site, site

LIMIT_MS = 500


@pytest.fixture
def good(tmp_path):
    with site(tmp_path) as made:
        yield made


def test_every_request_is_counted_once_and_comes_from_an_address_of_its_own(good: Site):
    done = run(good.plan(Stage("steady", 3, rate=40), people=4))

    assert done.ended == "done"
    assert done.samples.trouble == []
    assert done.samples.count() == good.requests == good.statuses[200] > 60
    assert done.samples.errors().total() == 0
    assert len(good.clients) == 4
    judgement.check_instrument(done, None)


def test_who_has_made_a_visit_leaves_and_somebody_else_comes(good: Site):
    done = run(good.plan(Stage("steady", 3, rate=40), people=2, visit=10))

    assert done.samples.trouble == []
    assert len(good.clients) > 6
    assert max(good.clients.values()) <= 10


def test_processes_add_up_exactly(good: Site):
    done = run(good.plan(Stage("steady", 4, rate=60), workers=2), fleet=Fleet(2))

    assert done.ended == "done"
    assert len({each.worker for each in done.samples.own}) == 2
    assert done.samples.count() == good.requests > 150
    assert done.samples.latencies().count == good.requests


def test_generators_elsewhere_take_their_share_from_the_master(good: Site):
    """As on several machines: each worker has a plan of its own, and is told how much, and when."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = good.plan(Stage("other", 60, rate=1000), people=40, workers=1)
    told = good.plan(Stage("steady", 4, rate=60), workers=2)
    with ThreadPoolExecutor(2) as threads:
        workers = [threads.submit(serve, own, "127.0.0.1", port) for _ in range(2)]
        done = run(told, fleet=Fleet(2, ("127.0.0.1", port)))
        statuses = [each.result(timeout=30) for each in workers]

    assert done.ended == "done"
    assert done.samples.trouble == []
    assert len({each.worker for each in done.samples.own}) == 2
    assert done.samples.count() == good.requests
    judgement.check_instrument(done, None)  # about 240 were asked for
    assert len(good.clients) == 4
    assert statuses == [0, 0]


def test_a_stalled_server_is_hidden_by_closed_users_and_not_by_us(good: Site, capsys):
    """For 2 of 8 seconds nothing is answered: closed users ask nothing meanwhile."""

    def stalling(stalls: list[float], samples: Samples) -> bool:
        if stalls and samples.elapsed_s > stalls[0]:
            good.stall(0, 1)
            stalls.pop(0)
        return False

    open_ = run(good.plan(Stage("steady", 8, rate=60)), partial(stalling, [2.0, 5.0])).samples
    hammering = Stage("steady", 8, users=4, think=False)
    closed = run(good.plan(hammering), partial(stalling, [2.0, 5.0])).samples

    ours = open_.latencies().percentile_ms(95)
    theirs = closed.latencies().percentile_ms(95)
    assert ours is not None
    assert theirs is not None
    with capsys.disabled():
        sys.stdout.write(
            f"\n  a server that stalls 2 s of 8: p95 {ours:.0f} ms from when requests were due, "
            f"{theirs:.0f} ms as closed users see it\n"
        )
    assert ours > LIMIT_MS > theirs
    assert judgement.response(open_, 95, LIMIT_MS, None, 0.05).answer is Answer.ABOVE
    assert judgement.response(closed, 95, LIMIT_MS, None, 0.05).answer is Answer.BELOW


def test_errors_are_counted_by_kind(tmp_path):
    with site(tmp_path, failing=1) as bad:
        done = run(bad.plan(Stage("steady", 3, rate=40)))
        kinds = done.samples.errors()

        assert kinds["HTTP 500"] == bad.statuses[500] == kinds.total() > 20
        assert judgement.errors(done.samples, 1, 0.05).answer is Answer.ABOVE


def test_nobody_there_is_not_fast(good: Site):
    good.close()
    samples = run(good.plan(Stage("steady", 2, rate=40))).samples
    slow, total = samples.slow(LIMIT_MS)

    assert samples.errors()["connection refused"] == samples.count() > 40
    assert slow == total


def test_what_abusive_clients_do_is_counted_apart(good: Site):
    samples = run(good.plan(Stage("steady", 2, rate=30, abuse=20))).samples

    assert samples.abusive()["served"] > 20
    assert samples.count() + samples.abusive().total() == good.requests


def test_a_generator_that_fails_of_itself_proves_nothing(good: Site):
    plan = replace(good.plan(Stage("steady", 60, rate=30)), roots="/nowhere/root.pem")

    with pytest.raises(Unproven, match="FileNotFoundError") as raised:
        judgement.check_instrument(run(plan), None)

    assert raised.value.whose is Whose.OURS


def test_a_generator_that_does_not_start_is_quoted(good: Site):
    options = Fleet(2, ("203.0.113.1", 5557))  # an address that is not ours
    with pytest.raises(Unproven, match="ended with status") as raised:
        run(good.plan(Stage("steady", 60, rate=30)), fleet=options)

    assert raised.value.whose is Whose.OURS


def test_interrupted_it_ends_within_a_second_and_keeps_what_came(good: Site):
    def interrupt(samples: Samples) -> bool:
        if samples.count() > 50:
            at.append(time.monotonic())
            raise KeyboardInterrupt
        return False

    at: list[float] = []
    done = run(good.plan(Stage("steady", 60, rate=60)), interrupt)
    took = time.monotonic() - at[0]

    assert done.ended == "interrupted"
    assert done.samples.count() > 50
    assert took < 5  # a second, and what a busy machine adds
    with pytest.raises(Unproven, match="interrupted"):
        judgement.check_instrument(done, None)


def test_it_may_be_ended_early_by_who_watches(good: Site):
    done = run(good.plan(Stage("steady", 60, rate=60)), lambda samples: samples.count() > 50)

    assert done.ended == "stopped"
    judgement.check_instrument(done, None)


def test_it_ends_with_whoever_started_it(good: Site):
    plan = good.plan(Stage("steady", 60, rate=20), workers=2)
    script = (
        "from golive.load.plan import Plan; from golive.load.run import Fleet, run; import sys\n"
        "run(Plan.of_process(), lambda s: print(s.count(), flush=True), Fleet(2))"
    )
    environment = {**os.environ, VARIABLE: plan.to_json()}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout
        while int(parent.stdout.readline() or b"1") == 0:
            pass
        generators = psutil.Process(parent.pid).children(recursive=True)
        parent.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(generators, timeout=20)

    assert len(gone) >= 3  # a master and two
    assert alive == []
