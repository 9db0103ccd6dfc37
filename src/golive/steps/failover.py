"""Judge what users see of a failover."""

from pathlib import Path

from pytest_bdd import given, parsers, then

from golive import toolchain
from golive.drills.application_servers import Growth, ServerLoss
from golive.drills.failover import FailoverDrill, FreezeDrill, fail_over, freeze_primary
from golive.drills.mongodb_primary import PrimaryLoss
from golive.drills.redis_node import NodeLoss
from golive.drills.stage import Replica
from golive.drills.traffic import Share
from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential, machines
from golive.outcome import Unproven, Whose
from golive.probes import redis
from golive.probes.mongodb import Login
from golive.steps.expectation import listed, require
from golive.steps.mongodb import members
from golive.steps.site import site

_STALLED_S = 2  # as the feature says
_WHERE = "the replica, under traffic through the edge"
_NODES = {"replica": "redis-2", "primary": "redis-1"}


def drilled(environment: Environment, clients: Clients) -> Replica:
    """The replica, for a drill that may break it."""
    root = machines(environment, "edge")[0].host.root
    return Replica(
        directory=Path(root).parents[1],
        site=site(environment, environment.site.ports.https, None),
        members=members(environment),
        mongodb_admin=Login("admin", credential(environment, "mongo-admin-password")),
        redis_admin=redis.Login("admin", credential(environment, "redis-admin-password")),
        node=toolchain.ensure(lambda _: None).node,
        token_secret=credential(environment, "secret-key-here"),
        client=clients.new,
    )


def _drill(environment: Environment, measurements: Measurements, clients: Clients) -> FailoverDrill:
    """The drill, once a session; in this thread, so that an interrupt ends and heals it."""
    return measurements.here(fail_over, drilled(environment, clients), float(_STALLED_S))


@given("all processes of an application server are killed under traffic", target_fixture="loss")
def server_killed(
    environment: Environment, measurements: Measurements, clients: Clients, evidence: EvidenceLog
) -> ServerLoss:
    seen = _drill(environment, measurements, clients).server
    evidence.add("loss of an application server", seen)
    return seen


@then(
    parsers.parse(
        "of {count:d} requests of status and reading at least, until it is ready again, "
        "none was lost"
    )
)
def none_lost_with_it(loss: ServerLoss, count: int) -> None:
    require_none_lost(loss.retriable, count, "proxy_next_upstream in nginx.conf")


@then(parsers.parse("it answers requests again {seconds:d} s after it is ready"))
def in_rotation(loss: ServerLoss, seconds: int) -> None:
    require(
        loss.back_s is not None and loss.back_s <= seconds,
        expected=f"a request answered within {seconds} s",
        actual="none" if loss.back_s is None else f"the first after {loss.back_s} s",
        where=f"{loss.server}, ready {loss.ready_s} s after it was lost",
        look="fail_timeout of its line in nginx.conf; the upstream in access.log",
    )


@given(
    parsers.parse("an application server answers nobody for {seconds:d} s under traffic"),
    target_fixture="requests",
)
def server_stalls(
    environment: Environment,
    measurements: Measurements,
    clients: Clients,
    evidence: EvidenceLog,
    seconds: int,
) -> Share:
    if seconds != _STALLED_S:
        raise Unproven(f"it is made to stall for {_STALLED_S} s", Whose.OURS)
    drill = _drill(environment, measurements, clients)
    evidence.add("seconds that it stalled", drill.stalled_s)
    evidence.add("requests", drill.stalled)
    return drill.stalled


@then(
    parsers.parse(
        "of {count:d} requests of status at least none was lost, and none took longer than "
        "{seconds:d} s"
    )
)
def only_delayed(requests: Share, count: int, seconds: int) -> None:
    look = "proxy_connect_timeout and proxy_read_timeout in nginx.conf"
    require_none_lost(requests, count, look)
    require_soon(requests, seconds, look)


