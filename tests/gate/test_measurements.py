"""Each thing is measured once; what went wrong is told to each that asks."""

import threading

import pytest

from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose


def test_once_for_each_set_of_arguments():
    calls = []

    def probe(where: str, *, size: int = 1) -> str:
        calls.append((where, size))
        return where * size

    measurements = Measurements()
    assert measurements.result(probe, "a") == "a"
    assert measurements.result(probe, "a") == "a"
    assert measurements.result(probe, "a", size=2) == "aa"
    assert calls == [("a", 1), ("a", 2)]


def test_begun_ahead_it_runs_meanwhile():
    begun, go_on = threading.Event(), threading.Event()

    def probe() -> str:
        begun.set()
        assert go_on.wait(5)
        return "done"

    measurements = Measurements()
    measurements.start(probe)
    assert begun.wait(5)
    go_on.set()
    assert measurements.result(probe) == "done"


@pytest.mark.parametrize("error", [Unproven("nothing there", Whose.TARGET), KeyError("x")])
def test_each_that_asks_is_told_what_went_wrong(error):
    calls = []

    def probe() -> None:
        calls.append(1)
        raise error

    measurements = Measurements()
    for _ in range(2):
        with pytest.raises(type(error)):
            measurements.result(probe)
    assert calls == [1]


def test_here_it_is_measured_in_the_thread_that_asks():
    measurements = Measurements()

    assert measurements.here(threading.get_ident) == threading.get_ident()
    assert measurements.result(threading.get_ident) == threading.get_ident()


def test_an_interrupt_reaches_what_is_measured_here():
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Measurements().here(interrupted)


def test_all_that_was_begun_has_ended_once_it_settles():
    go_on, ended = threading.Event(), threading.Event()

    def probe() -> None:
        assert go_on.wait(5)
        ended.set()
        raise KeyError

    measurements = Measurements()
    measurements.settle()
    measurements.start(probe)
    go_on.set()
    measurements.settle()
    assert ended.is_set()


def test_of_what_is_queued_so_much_is_under_way():
    begun, go_on = threading.Semaphore(0), threading.Event()
    under_way, most = 0, 0
    lock = threading.Lock()

    def probe(number: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        begun.release()
        assert go_on.wait(5)
        with lock:
            under_way -= 1
        return number

    measurements = Measurements(at_once=2)
    futures = [measurements.queue(probe, number) for number in range(5)]
    assert begun.acquire(timeout=5)
    assert begun.acquire(timeout=5)
    go_on.set()
    assert [future.result(5) for future in futures] == [0, 1, 2, 3, 4]
    assert most == 2
    assert measurements.result(probe, 4) == 4


def test_what_is_needed_does_not_wait_for_its_turn():
    go_on = threading.Event()
    calls = []

    def first() -> None:
        assert go_on.wait(5)

    def second() -> str:
        calls.append(threading.get_ident())
        return "done"

    measurements = Measurements(at_once=1)
    measurements.queue(first)
    measurements.queue(second)
    assert measurements.result(second) == "done"
    assert measurements.here(second) == "done"
    go_on.set()
    measurements.settle()
    assert len(calls) == 1
