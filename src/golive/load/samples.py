"""All samples of a run, from every generator, and what can be counted of them."""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from golive.load.latencies import Latencies
from golive.load.plan import Plan

REFUSED = "refused"  # an abusive client was: it is as it should be
ABUSE = "abuse"  # the endpoint under which all that abusive clients do is counted
_FIELDS = 3  # second, latency, service
_OWN_FIELDS = 4  # second, lag, cpu, starved


@dataclass(frozen=True)
class Sample:
    """One request: the second since the beginning in which it was due, and its times (µs).

    `latency` counts from when it was due, `service` from when it was sent. `kind` is empty where
    it was answered well, else the kind of error.
    """

    endpoint: str
    kind: str
    second: int
    latency: int
    service: int

    @property
    def answered(self) -> bool:
        """Whether an answer came, of whatever status."""
        return not self.kind or self.kind.startswith("HTTP ")


@dataclass(frozen=True)
class OwnSecond:
    """A generator's own second: its worst lag, and the CPU it used (1: a whole core).

    `starved` is the share of the second in which anybody on its machine waited for a core.
    """

    worker: str
    second: int
    lag_ms: float
    cpu: float
    starved: float


class Samples:
    """Grows while a run goes on."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._rows: dict[tuple[str, str], array[int]] = {}
        self.own: list[OwnSecond] = []
        self.users: dict[int, int] = {}  # by second, in a closed run
        self.trouble: list[str] = []
        self.elapsed_s = 0.0

    def add(self, line: dict[str, Any]) -> None:
        """What a generator has sent. Raises LookupError, ValueError, TypeError for garbage."""
        for endpoint, kinds in line.get("samples", {}).items():
            for kind, values in kinds.items():
                if len(values) % _FIELDS:
                    raise ValueError("samples come in threes")
                self._rows.setdefault((endpoint, kind), array("Q")).extend(values)
        worker, own = line.get("worker", "one"), line.get("self", [])
        for at in range(0, len(own), _OWN_FIELDS):
            second, lag_us, cpu, starved = own[at : at + _OWN_FIELDS]
            self.own.append(OwnSecond(worker, second, lag_us / 1000, cpu / 1000, starved / 1000))
        self.trouble += line.get("trouble", [])
        self.elapsed_s = max(self.elapsed_s, line.get("t", 0.0))
        self.users[int(line.get("t", 0))] = line.get("users", 0)

    def __iter__(self) -> Iterator[Sample]:
        """Every sample of people who are not abusive."""
        for (endpoint, kind), row in self._rows.items():
            if endpoint != ABUSE:
                for at in range(0, len(row), _FIELDS):
                    yield Sample(endpoint, kind, *row[at : at + _FIELDS])

    def of(self, stages: Collection[str] | None = None) -> Iterator[Sample]:
        """Those of these stages; without any, of all that are measured."""
        wanted = self.seconds(stages)
        return (each for each in self if each.second in wanted)

    def seconds(self, stages: Collection[str] | None = None) -> frozenset[int]:
        """The seconds of these stages; without any, of all that are measured."""
        begin, found = 0, set[int]()
        for stage in self.plan.stages:
            if stage.measured if stages is None else stage.name in stages:
                found.update(range(begin, begin + stage.seconds))
            begin += stage.seconds
        return frozenset(found)

    def slow(self, limit_ms: float, stages: Collection[str] | None = None) -> tuple[int, int]:
        """How many took `limit_ms` or longer, or got no answer at all; of how many."""
        limit, slow, total = limit_ms * 1000, 0, 0
        for each in self.of(stages):
            total += 1
            slow += each.latency >= limit or not each.answered
        return slow, total

    def errors(self, stages: Collection[str] | None = None) -> Counter[str]:
        """How many errors of each kind; refusals of abusive clients are none."""
        return Counter(each.kind for each in self.of(stages) if each.kind)

    def count(self, stages: Collection[str] | None = None) -> int:
        """How many requests."""
        return sum(1 for _ in self.of(stages))

    def latencies(self, stages: Collection[str] | None = None) -> Latencies:
        """Their times from when they were due."""
        return Latencies(each.latency for each in self.of(stages))

    def service(self, stages: Collection[str] | None = None) -> Latencies:
        """Their times from when they were sent: what a closed user sees."""
        return Latencies(each.service for each in self.of(stages))

    def abusive(self) -> Counter[str]:
        """What became of the requests of abusive clients, by kind."""
        return Counter(
            {
                kind or "served": len(row) // _FIELDS
                for (endpoint, kind), row in self._rows.items()
                if endpoint == ABUSE
            }
        )
