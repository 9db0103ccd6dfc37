"""What a fault has shown: whether what it claims turned red, only that, and green again."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from golive.faults.fault import ANY, Fault
from golive.outcome import Outcome

Outcomes = Mapping[str, Outcome]  # by id of scenario

_BLIND = (Outcome.UNPROVEN, Outcome.NOT_RUN)


@dataclass(frozen=True)
class Trial:
    """One fault, tried. `red` has the ids of the scenarios that failed as it claims.

    `problems` say what was otherwise than claimed, a line each; none: the fault is proven, and
    so is that the scenarios in `red` can fail.
    """

    fault: str
    breaks: str
    red: tuple[str, ...]
    problems: tuple[str, ...]
    duration_s: float

    @property
    def proven(self) -> bool:
        """Whether all that it claims came true, and nothing else did."""
        return not self.problems


@dataclass(frozen=True)
class Proof:
    """All trials. `expected` are the ids of the scenarios to be proven able to fail; those of
    `left_out` were looked at only with the faults that claim some of them, or their neighbours.
    """

    trials: tuple[Trial, ...]
    expected: tuple[str, ...]
    left_out: tuple[str, ...]
    duration_s: float

    @property
    def unproven(self) -> tuple[str, ...]:
        """The scenarios that no fault has turned red as it claims to."""
        shown = {id_ for trial in self.trials if trial.proven for id_ in trial.red}
        return tuple(id_ for id_ in self.expected if id_ not in shown)

    @property
    def complete(self) -> bool:
        """Whether every scenario is proven able to fail, and no fault did otherwise."""
        return not self.unproven and all(trial.proven for trial in self.trials)

    def as_json(self) -> dict[str, Any]:
        """For prove.json."""
        trials = [{**asdict(trial), "proven": trial.proven} for trial in self.trials]
        return {
            "schema": 1,
            "complete": self.complete,
            "unproven": self.unproven,
            **asdict(self),
            "trials": trials,
        }


def claims(fault: Fault) -> tuple[str, ...]:
    """The scenarios that a fault names, as it does in health and healed."""
    return (*fault.reds, *(id_ for id_ in fault.blinds if id_ != ANY))


def differences(fault: Fault, healthy: Outcomes, broken: Outcomes) -> Iterable[str]:
    """What is otherwise than `fault` claims, a line each, in the order of `healthy`.

    `broken` are the outcomes of the scenarios that were looked at; the claimed ones must be
    among them.
    """
    for id_, before in healthy.items():
        now = broken.get(id_)
        if id_ in fault.reds:
            if now is not Outcome.FAILED:
                yield f"should have failed, but {_ended(now)}: {id_}"
        elif id_ in fault.blinds:
            if now not in _BLIND:
                yield f"should have become unproven, but {_ended(now)}: {id_}"
        elif ANY in fault.blinds and now in _BLIND:
            continue
        elif now is not None and now is not before:
            yield f"{_ended(now)} too, unclaimed: {id_}"


def unhealed(fault: Fault, healthy: Outcomes, healed: Outcomes) -> Iterable[str]:
    """What of its claims `fault` left behind, a line each."""
    for id_ in claims(fault):
        now = healed.get(id_)
        if now is not healthy[id_]:
            yield f"{_ended(now)} after the fault was healed: {id_}"


def _ended(outcome: Outcome | None) -> str:
    words = {
        Outcome.PASSED: "passed",
        Outcome.FAILED: "failed",
        Outcome.UNPROVEN: "was unproven",
        Outcome.NOT_RUN: "was not run",
        None: "has no outcome",
    }
    return words[outcome]
