"""Judge what a load test has shown: of the requests, and of the servers meanwhile."""

import contextlib
from collections.abc import Set as AbstractSet

import pytest
from pytest_bdd import given, parsers, then

from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.load import judgement, profile, summary, target, thresholds
from golive.load.confidence import Answer
from golive.load.explain import explain
from golive.load.judgement import Judged
from golive.load.measure import Generated, Measured, Request, ask, generate, prometheus, seen
from golive.outcome import Unproven, Whose
from golive.steps.expectation import column, listed, require
from golive.steps.prometheus import url

_PROFILE = "gate"
_REFUSED = "refused"
_TOO_MANY = "HTTP 429"


class Load:
    """A load test, and the risk that a judgement of it may take."""

    def __init__(self, measured: Measured, risk: float) -> None:
        self.measured, self.risk = measured, risk
        self.samples = measured.run.samples

    def why(self) -> str:
        """What the servers' figures say of a run that does not hold."""
        figures = self.measured.figures
        if isinstance(figures, Exception):
            return f"the servers were not asked: {figures}"
        return "; ".join(explain(figures))


@pytest.hookimpl(tryfirst=True)
def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
) -> None:
    """Load takes its time, while others look. Early in the queue: fewer others cost much then.

    Not first: what everybody begins with would be in its way.
    """
    if tags & {"CHK-12", "DEP-06"}:
        with contextlib.suppress(Unproven):  # the scenario will say so
            asked = _request(environment, _PROFILE), clients.named("load")
            measurements.queue(_generate, *asked)
            measurements.start(_measure, measurements, *asked)


def _request(environment: Environment, name: str) -> Request:
    try:
        visit, chosen = profile.named(name)
        target.check(environment, yes=False)
    except (profile.ProfileError, target.RefusedError) as error:
        raise Unproven(str(error), Whose.OURS) from None
    return Request(environment.name, environment, name, chosen, visit)


def _generate(request: Request, source: str | None) -> Generated:
    return generate(request, source=source)


def _measure(measurements: Measurements, request: Request, source: str | None) -> Measured:
    """Whoever waits for a scrape keeps nobody else waiting: only the load is queued."""
    return ask(measurements.queue(_generate, request, source).result())


@given(parsers.parse(thresholds.RUN), target_fixture="load")
def load_of_profile(
    environment: Environment,
    measurements: Measurements,
    clients: Clients,
    evidence: EvidenceLog,
    profile: str,
    confidence: float,
) -> Load:
    """Once a session."""
    measured = measurements.result(
        _measure, measurements, _request(environment, profile), clients.named("load")
    )
    samples = measured.run.samples
    evidence.add("load test", {"began": measured.run.began, "requests": samples.count()})
    if target.one_client(environment):
        raise Unproven(
            f"all people are one client to {environment.name}, so that its limits were measured "
            f"at {environment.pace:g} requests a second: clients.load or clients.load-header",
            Whose.OURS,
        )
    return Load(measured, round(1 - confidence / 100, 6))


@then(parsers.parse(thresholds.RESPONSE))
def answered_within(
    load: Load, evidence: EvidenceLog, stage: str, percent: float, limit: int
) -> None:
    if stage == next(each.name for each in load.samples.plan.stages if each.measured):
        _keep(load, evidence)
    judgement.check_instrument(load.measured.run, [stage])
    found = judgement.response(load.samples, percent, limit, [stage], load.risk)
    at = load.samples.latencies([stage]).percentile_ms(percent)
    evidence.add(f"slower than {limit} ms", found)
    _judge(
        load,
        found,
        [stage],
        expected=f"{percent:g} % within {limit} ms during {stage}",
        actual=f"{percent:g} % within {at or 0:.0f} ms; slower or unanswered: {found}",
    )


@then(parsers.parse(thresholds.ERRORS))
def few_errors(load: Load, evidence: EvidenceLog, percent: float) -> None:
    judgement.check_instrument(load.measured.run, None)
    found = judgement.errors(load.samples, percent, load.risk)
    kinds = load.samples.errors()
    evidence.add("errors", {"judged": found, "kinds": kinds})
    _judge(
        load,
        found,
        None,
        expected=f"errors below {percent:g} %",
        actual=f"{found}: {listed([f'{n} x {kind}' for kind, n in kinds.most_common(5)])}",
    )


def _keep(load: Load, evidence: EvidenceLog) -> None:
    """All figures, once: reports make pictures of those in time."""
    whole = summary.summary(load.measured)
    apart = {"load by endpoint": "endpoints", "servers under load": "servers"}
    evidence.add("load", {k: v for k, v in whole.items() if k not in apart.values()})
    for what, key in apart.items():
        evidence.add(what, whole[key])


