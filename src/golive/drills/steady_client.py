"""A client that asks all the time, and records each request: when, and what became of it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from golive.endpoint import Endpoint
from golive.outcome import Unproven
from golive.probes.http import Response, request

_EVERY_S = 0.025
_HEALTH = "/health"
_OK = 200
# Under the half second from which on an answer is slow to verify.sh.
_LONG_MS = 300
_LONG = f"/__replica/slow?ms={_LONG_MS}"  # of the replica's switches
_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Asked:
    """A request, begun at `at_s` and answered at `until_s` (of one monotonic clock).

    `version` is that of the release which answered, None where none did: then `lost` says why.
    `long` is one of those that take a while, of which one is always under way.
    """

    at_s: float
    until_s: float
    version: str | None
    lost: str | None
    long: bool = False


@dataclass(frozen=True)
class Reign:
    """A release that answered without a break, from its first answer to its last, in seconds."""

    version: str
    first_s: float
    last_s: float


@dataclass(frozen=True)
class Recording:
    """All that was asked while something was done, which began at 0 s."""

    requests: tuple[Asked, ...]

    @property
    def lost(self) -> tuple[Asked, ...]:
        """What was not answered, or with an error."""
        return tuple(each for each in self.requests if each.lost is not None)

    @property
    def reigns(self) -> tuple[Reign, ...]:
        """Which releases answered, one after the other."""
        answered = sorted(
            (each for each in self.requests if each.version is not None), key=lambda each: each.at_s
        )
        found = []
        for version, group in groupby(answered, key=lambda each: each.version):
            its = list(group)
            found.append(Reign(str(version), its[0].at_s, its[-1].until_s))
        return tuple(found)

    @property
    def shares(self) -> dict[str, int]:
        """How many requests each release has answered."""
        return dict(Counter(each.version for each in self.requests if each.version is not None))

    def summary(self) -> dict[str, object]:
        """For evidence: numbers, and the first that were lost."""
        return {
            "asked": len(self.requests),
            "lost": len(self.lost),
            "the first lost": [f"after {each.at_s:.2f} s: {each.lost}" for each in self.lost[:3]],
            "answered by": [
                f"{each.version} from {each.first_s:.2f} to {each.last_s:.2f} s"
                for each in self.reigns
            ],
        }


@dataclass
class Recorder:
    """A recording that goes on; `seen` is read once the block of `steady` has ended."""

    began: float = field(default_factory=time.monotonic)
    seen: list[Asked] = field(default_factory=list)

    def more(self, count: int) -> None:
        """Return when so many more requests have been answered, or lost."""
        until = len(self.seen) + count
        while len(self.seen) < until:
            time.sleep(_EVERY_S)

    def traffic(self) -> Recording:
        """All of it."""
        return Recording(tuple(sorted(self.seen, key=lambda each: each.at_s)))


@contextmanager
def steady(http: Endpoint, https: Endpoint | None = None) -> Iterator[Recorder]:
    """Ask for /health over `http`, on a new connection each time, 40 times a second.

    With `https`, requests that take 300 ms are asked one after the other too. What has begun at
    the end of the block is waited for.
    """
    recorder, over = Recorder(), threading.Event()

    def health() -> None:
        turn = recorder.began
        while not over.is_set():
            recorder.seen.append(_asked(recorder, http))
            turn = max(turn + _EVERY_S, time.monotonic() - _EVERY_S)
            over.wait(max(0.0, turn - time.monotonic()))

    def long(site: Endpoint) -> None:
        while not over.is_set():
            recorder.seen.append(_asked_long(recorder, site))

    threads = [threading.Thread(target=health, name="steady client", daemon=True)]
    if https is not None:
        threads.append(
            threading.Thread(target=long, args=(https,), name="steady client, long", daemon=True)
        )
    for each in threads:
        each.start()
    try:
        yield recorder
    finally:
        over.set()
        for each in threads:
            each.join()


def version_of(answer: Response) -> str | None:
    """The release that an answer of /health names; None where it names none."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        return None
    return str(said["version"]) if isinstance(said, dict) and "version" in said else None


def _asked(recorder: Recorder, http: Endpoint) -> Asked:
    at_s, version, lost = time.monotonic(), None, None
    try:
        answer = request(http, _HEALTH, scheme="http", timeout_s=_ANSWERS_WITHIN_S)
        version = version_of(answer)
        if answer.status != _OK or version is None:
            lost, version = f"status {answer.status}: {_text(answer.body)}", None
    except Unproven as error:
        lost = error.reason
    return Asked(at_s - recorder.began, time.monotonic() - recorder.began, version, lost)


def _asked_long(recorder: Recorder, https: Endpoint) -> Asked:
    at_s, lost = time.monotonic(), None
    try:
        answer = request(https, _LONG, timeout_s=_ANSWERS_WITHIN_S + _LONG_MS / 1000)
        lost = None if answer.status == _OK else f"status {answer.status}: {_text(answer.body)}"
    except Unproven as error:
        lost = error.reason
    until_s = time.monotonic() - recorder.began
    if lost is not None:
        time.sleep(_EVERY_S)  # what is refused at once must not spin
    return Asked(at_s - recorder.began, until_s, None, lost, long=True)


def _text(body: bytes) -> str:
    return body[:80].decode(errors="replace").strip()
