"""Which client a scenario is to the deployment: addresses of its own, or a pace they all keep."""

import threading
import time
from ipaddress import IPv4Network

from golive.outcome import Unproven, Whose

FRESH_PER_SECOND = 64


def start_now() -> int:
    """Where the addresses of a run that begins now start.

    Servers remember a client for minutes (a full bucket of 5 requests a minute empties in two),
    so a run must not meet the addresses of an earlier one. It does not, as long as no run takes
    more than FRESH_PER_SECOND addresses a second: then the clock keeps runs apart until the
    network has gone round (8 minutes in a /17).
    """
    return int(time.time() * FRESH_PER_SECOND)


class Clients:
    """Hands out source addresses, no address twice; safe between threads.

    Of several workers that share `start`, each takes every `workers`th address.
    """

    def __init__(
        self, network: IPv4Network | None, start: int, worker: int = 0, workers: int = 1
    ) -> None:
        self._network = network
        self._start = start
        self._next = worker
        self._step = workers
        self._named: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def new(self) -> str | None:
        """An address that nobody was given yet; None where the environment has no network.

        Raises Unproven when all are used.
        """
        with self._lock:
            return self._take()

    def named(self, purpose: str) -> str | None:
        """The address for a purpose, the same one each time: for a measurement begun ahead."""
        with self._lock:
            if purpose not in self._named:
                self._named[purpose] = self._take()
            return self._named[purpose]

    def _take(self) -> str | None:
        if self._network is None:
            return None
        size = self._network.num_addresses - 2  # neither the network's own nor its broadcast
        if self._next >= size:
            raise Unproven(f"all {size} client addresses of {self._network} are used", Whose.OURS)
        index = (self._start + self._next) % size
        self._next += self._step
        return str(self._network[1 + index])


class Pace:
    """Keeps requests under `rate` a second; None does not hold them back."""

    def __init__(self, rate: float | None) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._free = time.monotonic()

    def wait(self) -> None:
        """Return when the next request may be made."""
        now = time.monotonic()
        begin = max(now, self._free)
        self._free = begin + self._interval
        if begin > now:
            time.sleep(begin - now)
