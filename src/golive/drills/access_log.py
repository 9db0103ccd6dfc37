"""Which application server answers which request: what nginx writes, as it writes it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from golive.outcome import Unproven, Whose

_POLL_S = 0.02


class AccessLog:
    """The requests that nginx logs while this is open, with the time by `clock` of each."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._file, self._clock = file, clock
        self._at = 0
        self._answers: list[tuple[float, str]] = []
        self._wrong = ""
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "AccessLog":
        try:
            self._at = self._file.stat().st_size
        except OSError as error:
            raise Unproven(f"{self._file}: {error.strerror}", Whose.TARGET) from error
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._reader.join()

    def now(self) -> float:
        """The clock's time, once all is known that nginx had written when it was asked."""
        written = self._file.stat().st_size
        while self._at < written and self._reader.is_alive():
            time.sleep(_POLL_S / 4)
        return self._clock()

    def answered(self, begin_s: float, end_s: float) -> Counter[str]:
        """How many requests each address answered between these times. Raises Unproven."""
        return Counter(address for at_s, address in self._known() if begin_s <= at_s < end_s)

    def first(self, address: str, after_s: float) -> float | None:
        """When the address answered a request first after this time; None: not yet."""
        times = (at_s for at_s, each in self._known() if each == address and at_s > after_s)
        return next(times, None)

    def _known(self) -> list[tuple[float, str]]:
        if self._wrong:
            reason = f"{self._file}: not JSON lines that say which upstream answered"
            raise Unproven(f"{reason}: {self._wrong}", Whose.TARGET)
        return [*self._answers]

    def _follow(self) -> None:
        with self._file.open("rb") as file:
            file.seek(self._at)
            rest = b""
            while not self._closed.wait(_POLL_S):
                *lines, rest = (rest + file.read()).split(b"\n")
                for line in lines:
                    self._take(line)
                self._at = file.tell()

    def _take(self, line: bytes) -> None:
        try:
            upstream = json.loads(line)["upstream"]
        except (ValueError, KeyError, TypeError) as error:
            self._wrong = repr(error)
            return
        # Of several that were tried, in this order, the last one answered.
        last = upstream.replace(" : ", ", ").split(", ")[-1]
        if last != "-":
            self._answers.append((self._clock(), last.partition(":")[0]))
