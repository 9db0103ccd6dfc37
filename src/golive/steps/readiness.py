"""Judge whether the application servers reach their stores, and what they do without."""

from collections.abc import Set as AbstractSet

from pytest_bdd import given, parsers, then

from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import Unproven, Whose
from golive.probes.pm2 import inspect
from golive.probes.readiness import Dependence, Outage, dependence, readiness_inside
from golive.steps.expectation import column, listed, require

_DIRECTORY = "/var/www/dashboard-velo-api"
_PORT = 3000
_WITHIN_S = 20  # as the feature says
_OK, _UNAVAILABLE = 200, 503
_WHERE = "one more process of the application on the first application server"


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """The application starts, and notices what is gone, in seconds."""
    if environment.kind is Kind.REPLICA and tags >= {"ARC-05", "PM2-14"}:
        measurements.queue(_dependence, *_first(environment))


def _first(environment: Environment) -> tuple[Machine, str | None]:
    return machines(environment, "app")[0], environment.pm2_home


def _dependence(machine: Machine, home: str | None) -> Dependence:
    if home is None:
        raise Unproven("a replica has a PM2_HOME", Whose.OURS)
    return dependence(machine, _DIRECTORY, inspect(machine, home).program, _WITHIN_S)


@then("/ready of every application server answers 200, and finds these up")
def all_ready(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    asked = {
        each: measurements.start(readiness_inside, each, _PORT)
        for each in machines(environment, "app")
    }
    for machine, future in asked.items():
        seen = future.result()
        evidence.add(machine.name, seen)
        wanted = [(store, "up") for store in sorted(column(datatable))]
        require(
            seen.status == _OK and list(seen.checks) == wanted,
            expected=f"{_OK}, and up: {listed(column(datatable))}",
            actual=f"{seen.status}, and {dict(seen.checks)}",
            where=machine.name,
            look=f"curl -si http://{machine.host.address or machine.name}:{_PORT}/ready",
        )


@given(
    "one more process of the application, whose stores go and come back",
    target_fixture="dependence",
)
def one_more_process(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> Dependence:
    seen = measurements.result(_dependence, *_first(environment))
    evidence.add("one more process", seen)
    return seen


@then(
    parsers.parse(
        "without {store} its /ready answers 503 within {seconds:d} s, and names no other store"
    )
)
def turns_false(dependence: Dependence, store: str, seconds: int) -> None:
    seen = _outage(dependence, store, seconds).gone
    require(
        seen.status == _UNAVAILABLE and seen.down() == [store],
        expected=f"{_UNAVAILABLE}, and down: {store}",
        actual=f"{seen.status}, and down: {listed(seen.down())}",
        where=_WHERE,
        look="src/status.js of the application",
    )


@then(parsers.parse("with {store} back it answers 200 within {seconds:d} s"))
def turns_true(dependence: Dependence, store: str, seconds: int) -> None:
    seen = _outage(dependence, store, seconds).back
    require(
        seen.status == _OK and not seen.down(),
        expected=f"{_OK}, and nothing down",
        actual=f"{seen.status}, and down: {listed(seen.down())}",
        where=_WHERE,
        look="src/redis.js and src/mongo.js of the application: do they connect again?",
    )


@then("it took no connection before it reached Redis")
def no_traffic_early(dependence: Dependence) -> None:
    require(
        not dependence.served_early,
        expected="nothing listens before Redis is reached",
        actual="it took a connection",
        where=_WHERE,
        look="server.js: listen only when the stores are connected",
    )


@then("it did not tell PM2 that it was ready")
def not_ready_early(dependence: Dependence) -> None:
    require(
        not dependence.ready_early,
        expected="no process.send('ready') before Redis is reached",
        actual="it was sent",
        where=_WHERE,
        look="server.js: process.send('ready') after listen",
    )


def _outage(dependence: Dependence, store: str, seconds: int) -> Outage:
    if seconds != _WITHIN_S:
        raise Unproven(f"it was given {_WITHIN_S} s, not {seconds}", Whose.OURS)
    return next(each for each in dependence.outages if each.store == store)
