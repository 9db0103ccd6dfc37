"""The thresholds of the features that a run can show something of, a line each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from golive.load import judgement, knee, target
from golive.load.confidence import Answer
from golive.load.measure import Measured
from golive.load.thresholds import Thresholds
from golive.outcome import Unproven


@dataclass(frozen=True)
class Line:
    """One threshold, and how it came out."""

    what: str
    answer: Answer
    found: str


def judged(measured: Measured, asked: Thresholds) -> list[Line]:
    """Each threshold of the features that this profile can show something of."""
    lines = []
    samples = measured.run.samples
    if measured.request.profile.find_knee:
        return [_knee(measured, asked)]
    names = {stage.name for stage in samples.plan.stages}
    for each in asked.responses:
        if each.stage in names:
            what = f"{each.percent:g} % within {each.limit_ms} ms during {each.stage}"
            look = partial(
                judgement.response, samples, each.percent, each.limit_ms, [each.stage], asked.risk
            )
            lines.append(_line(measured, what, [each.stage], look))
    what = f"fewer than {asked.errors_percent:g} % fail"
    lines.append(
        _line(
            measured,
            what,
            None,
            partial(judgement.errors, samples, asked.errors_percent, asked.risk),
        )
    )
    lines.append(_mongodb(measured, asked))
    return lines


def _knee(measured: Measured, asked: Thresholds) -> Line:
    what = "the least load is carried"
    try:
        judgement.check_instrument(measured.run, [])
    except Unproven as error:
        return Line(what, Answer.OPEN, str(error))
    found = knee.find(measured.run.samples, asked)
    return Line(what, Answer.BELOW if found.carried else Answer.ABOVE, str(found))


def _line(
    measured: Measured,
    what: str,
    stages: list[str] | None,
    look: Callable[[], judgement.Judged],
) -> Line:
    try:
        judgement.check_instrument(measured.run, stages)
    except Unproven as error:
        return Line(what, Answer.OPEN, str(error))
    if target.one_client(measured.request.environment):
        return Line(what, Answer.OPEN, "the limiter was measured: all people were one client")
    found = look()
    if found.answer is Answer.ABOVE and (own := judgement.blame(measured.run.samples, stages)):
        return Line(
            what, Answer.OPEN, f"otherwise {found}; but {own}: the generator was the bottleneck"
        )
    more = f"; {found.needed} would do" if found.answer is Answer.OPEN else ""
    return Line(what, found.answer, f"otherwise {found}{more}")


def _mongodb(measured: Measured, asked: Thresholds) -> Line:
    what = f"{asked.mongodb_percent:g} % of MongoDB's commands within {asked.mongodb_ms} ms"
    figures = measured.figures
    if isinstance(figures, Exception):
        return Line(what, Answer.OPEN, str(figures))
    limit = 1 - asked.mongodb_percent / 100
    found = judgement.judge(figures.mongodb_slow, figures.mongodb_commands, limit, asked.risk)
    return Line(what, found.answer, f"otherwise {found}".replace("requests", "commands"))
