"""Where a server bends: the last of ever larger loads that it carries."""

from collections.abc import Sequence
from dataclasses import dataclass

from golive.load import judgement
from golive.load.confidence import Answer
from golive.load.plan import Stage
from golive.load.samples import Samples
from golive.load.thresholds import Thresholds


@dataclass(frozen=True)
class Knee:
    """`carried` is the last stage that is not shown to break a threshold, None where the first is
    shown to; `broken` the one after it, None where all are carried. `why` says what breaks.
    """

    carried: Stage | None
    broken: Stage | None
    why: str

    def __str__(self) -> str:
        """In words."""
        carried = f"carries {_load(self.carried)}" if self.carried else "does not carry the least"
        if self.broken is None:
            return f"{carried}, and was asked no more: the knee is beyond"
        return f"{carried}; at {_load(self.broken)}: {self.why}"


def find(samples: Samples, asked: Thresholds, until_s: float | None = None) -> Knee:
    """The knee of a run, or of what it has shown until a second of it."""
    limit = asked.responses[0]
    carried, begin = None, 0
    for stage in samples.plan.stages:
        begin += stage.seconds
        if until_s is not None and begin > until_s:
            break
        if not stage.measured or not samples.count([stage.name]):
            continue
        name: Sequence[str] = [stage.name]
        slow = judgement.response(samples, limit.percent, limit.limit_ms, name, asked.risk)
        failed = judgement.judge(
            samples.errors(name).total(),
            samples.count(name),
            asked.errors_percent / 100,
            asked.risk,
        )
        if slow.answer is Answer.ABOVE or failed.answer is Answer.ABOVE:
            own = judgement.blame(samples, name)
            what = f"slower than {limit.limit_ms} ms {slow}; failed {failed}"
            return Knee(carried, stage, f"{what}; but {own}" if own else what)
        carried = stage
    return Knee(carried, None, "")


def _load(stage: Stage | None) -> str:
    if stage is None:
        return "nothing"
    return f"{stage.rate:g} requests/s" if stage.rate else f"{stage.users} users"
