"""What a generator of load is told: where to go, as whom, and how much of what, when.

It travels as JSON in the environment of the process that runs Locust.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace

VARIABLE = "GOLIVE_LOAD_PLAN"


@dataclass(frozen=True)
class Stage:
    """A stretch of a run in which the load stays the same.

    Either `rate`, requests a second that come whatever the answers take (open), or `users`, each
    of whom waits for his answer (closed), and then thinks, unless `think` is false. `abuse` is how
    many requests a second come besides from one client that keeps to no limit. Not `measured`:
    warming up, which nothing is judged by.
    """

    name: str
    seconds: int
    rate: float | None = None
    users: int | None = None
    measured: bool = True
    abuse: float = 0.0
    think: bool = True


@dataclass(frozen=True)
class Account:
    """Whom riders sign in as."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """A whole run, as one generator or several share it.

    `site` is the virtual host, `address` and `port` what is connected to, whatever a URL says.
    Each person comes from an address of `network`, from the `first` on; without a network, each
    says in `header` who he is; without both, all are one client.
    `people` are present at the same time; each leaves after `visit` requests, and another comes.
    `workers` share the load. `output` and `life` are descriptors: what is seen is written to the
    one, and the end of file of the other ends the generator.
    """

    site: str
    address: str
    port: int
    roots: str | None
    network: str | None
    first: int
    header: str | None
    stages: tuple[Stage, ...]
    people: int
    visit: int
    account: Account | None
    workers: int = 1
    output: int | None = None
    life: int | None = None

    @property
    def seconds(self) -> int:
        """How long it takes."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def open(self) -> bool:
        """Whether requests come at a rate, not from users who wait."""
        return self.stages[0].rate is not None

    def stage_at(self, second: float) -> Stage | None:
        """The stage of an instant, in seconds since the beginning; None when all are over."""
        for stage in self.stages:
            if second < stage.seconds:
                return stage
            second -= stage.seconds
        return None

    def to_json(self) -> str:
        """For the environment of a process."""
        return json.dumps(asdict(self))

    @classmethod
    def of_process(cls) -> "Plan | None":
        """The plan this process was given; None in a Locust that a person started."""
        text = os.environ.get(VARIABLE)
        if text is None:
            return None
        data = json.loads(text)
        plan = cls(**data)
        account = data["account"] and Account(**data["account"])
        return replace(plan, stages=tuple(Stage(**s) for s in data["stages"]), account=account)