def _judge(
    load: Load, found: Judged, stages: list[str] | None, *, expected: str, actual: str
) -> None:
    """Fail, be unproven, or return: by what the samples say."""
    if found.answer is Answer.OPEN:
        raise Unproven(
            f"{actual}: too few samples to say; {found.needed} would do, if no more were counted",
            Whose.OURS,
        )
    if found.answer is Answer.ABOVE and (own := judgement.blame(load.samples, stages)):
        raise Unproven(f"{actual}; but {own}: that was the bottleneck", Whose.OURS)
    require(
        found.answer is Answer.BELOW,
        expected=expected,
        actual=f"{actual}. Why: {load.why()}" if found.answer is Answer.ABOVE else actual,
        where=f"the load of the profile {load.measured.request.profile_name}",
        look=f"golive load {load.measured.request.profile_name}",
    )


@then(parsers.parse(thresholds.MONGODB))
def mongodb_fast(load: Load, evidence: EvidenceLog, percent: float, limit: int) -> None:
    figures = seen(load.measured.figures)
    if limit != figures.mongodb_limit_ms:
        raise Unproven(
            f"the application counts what takes longer than {figures.mongodb_limit_ms} ms, "
            f"not {limit}",
            Whose.OURS,
        )
    found = judgement.judge(
        figures.mongodb_slow, figures.mongodb_commands, 1 - percent / 100, load.risk
    )
    evidence.add(f"MongoDB's commands slower than {limit} ms", found)
    text = str(found).replace("requests", "commands")
    _judge(
        load,
        found,
        None,
        expected=f"{percent:g} % of MongoDB's commands within {limit} ms",
        actual=f"slower, as the application sees them: {text}",
    )


@then("none of these alerts fires")
def no_alert(load: Load, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    figures = seen(load.measured.figures)
    evidence.add("alerts that fired", figures.firing)
    unknown = sorted(set(column(datatable)) - set(figures.alerts))
    if unknown:
        raise Unproven(f"Prometheus has no alert {listed(unknown)}", Whose.TARGET)
    fired = [each for each in figures.firing if each.name in column(datatable)]
    require(
        not fired,
        expected="no alert of them fires",
        actual=f"{listed([str(each) for each in fired])}. Why: {load.why()}",
        where=f"Prometheus, from {figures.begin:%H:%M:%S} to {figures.end:%H:%M:%S} UTC",
        look=url(prometheus(load.measured.request.environment), "/alerts"),
    )


@then("the workers are the same as before")
def workers_stay(load: Load, evidence: EvidenceLog) -> None:
    before, after = seen(load.measured.before), seen(load.measured.after)
    evidence.add("workers", {"before": before, "after": after})
    if not any(before.values()):
        raise Unproven("no worker ran before the load", Whose.TARGET)
    for host, processes in before.items():
        require(
            set(processes) <= set(after[host]),
            expected=f"processes {listed(processes)}",
            actual=f"{listed(after[host])}: a worker ended under load and was started again",
            where=host,
            look="pm2 list, and /var/log/dashboard-velo/error.log",
        )


@then("the abusive client is refused some of its requests")
def abusive_refused(load: Load, evidence: EvidenceLog) -> None:
    found = load.samples.abusive()
    evidence.add("requests of the client who keeps to no limit", found)
    if not found:
        raise Unproven("nobody was abusive", Whose.OURS)
    if not found[_REFUSED] and (own := judgement.blame(load.samples, None)):
        raise Unproven(f"it was not refused; but {own}: it came too slowly", Whose.OURS)
    require(
        found[_REFUSED] > 0,
        expected="some refused (429)",
        actual=listed([f"{n} x {kind}" for kind, n in found.items()]),
        where="the client who keeps to no limit",
        look="limit_req in nginx.conf",
    )


@then("nobody else is refused anything")
def others_not_refused(load: Load) -> None:
    refused = load.samples.errors()[_TOO_MANY]
    require(
        refused == 0,
        expected="no 429 for people who keep to the limits",
        actual=f"{refused} x 429",
        where=f"{load.samples.count()} requests of people",
        look="limit_req_zone in nginx.conf: whom does it count together?",
    )


@then(parsers.parse("no host uses more than {percent:g} % of its {quantity}"))
def hosts_stay_under(load: Load, evidence: EvidenceLog, percent: float, quantity: str) -> None:
    figures = seen(load.measured.figures)
    field = {"CPU": "cpu_percent", "memory": "memory_percent"}.get(quantity)
    if field is None:
        raise Unproven(f"no figure is called {quantity}: CPU, memory", Whose.OURS)
    used = {each.name: getattr(each, field) for each in figures.hosts}
    evidence.add(f"{quantity} in percent", used)
    unknown = [name for name, value in used.items() if value is None]
    if unknown or not used:
        raise Unproven(
            f"Prometheus does not know the {quantity} of {listed(unknown)}", Whose.TARGET
        )
    over = {name: value for name, value in used.items() if value > percent}
    require(
        not over,
        expected=f"at most {percent:g} %",
        actual=listed([f"{name}: {value:.0f} %" for name, value in over.items()]),
        where="the node exporters, by Prometheus",
        look=url(prometheus(load.measured.request.environment), "/graph"),
    )
