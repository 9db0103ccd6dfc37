from dataclasses import replace
from datetime import UTC, datetime

import pytest

from golive.load import judgement, knee
from golive.load.confidence import Answer
from golive.load.plan import Plan, Stage
from golive.load.run import Run
from golive.load.samples import Samples
from golive.load.thresholds import Response, Thresholds
from golive.outcome import Unproven

PLAN = Plan(
    site="s", address="127.0.0.1", port=1, roots=None, network=None, first=0, header=None,
    stages=(Stage("warm-up", 1, rate=10, measured=False), Stage("steady", 10, rate=40)),
    people=1, visit=1, account=None,
)  # fmt: skip


def ended(samples: Samples, how: str = "done") -> Run:
    return Run(samples, datetime.now(UTC), how)


def seen(
    number: int, ms: float, kind: str = "", lag_ms: float = 1, cpu: float = 0.1, starved=0.3
) -> Samples:
    """So many requests, evenly over the stage."""
    samples = Samples(PLAN)
    values = []
    for index in range(number):
        values += [1 + index % 10, round(ms * 1000), 1000]
    samples.add({"samples": {"GET /x": {kind: values}}, "t": 11})
    for second in range(11):
        own = [second, round(lag_ms * 1000), round(cpu * 1000), round(starved * 1000)]
        samples.add({"self": own, "t": 11})
    return samples


def test_what_was_warming_up_does_not_count():
    samples = seen(400, 10)
    samples.add({"samples": {"GET /x": {"HTTP 500": [0, 9_000_000, 9_000_000]}}})

    assert samples.count() == 400
    assert samples.errors().total() == 0


def test_a_limit_that_is_reached_is_not_kept():
    assert judgement.response(seen(400, 499), 95, 500, None, 0.05).answer is Answer.BELOW
    assert judgement.response(seen(400, 500), 95, 500, None, 0.05).answer is Answer.ABOVE


def test_an_answer_that_never_came_is_not_within_any_time():
    assert judgement.response(seen(400, 1, "timeout"), 95, 500, None, 0.05).answer is Answer.ABOVE
    assert judgement.response(seen(400, 1, "HTTP 500"), 95, 500, None, 0.05).answer is Answer.BELOW


def test_not_a_single_request_is_unproven():
    with pytest.raises(Unproven, match="not a single request"):
        judgement.check_instrument(ended(Samples(PLAN)), None)


def test_fewer_than_asked_are_unproven():
    judgement.check_instrument(ended(seen(380, 1)), None)
    with pytest.raises(Unproven, match="sent 200 requests of 400"):
        judgement.check_instrument(ended(seen(200, 1)), None)
    judgement.check_instrument(ended(seen(200, 1), "stopped"), None)  # certain, so ended


def test_trouble_of_the_generator_is_unproven():
    samples = seen(400, 1)
    samples.add({"trouble": ["KeyError: 'x'"]})
    with pytest.raises(Unproven, match="KeyError"):
        judgement.check_instrument(ended(samples), None)


def test_the_generator_is_to_blame_where_it_was_the_bottleneck():
    assert judgement.blame(seen(400, 1), None) is None
    assert "300 ms late" in str(judgement.blame(seen(400, 1, lag_ms=300), None))
    assert "95 % of a core" in str(judgement.blame(seen(400, 1, cpu=0.95), None))
    assert "96 % of the time" in str(judgement.blame(seen(400, 1, starved=0.96), None))
    unwatched = Samples(PLAN)
    assert "nothing is known" in str(judgement.blame(unwatched, None))


@pytest.mark.parametrize(
    "line", [{"samples": {"x": {"": [1, 2]}}}, {"samples": 3}, {"samples": {"x": {"": [-1, 2, 3]}}}]
)
def test_garbage_is_no_sample(line):
    with pytest.raises((LookupError, ValueError, TypeError, AttributeError, OverflowError)):
        Samples(PLAN).add(line)


def staged(*ms: float) -> Samples:
    """A stage of ten seconds for each, 400 requests in it."""
    stages = tuple(Stage(f"{40 * n}/s", 10, rate=40 * n) for n, _ in enumerate(ms, 1))
    samples = Samples(replace(PLAN, stages=stages))
    for number, each in enumerate(ms):
        values = []
        for index in range(400):
            values += [10 * number + index % 10, round(each * 1000), 1000]
        samples.add({"samples": {"GET /x": {"": values}}})
    for second in range(10 * len(ms)):
        samples.add({"self": [second, 1000, 100, 100]})
    return samples


ASKED = Thresholds(0.05, (Response("steady", 95, 500),), 1, 95, 100)


def test_the_knee_is_before_the_first_stage_that_breaks():
    found = knee.find(staged(10, 20, 900, 2000), ASKED)

    assert "carries 80 requests/s; at 120 requests/s: slower than 500 ms 100.00 %" in str(found)
    assert knee.find(staged(10, 20, 900), ASKED, until_s=25).broken is None  # not over yet


def test_a_knee_that_was_not_reached_and_one_at_once():
    assert "the knee is beyond" in str(knee.find(staged(10, 20), ASKED))
    assert "does not carry the least" in str(knee.find(staged(900), ASKED))