@given(
    "a fourth application server is added under traffic, and removed again",
    target_fixture="growth",
)
def one_added(
    environment: Environment, measurements: Measurements, clients: Clients, evidence: EvidenceLog
) -> Growth:
    drill = _drill(environment, measurements, clients)
    evidence.add("a fourth server", drill.growth)
    evidence.add("requests meanwhile", drill.growing)
    return drill.growth


@then("it answers at least half as many requests as each of the others does")
def has_share(growth: Growth) -> None:
    answered = dict(growth.answered)
    most = max((n for address, n in answered.items() if address != growth.added), default=0)
    if not most:
        raise Unproven(f"no other server has answered: {answered}", Whose.TARGET)
    require(
        answered.get(growth.added, 0) * 2 >= most,
        expected=f"half of {most} requests at least",
        actual=answered.get(growth.added, 0),
        where=f"{growth.added}; all: {answered}",
        look="the servers of the upstream in nginx.conf, their weights, the method",
    )


@then(parsers.parse("of {count:d} requests at least none was lost"))
def none_lost_meanwhile(
    environment: Environment, measurements: Measurements, clients: Clients, count: int
) -> None:
    drill = _drill(environment, measurements, clients)
    require_none_lost(drill.growing, count, "nginx's error.log: two reloads")


@then("the processes of the others are the same as before")
def others_untouched(growth: Growth) -> None:
    require(
        growth.untouched,
        expected="the same processes",
        actual="others",
        where="app-1 to app-3",
        look="pm2 list",
    )


@then("it answers none any more once it is removed")
def removed(growth: Growth) -> None:
    require(
        growth.afterwards == 0,
        expected="no request",
        actual=growth.afterwards,
        where=growth.added,
        look="the upstream in access.log",
    )


@given(parsers.parse("the MongoDB primary is killed under traffic"), target_fixture="lost_primary")
def primary_killed(
    environment: Environment, measurements: Measurements, clients: Clients, evidence: EvidenceLog
) -> PrimaryLoss:
    seen = _drill(environment, measurements, clients).primary
    evidence.add("loss of the primary", seen)
    return seen


@given(parsers.parse("the MongoDB primary is frozen under traffic"), target_fixture="lost_primary")
def primary_frozen(
    environment: Environment, measurements: Measurements, clients: Clients, evidence: EvidenceLog
) -> PrimaryLoss:
    drill: FreezeDrill = measurements.here(freeze_primary, drilled(environment, clients))
    evidence.add("loss of the primary", drill.primary)
    _require_as_before(drill.changed)
    return drill.primary


@then(parsers.parse("another member is the primary within {seconds:d} s"))
def another_leads(lost_primary: PrimaryLoss, seconds: int) -> None:
    took = lost_primary.elected_s
    require(
        took is not None and took <= seconds,
        expected=f"a new primary within {seconds} s",
        actual="none" if took is None else f"{lost_primary.elected} after {took} s",
        where=f"{lost_primary.lost}, {lost_primary.how}",
        look="rs.conf(): settings.electionTimeoutMillis, priority and votes of the members",
    )


@then(parsers.parse("writes are acknowledged again within {seconds:d} s"))
def writes_resume(lost_primary: PrimaryLoss, seconds: int) -> None:
    where = f"{lost_primary.lost}, {lost_primary.how}"
    require_resumed(lost_primary.resumed_s, seconds, where)


@then(parsers.parse("of {count:d} acknowledged writes at least the new primary has all"))
def none_missing(lost_primary: PrimaryLoss, count: int) -> None:
    if lost_primary.elected is None or lost_primary.acknowledged < count:
        raise Unproven(
            f"{lost_primary.acknowledged} writes were acknowledged, and the new primary is "
            f"{lost_primary.elected}",
            Whose.TARGET,
        )
    _require_written(lost_primary, lost_primary.missing, lost_primary.elected)


