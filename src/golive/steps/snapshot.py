"""Judge what Redis has after it was started from its snapshot."""

from collections.abc import Set as AbstractSet

from pytest_bdd import parsers, then, when

from golive import toolchain
from golive.drills.snapshot import SnapshotDrill, restart
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import Unproven, Whose
from golive.probes.redis import Login, replication
from golive.steps.expectation import listed, require
from golive.steps.redis import node_of

_CONFIGURATION = "/etc/redis/redis.conf"
_PREFIX = "dv:"
_WHERE = "a Redis of golive's own, started from the primary's snapshot"


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """A snapshot and a start."""
    if environment.kind is Kind.REPLICA and "RDS-05" in tags:
        measurements.queue(_restarted, *_arguments(environment))


def _arguments(environment: Environment) -> tuple[tuple[Machine, ...], Login]:
    return machines(environment, "redis"), Login(
        "admin", credential(environment, "redis-admin-password")
    )


def _restarted(hosts: tuple[Machine, ...], admin: Login) -> SnapshotDrill:
    for host in hosts:
        node = node_of(host)
        if replication(node, admin).role == "master":
            server = toolchain.ensure(lambda _: None).redis_server
            return restart(host, node, admin, _CONFIGURATION, server, _PREFIX)
    raise Unproven("no Redis node is the primary", Whose.TARGET)


@when("a Redis server is started from the primary's snapshot", target_fixture="snapshot")
def restarted(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> SnapshotDrill:
    seen = measurements.result(_restarted, *_arguments(environment))
    evidence.add("restart from the snapshot", seen)
    return seen


@then("the snapshot went well, and is where the server looks for it")
def is_there(snapshot: SnapshotDrill) -> None:
    require(
        snapshot.status == "ok" and snapshot.age_s is not None and not snapshot.refused,
        expected="ok, and a file from which a server starts",
        actual=f"{snapshot.status}, {'no file' if snapshot.age_s is None else 'a file'} "
        f"{snapshot.refused}",
        where=snapshot.file,
        look="redis-cli INFO persistence; dir and dbfilename, in the file and as CONFIG GET says",
    )


@then(parsers.parse("it has every key of {types:d} types, with the same values"))
def has_all(snapshot: SnapshotDrill, types: int) -> None:
    _require_measured(snapshot)
    if snapshot.written != types:
        raise Unproven(f"keys of {snapshot.written} types were written", Whose.OURS)
    require(
        not snapshot.missing and not snapshot.changed,
        expected=f"all of {snapshot.written} keys",
        actual=f"missing: {listed(snapshot.missing)}; other values: {listed(snapshot.changed)}",
        where=_WHERE,
        look=f"redis-cli --rdb, redis-check-rdb {snapshot.file}",
    )


@then("every key expires when it would have")
def expires(snapshot: SnapshotDrill) -> None:
    _require_measured(snapshot)
    require(
        not snapshot.missing and not snapshot.moved,
        expected=f"the same PEXPIRETIME of {snapshot.written} keys",
        actual=f"missing: {listed(snapshot.missing)}; other times: {listed(snapshot.moved)}",
        where=_WHERE,
        look="redis-cli PEXPIRETIME <key>",
    )


def _require_measured(snapshot: SnapshotDrill) -> None:
    if snapshot.age_s is None or snapshot.refused:
        reason = snapshot.refused or "there is none"
        raise Unproven(f"no server was started from {snapshot.file}: {reason}", Whose.TARGET)
