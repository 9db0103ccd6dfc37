"""Open load: requests come at a rate, whatever the answers take, as they do from the world.

A user who waits for his answer asks less of a server that has stalled, and so hides that it has
(coordinated omission). Here each request has its instant beforehand; how long it takes counts from
there.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from gevent.pool import Pool

from golive.load.generator.people import TIMEOUT_S, Door, Person, scheduled
from golive.load.generator.recorder import Recorder
from golive.load.instants import instants

_MOST_AT_ONCE = 5000
_ENTERING = 0.7  # of the first stage: by then everybody has come

Act = Callable[[Person], None]


class Kind:
    """A kind of people: how many of 100, what they do first, and then one of `acts`, weighted."""

    def __init__(
        self, name: str, share: int, arrive: Act | None, acts: Sequence[tuple[int, Act]]
    ) -> None:
        self.name, self.share, self.arrive = name, share, arrive
        self.acts = [act for _, act in acts]
        self.weights = [weight for weight, _ in acts]

    def act(self) -> Act:
        """One of the acts."""
        return random.choices(self.acts, self.weights)[0]


class Arrivals:
    """The whole of an open run in this process: its share of the plan's stages."""

    def __init__(self, door: Door, kinds: Sequence[Kind], abuse: Act, recorder: Recorder) -> None:
        self._door, self._abuse, self._recorder = door, abuse, recorder
        self._plan = door.plan
        self._kinds = list(kinds)
        self._present: dict[str, list[Person]] = {kind.name: [] for kind in kinds}
        self._turn = dict.fromkeys(self._present, 0)
        self._under_way = Pool(_MOST_AT_ONCE)

    def run(self) -> None:
        """Return when the last stage is over, and what was begun has ended."""
        self._come(self._kinds[0])  # so that there is somebody from the first request on
        began = self._recorder.origin or time.perf_counter()
        entering = gevent.spawn(self._enter, began)
        begin = began
        for stage in self._plan.stages:
            end = begin + stage.seconds
            abuse = stage.abuse / self._plan.workers
            abusing = gevent.spawn(self._abusing, begin, end, abuse) if abuse else None
            for due in instants(begin, end, (stage.rate or 0) / self._plan.workers):
                gevent.sleep(max(0.0, due - time.perf_counter()))
                self._under_way.spawn(self._guarded, self._one, due)
            gevent.sleep(max(0.0, end - time.perf_counter()))
            if abusing:
                abusing.join()
            begin = end
        self._under_way.join(2 * TIMEOUT_S)
        entering.kill()

    def _enter(self, began: float) -> None:
        """People come one after the other, during the first stage."""
        people = max(1, round(self._plan.people / self._plan.workers))
        shares = [kind.share for kind in self._kinds]
        for number in range(1, people):
            span = self._plan.stages[0].seconds * _ENTERING
            gevent.sleep(max(0.0, began + span * number / people - time.perf_counter()))
            # Each share in turn, so that a few people are a fair sample of all.
            at = (number + 0.5) / people * sum(shares)
            kind = next(k for i, k in enumerate(self._kinds) if at < sum(shares[: i + 1]))
            self._under_way.spawn(self._guarded, self._come, kind)

    def _come(self, kind: Kind) -> Person:
        person = self._door.enter()
        if kind.arrive:
            kind.arrive(person)
        self._present[kind.name].append(person)
        return person

    def _one(self, due: float) -> None:
        """One request: somebody who is present does something."""
        there = [kind for kind in self._kinds if self._present[kind.name]]
        kind = random.choices(there, [k.share for k in there])[0]
        people = self._present[kind.name]
        turn = self._turn[kind.name] = (self._turn[kind.name] + 1) % len(people)
        person = people[turn]
        if person.asked >= self._plan.visit:
            person.asked = 0  # so that nobody else sends him away too
            people.remove(person)
            gevent.spawn_later(2 * TIMEOUT_S, person.leave)
            if people:
                self._under_way.spawn(self._guarded, self._come, kind)
            else:
                person = self._come(kind)
        scheduled.set(due)
        kind.act()(person)

    def _abusing(self, begin: float, end: float, rate: float) -> None:
        """Somebody who keeps to no limit: the same client, at a steady rate."""
        person = self._door.enter()
        person.abusive = True
        due = begin
        while (due := due + 1 / rate) < end:
            gevent.sleep(max(0.0, due - time.perf_counter()))
            self._under_way.spawn(self._guarded, self._abuse, person)

    def _guarded(self, work: Callable[..., Any], *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:  # a defect of a journey: it is told, and nothing is proven
            self._recorder.trouble(f"{type(error).__name__}: {error}")