@then("so has the old one, when it leads again")
def none_missing_back(lost_primary: PrimaryLoss) -> None:
    _require_written(lost_primary, lost_primary.missing_back, lost_primary.lost)


@given(parsers.parse("the Redis {node} is killed under traffic"), target_fixture="lost_node")
def node_killed(
    environment: Environment,
    measurements: Measurements,
    clients: Clients,
    evidence: EvidenceLog,
    node: str,
) -> NodeLoss:
    nodes = _drill(environment, measurements, clients).nodes
    seen = next(each for each in nodes if each.node == _NODES[node])
    evidence.add(f"loss of the {node}", seen)
    return seen


@then(
    parsers.parse(
        "of {count:d} requests at least, until it is back, none was lost, and none took longer "
        "than {seconds:d} s"
    )
)
def serves_without(lost_node: NodeLoss, count: int, seconds: int) -> None:
    look = "src/redis.js of the application: what it does without Redis, and for how long"
    require_none_lost(lost_node.requests, count, look)
    require_soon(lost_node.requests, seconds, look)


@then(parsers.parse("it is back, and in use, within {seconds:d} s of its start"))
def node_back(lost_node: NodeLoss, seconds: int) -> None:
    require(
        lost_node.back_s <= seconds,
        expected=f"within {seconds} s of its start",
        actual=f"{lost_node.back_s} s",
        where=lost_node.node,
        look="redis-cli INFO replication; /ready of the application servers",
    )


@given("one part after the other was lost, and started again", target_fixture="changed")
def all_lost(
    environment: Environment, measurements: Measurements, clients: Clients, evidence: EvidenceLog
) -> tuple[str, ...]:
    drill = _drill(environment, measurements, clients)
    evidence.add("seconds that the traffic flowed", drill.lasted_s)
    return drill.changed


@then("every process, role and link of the replica is as before")
def as_before(changed: tuple[str, ...]) -> None:
    _require_as_before(changed)


def _require_as_before(changed: tuple[str, ...]) -> None:
    require(
        not changed,
        expected="the same processes, roles and links",
        actual=listed(changed),
        where="the replica",
        look="golive status",
    )


def _require_written(loss: PrimaryLoss, missing: int, member: str) -> None:
    require_all(loss.acknowledged, missing, f"{member}, after {loss.lost} was {loss.how}")


def require_all(acknowledged: int, missing: int, where: str) -> None:
    """No acknowledged write is missing there. Raises AssertionError."""
    require(
        missing == 0,
        expected=f"all of {acknowledged} acknowledged writes",
        actual=f"{missing} missing",
        where=where,
        look="the write concern: w majority (src/mongo.js, MONGO_URI)",
    )


def require_resumed(took_s: float | None, seconds: int, where: str) -> None:
    """A write was acknowledged again in time; None: not at all. Raises AssertionError."""
    require(
        took_s is not None and took_s <= seconds,
        expected=f"a write acknowledged within {seconds} s",
        actual="none" if took_s is None else f"after {took_s} s",
        where=where,
        look="src/mongo.js of the application: its timeouts",
    )


def require_soon(seen: Share, seconds: float, look: str) -> None:
    """None of these requests took longer. Raises AssertionError."""
    require(
        seen.longest_s <= seconds,
        expected=f"{seconds:g} s at most",
        actual=f"{seen.longest_s} s",
        where=_WHERE,
        look=look,
    )


def require_none_lost(seen: Share, count: int, look: str) -> None:
    """None of `count` requests or more was lost. Raises AssertionError, Unproven."""
    if seen.asked < count:
        raise Unproven(f"{seen.asked} requests were made, {count} are needed", Whose.OURS)
    require(
        seen.lost == 0,
        expected=f"all of {seen.asked} requests answered",
        actual=f"{seen.lost} lost: {listed(seen.why[:3])}",
        where=_WHERE,
        look=look,
    )
