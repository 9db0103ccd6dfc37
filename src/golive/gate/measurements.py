"""Measure each thing once a session, and slow things while others are looked at."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Measurements:
    """What was measured in this session, by probe and arguments (which must be hashable).

    Threads are daemons, so that an interrupted run does not wait for them.
    """

    def __init__(self) -> None:
        self._futures: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def start(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Begin a measurement, unless it was begun already."""
        key = (probe, args, tuple(sorted(kwargs.items())))
        with self._lock:
            future = self._futures.get(key)
            if future is not None:
                return future
            self._futures[key] = future = Future()
        name = f"measure {getattr(probe, '__name__', probe)}"
        threading.Thread(
            target=_run, args=(future, probe, args, kwargs), name=name, daemon=True
        ).start()
        return future

    def begun(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether such a measurement was begun already."""
        with self._lock:
            return (probe, args, tuple(sorted(kwargs.items()))) in self._futures

    def result(self, probe: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the probe returned, or raise what it raised, to each that asks."""
        return self.start(probe, *args, **kwargs).result()


def _run(
    future: Future[T], probe: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    try:
        future.set_result(probe(*args, **kwargs))
    except BaseException as error:  # it belongs to whoever asks for the result
        future.set_exception(error)
