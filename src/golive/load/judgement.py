"""What a run shows, with confidence: a share of its requests, against a limit.

"95 % within 500 ms" says of the share of slow requests that it is below 5 %; "fewer than 1 % fail"
says that the share of errors is below 1 %. Both are judged in the same way, by exact bounds.
"""

from collections.abc import Collection
from dataclasses import dataclass
from statistics import mean

from golive.load.confidence import Answer, answer, lower, needed, upper
from golive.load.run import INTERRUPTED, Run
from golive.load.samples import Samples
from golive.outcome import Unproven, Whose

# The generator's own lateness only adds to what is measured: what holds, holds in spite of it.
_LAG_MS = 100  # beyond which what does not hold may be the generator's doing
_CPU = 0.9  # of a core
_STARVED = 0.65  # of the time: who shares the machine with the generator, as a replica does
_SENT = 0.95  # of what a rate should have brought
_FEW = 25  # fewer than so many requests expected: their number says nothing of the rate


@dataclass(frozen=True)
class Judged:
    """`counted` of `total` against `limit`, a share; `answer` is sure to 1 - `risk`.

    `low` and `high` are the bounds of the true share. Where the answer is open, `needed` is how
    many samples would show that it is below the limit, if no more were counted.
    """

    counted: int
    total: int
    limit: float
    risk: float
    answer: Answer
    low: float
    high: float
    needed: int | None

    def __str__(self) -> str:
        """In words, with the bounds."""
        share = f"{100 * self.counted / self.total:.2f} %" if self.total else "none"
        return (
            f"{share} ({self.counted} of {self.total} requests), the true share between "
            f"{100 * self.low:.2f} % and {100 * self.high:.2f} %, each bound with "
            f"{100 * (1 - self.risk):g} % confidence"
        )


def judge(counted: int, total: int, limit: float, risk: float) -> Judged:
    """A share of what was counted, against a limit."""
    found = answer(counted, total, limit, risk)
    return Judged(
        counted=counted,
        total=total,
        limit=limit,
        risk=risk,
        answer=found,
        low=lower(counted, total, risk),
        high=upper(counted, total, risk) if total else 1.0,
        needed=needed(limit, risk, counted) if found is Answer.OPEN else None,
    )


def response(
    samples: Samples, percent: float, limit_ms: float, stages: Collection[str] | None, risk: float
) -> Judged:
    """The share of requests that took longer, or were not answered."""
    return judge(*samples.slow(limit_ms, stages), limit=1 - percent / 100, risk=risk)


def errors(samples: Samples, percent: float, risk: float) -> Judged:
    """The share of requests that failed."""
    failed = samples.errors().total()
    return judge(failed, samples.count(), limit=percent / 100, risk=risk)


def check_instrument(run: Run, stages: Collection[str] | None) -> None:
    """Raise Unproven unless the generator did what was asked during these stages.

    Without any, of all that are measured; with none at all, it need only have made requests.
    """
    samples, plan = run.samples, run.plan
    if samples.trouble:
        raise Unproven(f"the generator itself failed: {'; '.join(samples.trouble)}", Whose.OURS)
    if run.ended == INTERRUPTED:
        raise Unproven("the run was interrupted", Whose.OURS)
    if not samples.count(stages or None):
        raise Unproven("not a single request was made", Whose.OURS)
    if run.ended != "done":
        return  # it ended early because it was certain
    for stage in plan.stages:
        if stage.rate is None or not (stage.measured if stages is None else stage.name in stages):
            continue
        wanted, sent = stage.rate * stage.seconds, samples.count([stage.name])
        if wanted >= _FEW and sent < _SENT * wanted:
            raise Unproven(
                f"at the stage {stage.name} the generator sent {sent} requests of {wanted:.0f}: "
                f"{_state(samples, [stage.name])}",
                Whose.OURS,
            )


def blame(samples: Samples, stages: Collection[str] | None) -> str | None:
    """Why what does not hold may be the generator's own doing, or its machine's; None where not."""
    own = _own(samples, stages)
    late = own is None or own.lag_ms > _LAG_MS or own.cpu > _CPU or own.starved > _STARVED
    return _state(samples, stages) if late else None


@dataclass(frozen=True)
class _Own:
    """Of one of ten seconds at least: the lag. On average: the CPU of the busiest, starvation."""

    lag_ms: float
    cpu: float
    starved: float


def _own(samples: Samples, stages: Collection[str] | None) -> _Own | None:
    seconds = samples.seconds(stages)
    own = [each for each in samples.own if each.second in seconds]
    if not own:
        return None
    lags = sorted(each.lag_ms for each in own)
    workers = {each.worker for each in own}
    return _Own(
        lags[min(len(lags) - 1, int(0.9 * len(lags)))],
        max(mean(each.cpu for each in own if each.worker == worker) for worker in workers),
        mean(each.starved for each in own),
    )


def _state(samples: Samples, stages: Collection[str] | None) -> str:
    own = _own(samples, stages)
    if own is None:
        return "nothing is known of the generator's own state"
    return (
        f"the generator itself was up to {own.lag_ms:.0f} ms late, used {100 * own.cpu:.0f} % of a "
        f"core, and {100 * own.starved:.0f} % of the time somebody on its machine waited for one"
    )
