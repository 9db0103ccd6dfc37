"""Measure each thing once a session, and slow things while others are looked at."""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Measurements:
    """What was measured in this session, by probe and arguments (which must be hashable).

    Threads are daemons, so that an interrupted run does not wait for them.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._at_once = at_once
        self._queue: dict[Hashable, Callable[[], None]] = {}
        self._workers = 0
        self._futures: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()
        self._ended: list[tuple[str, float, float]] = []

    @property
    def ended(self) -> tuple[tuple[str, float, float], ...]:
        """What ended: module and name of the probe, when it began (Unix time), seconds it took."""
        with self._lock:
            return tuple(self._ended)

    def start(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin a measurement at once, unless it was begun already."""
        future, begun = self._future(probe, args, kwargs)
        waited = self._take(_key(probe, args, kwargs))
        if not begun or waited:
            self._thread(
                waited or (lambda: self._run(future, probe, args, kwargs)), f"measure {probe}"
            )
        return future

    def queue(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin a measurement when fewer than `at_once` of the queue are under way.

        For what costs much: all of it at the same time would spoil what others measure. Whoever
        needs it before its turn begins it (`start`).
        """
        future, begun = self._future(probe, args, kwargs)
        if begun:
            return future
        with self._lock:
            key = _key(probe, args, kwargs)
            self._queue[key] = lambda: self._run(future, probe, args, kwargs)
            more = self._workers < self._at_once
            self._workers += more
        if more:
            self._thread(self._work, "measure what is queued")
        return future

    def begun(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether such a measurement was begun already."""
        with self._lock:
            return _key(probe, args, kwargs) in self._futures

    def result(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the probe returned, or raise what it raised, to each that asks."""
        return self.start(probe, *args, **kwargs).result()

    def here(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, but measured in this thread: an interrupt ends it there, and it can heal."""
        future, begun = self._future(probe, args, kwargs)
        waited = self._take(_key(probe, args, kwargs))
        if waited:
            waited()
        elif not begun:
            self._run(future, probe, args, kwargs)
        return future.result()

    def settle(self) -> None:
        """Return when nothing is being measured any more."""
        while True:
            with self._lock:
                pending = [future for future in self._futures.values() if not future.done()]
            if not pending:
                return
            wait(pending)

    def _work(self) -> None:
        """One after the other, until nothing is queued."""
        while True:
            with self._lock:
                if not self._queue:
                    self._workers -= 1
                    return
                run = self._queue.pop(next(iter(self._queue)))
            run()

    def _take(self, key: Hashable) -> Callable[[], None] | None:
        """A measurement off the queue; None where it is not in it."""
        with self._lock:
            return self._queue.pop(key, None)

    def _thread(self, run: Callable[[], None], name: str) -> None:
        threading.Thread(target=run, name=name, daemon=True).start()

    def _future(
        self, probe: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Future[T], bool]:
        """The future of a measurement, and whether it was begun already."""
        key = _key(probe, args, kwargs)
        with self._lock:
            future = self._futures.get(key)
            if future is not None:
                return future, True
            self._futures[key] = future = Future()
            return future, False

    def _run(
        self,
        future: Future[T],
        probe: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        began, clock = time.time(), time.monotonic()
        try:
            result = probe(*args, **kwargs)
        except BaseException as error:  # it belongs to whoever asks for the result
            self._note(probe, began, clock)
            future.set_exception(error)
        else:
            self._note(probe, began, clock)
            future.set_result(result)

    def _note(self, probe: Callable[..., object], began: float, clock: float) -> None:
        module = getattr(probe, "__module__", "").rpartition(".")[2]
        name = f"{module}: {getattr(probe, '__name__', probe)}"
        with self._lock:
            self._ended.append((name, began, time.monotonic() - clock))


def _key(
    probe: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Hashable, ...]:
    return probe, args, tuple(sorted(kwargs.items()))
