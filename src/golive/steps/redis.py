"""Judge Redis: its nodes, its memory, what the application keeps in it, and who may do what."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pytest_bdd import parsers, then, when

from golive import toolchain
from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.probes.redis import (
    Keyspace,
    Login,
    Memory,
    Node,
    Replication,
    keyspace,
    memory,
    replication,
    snapshots,
)
from golive.probes.redis_access import answers, permissions
from golive.probes.redis_eviction import Eviction, evict
from golive.steps.expectation import column, listed, require

T = TypeVar("T")

_CONFIGURATION = "/etc/redis/redis.conf"
_PREFIX = "dv:"
_SHOWN = 5  # names of keys: they have addresses of clients in them
_KEYS = 100_000  # a cache that is larger is looked at in part
_KEPT_WITHIN_S = 2.0


@then(parsers.parse("of {count:d} Redis nodes exactly one is the primary"))
def one_primary(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, count: int
) -> None:
    seen = _roles(environment, measurements)
    evidence.add("roles", {node.name: each.role for node, each in seen.items()})
    primaries = [node.name for node, each in seen.items() if each.role == "master"]
    require(
        len(seen) == count and len(primaries) == 1,
        expected=f"{count} nodes, 1 primary",
        actual=f"{len(seen)} nodes; primary: {listed(primaries)}",
        where=listed(list(seen)),
        look=_cli(next(iter(seen)), "INFO replication"),
    )


@then(parsers.parse("it has {count:d} replicas online"))
def replicas_online(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, count: int
) -> None:
    node, seen = _primary(_roles(environment, measurements))
    evidence.add("replicas, as the primary sees them", seen.attached)
    require(
        [each.state for each in seen.attached] == ["online"] * count,
        expected=f"{count} replicas, each online",
        actual=listed([each.state for each in seen.attached]),
        where=node,
        look=_cli(node, "INFO replication"),
    )


@then("each of the others follows it, its link up")
def others_follow(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> None:
    roles = _roles(environment, measurements)
    primary, origin = _primary(roles)
    for node, seen in roles.items():
        if node != primary:
            evidence.add(f"{node.name} follows", [seen.follows, seen.link])
            # Names differ from addresses; the id of the data's history says whom it follows.
            require(
                seen.link == "up" and seen.history == origin.history,
                expected=f"the history {origin.history} of {primary.name}, over a link that is up",
                actual=f"{seen.history} of {seen.follows}, link {seen.link}",
                where=node,
                look=_cli(node, "INFO replication"),
            )


@then(
    parsers.parse(
        "each replica is at most {most:d} kB behind the primary, and was heard at most "
        "{seconds:d} s ago"
    )
)
def not_behind(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    most: int,
    seconds: int,
) -> None:
    primary, _ = _primary(_roles(environment, measurements))
    login = _exporter(environment)
    origin = replication(primary, login)  # first: what a replica gets meanwhile is no lag
    behind = {
        node: max(0, origin.offset - replication(node, login).offset)
        for node in _nodes(environment)
        if node != primary
    }
    evidence.add("bytes behind", {node.name: bytes_ for node, bytes_ in behind.items()})
    for node, bytes_ in behind.items():
        require(
            bytes_ <= most * 1024,
            expected=f"at most {most * 1024} bytes behind {primary.name} at {origin.offset}",
            actual=f"{bytes_} bytes",
            where=node,
            look=_cli(node, "INFO replication"),
        )
    silent = [each.silent_s for each in origin.attached]
    evidence.add("seconds since each was heard", silent)
    require(
        max(silent, default=0) <= seconds,
        expected=f"each replica heard within {seconds} s",
        actual=f"{listed(silent)} s ago",
        where=primary,
        look=_cli(primary, "INFO replication"),
    )


@then(parsers.parse("maxmemory is set on each Redis node, under {gib:g} GiB"))
def maxmemory_under(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, gib: float
) -> None:
    for node, seen in _memories(environment, measurements, evidence).items():
        require(
            0 < seen.maxmemory < gib * 2**30,
            expected=f"set, and under {gib:g} GiB",
            actual=f"{seen.maxmemory / 2**30:.2f} GiB" if seen.maxmemory else "0: no limit",
            where=node,
            look=_cli(node, "INFO memory"),
        )


@then("maxmemory is under the memory of the machine of each Redis node")
def maxmemory_under_machine(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> None:
    for node, seen in _memories(environment, measurements, evidence).items():
        require(
            0 < seen.maxmemory < seen.of_machine,
            expected=f"set, and under the machine's {seen.of_machine / 2**30:.2f} GiB",
            actual=f"{seen.maxmemory / 2**30:.2f} GiB" if seen.maxmemory else "0: no limit",
            where=node,
            look=_cli(node, "INFO memory"),
        )


@then(parsers.parse("the eviction policy of each Redis node is {policy}"))
def policy_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, policy: str
) -> None:
    for node, seen in _memories(environment, measurements, evidence).items():
        require(
            seen.policy == policy,
            expected=policy,
            actual=seen.policy,
            where=node,
            look=_cli(node, "INFO memory"),
        )


@when(
    "a server with the primary's file and policy is filled with keys, some without a TTL",
    target_fixture="eviction",
)
def fill(environment: Environment, measurements: Measurements, evidence: EvidenceLog) -> Eviction:
    node, _ = _primary(_roles(environment, measurements))
    machine = _machine(environment, node)
    seen = measurements.result(
        evict,
        toolchain.ensure(lambda _: None).redis_server,
        Path(machine.path(_CONFIGURATION)),
        measurements.result(memory, node, _exporter(environment)).policy,
        Login("default", credential(environment, "redis-password")),
        _PREFIX,
        machine.host.root,
    )
    evidence.add("kept and refused", seen)
    return seen


@when("it is filled with keys without a TTL until nothing else is left")
def fill_up(eviction: Eviction) -> None:
    """The probe goes on to do so at once."""


@then("all keys without a TTL are there")
def spared(eviction: Eviction) -> None:
    seen = eviction.without_ttl
    require(
        seen.kept == seen.written > 0,
        expected=f"all {seen.written} keys without a TTL, after more than the memory holds",
        actual=f"{seen.kept} of them, {seen.refused} not written",
        where="a server of golive's own with the deployment's file and policy",
        look="the maxmemory-policy, and which keys are written without EX",
    )


@then("some keys with a TTL were evicted, and no write was refused")
def evicted(eviction: Eviction) -> None:
    seen = eviction.with_ttl
    require(
        0 < seen.kept < seen.written and seen.refused == 0,
        expected=f"room made for all of {seen.written + seen.refused} keys with a TTL",
        actual=f"{seen.kept} of {seen.written} are left, {seen.refused} writes refused (OOM)",
        where="a server of golive's own with the deployment's file and policy",
        look="the maxmemory-policy",
    )


@then("writes are refused, and all keys without a TTL are there")
def refuses_rather(eviction: Eviction) -> None:
    seen = eviction.full
    require(
        seen.refused > 0 and seen.kept == seen.written,
        expected=f"writes refused (OOM), and all of {seen.written} keys without a TTL",
        actual=f"{seen.refused} writes refused, {seen.kept} keys",
        where="a server of golive's own with the deployment's file and policy",
        look="the maxmemory-policy",
    )


@when(
    parsers.parse('a client asks "{path}" for a word that nobody asked for'), target_fixture="word"
)
def ask_for_a_word(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str) -> str:
    word = f"golive{secrets.token_hex(8)}"
    pace.wait()
    response = request(https, path + word)
    evidence.add(response.url, response.status)
    require(
        response.status == 200,
        expected="status 200",
        actual=response.status,
        where=response.url,
        look=f"curl -i 'https://{https.name}{path}{word}'",
    )
    return word


@then("the application keeps the answer in Redis", target_fixture="keys")
def keeps_answer(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, word: str
) -> Keyspace:
    node, _ = _primary(_roles(environment, measurements))
    login = Login("admin", credential(environment, "redis-admin-password"))
    until = time.monotonic() + _KEPT_WITHIN_S
    while True:  # the application answers first, and writes then
        seen = keyspace(node, login, 0, _KEYS)
        kept = [key.name for key in seen.keys if word in key.name]
        if kept or time.monotonic() > until:
            break
    evidence.add("kept", kept)
    evidence.add("keys of each database", seen.databases)
    if not kept and not seen.complete:
        raise Unproven(f"{node} has more than {_KEYS} keys: not found among them", Whose.OURS)
    require(
        len(kept) == 1,
        expected=f"1 key with {word} in its name, within {_KEPT_WITHIN_S:g} s",
        actual=f"{len(kept)} of {len(seen.keys)} keys",
        where=node,
        look=_cli(node, f"--scan --pattern '*{word}*'"),
    )
    return seen


@then(parsers.parse('each Redis key begins with "{prefix}"'))
def has_prefix(environment: Environment, keys: Keyspace, prefix: str) -> None:
    others = [key.name for key in keys.keys if not key.name.startswith(prefix)]
    require(
        not others,
        expected=f"{len(keys.keys)} keys that begin with {prefix}",
        actual=f"{len(others)} do not: {listed(others[:_SHOWN])}",
        where=environment.name,
        look="redis-cli --scan",
    )


@then(parsers.parse("each Redis key has a TTL of at most {minutes:d} minutes"))
def has_ttl(environment: Environment, keys: Keyspace, minutes: int) -> None:
    wrong = [key for key in keys.keys if key.ttl_s is None or key.ttl_s > minutes * 60]
    require(
        not wrong,
        expected=f"{len(keys.keys)} keys with a TTL of at most {minutes * 60} s",
        actual=f"{len(wrong)} without: {listed(wrong[:_SHOWN])}",
        where=environment.name,
        look="redis-cli PTTL <key>",
    )


@then(parsers.parse("only the Redis database {number:d} has keys"))
def one_database(environment: Environment, keys: Keyspace, number: int) -> None:
    require(
        set(keys.databases) == {number},
        expected=f"keys in database {number} only",
        actual=f"keys in each: {keys.databases}",
        where=environment.name,
        look="redis-cli INFO keyspace",
    )


@then(parsers.parse("each Redis node answers {code} to somebody without a password who sends"))
def refused_without(
    environment: Environment, evidence: EvidenceLog, code: str, datatable: list[list[str]]
) -> None:
    for node in _nodes(environment):
        _require_refused(evidence, node, tuple(column(datatable)), None, code)


@then(parsers.parse("each Redis node answers {code} to a wrong password"))
def refused_wrong(environment: Environment, evidence: EvidenceLog, code: str) -> None:
    for node in _nodes(environment):
        _require_refused(evidence, node, ("PING",), secrets.token_hex(16), code)


@then("the application's Redis password allows none of")
def allows_none(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    node, _ = _primary(_roles(environment, measurements))
    admin = Login("admin", credential(environment, "redis-admin-password"))
    password = credential(environment, "redis-password")
    seen = permissions(node, admin, password, tuple(column(datatable)))
    evidence.add("permissions", seen)
    allowed = [each for each in seen if each.refusal is None]
    require(
        not allowed,
        expected=f"none of {len(seen)} commands allowed",
        actual=f"allowed: {listed([each.command for each in allowed])}",
        where=f"{node}, user {seen[0].user}",
        look=_cli(node, f"ACL DRYRUN {seen[0].user} " + (allowed[0].command if allowed else "")),
    )


@then(parsers.parse('"{command}", sent with it, is answered {code}'))
def is_answered(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    command: str,
    code: str,
) -> None:
    node, _ = _primary(_roles(environment, measurements))
    password = credential(environment, "redis-password")
    _require_refused(evidence, node, (command,), password, code)


@then(parsers.parse('"{command}", sent with it, is served'))
def is_served(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, command: str
) -> None:
    node, _ = _primary(_roles(environment, measurements))
    _require_refused(evidence, node, (command,), credential(environment, "redis-password"), None)


@then(parsers.parse('the snapshot schedule of each Redis node is "{schedule}"'))
def schedule_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, schedule: str
) -> None:
    for node, seen in _each(environment, measurements, snapshots).items():
        evidence.add(f"snapshots of {node.name}", seen)
        require(
            seen.schedule == schedule,
            expected=f"save {schedule}",
            actual=f"save {seen.schedule}" if seen.schedule else "no snapshots",
            where=node,
            look=_cli(node, "CONFIG GET save"),
        )


@then(
    parsers.parse(
        "its last snapshot went well, and no change is older than {minutes:d} minutes without one"
    )
)
def snapshot_recent(environment: Environment, measurements: Measurements, minutes: int) -> None:
    for node, seen in _each(environment, measurements, snapshots).items():
        age = datetime.now(UTC) - seen.last
        require(
            seen.last_status == "ok" and (seen.unsaved == 0 or age < timedelta(minutes=minutes)),
            expected=f"ok, and at most {minutes} minutes old where anything has changed since",
            actual=f"{seen.last_status}, {age} ago, {seen.unsaved} changes since",
            where=node,
            look=_cli(node, "INFO persistence"),
        )


def _nodes(environment: Environment) -> tuple[Node, ...]:
    return tuple(map(node_of, machines(environment, "redis")))


def node_of(machine: Machine) -> Node:
    """The node on a host."""
    return Node(machine.name.partition(".")[0], machine.host.address or machine.name)


def _machine(environment: Environment, node: Node) -> Machine:
    return next(
        machine
        for machine in machines(environment, "redis")
        if machine.name.partition(".")[0] == node.name
    )


def _exporter(environment: Environment) -> Login:
    return Login("exporter", credential(environment, "redis-exporter-password"))


def _each(
    environment: Environment, measurements: Measurements, probe: Callable[[Node, Login], T]
) -> dict[Node, T]:
    """What the probe says of each node; all are asked at the same time."""
    login = _exporter(environment)
    nodes = _nodes(environment)
    asked = {node: measurements.start(probe, node, login) for node in nodes}
    return {node: future.result() for node, future in asked.items()}


def _roles(environment: Environment, measurements: Measurements) -> dict[Node, Replication]:
    return _each(environment, measurements, replication)


def _primary(seen: dict[Node, Replication]) -> tuple[Node, Replication]:
    """The one primary. Raises Unproven where there is another number of them."""
    primaries = [(node, each) for node, each in seen.items() if each.role == "master"]
    if len(primaries) != 1:
        names = listed([node.name for node, _ in primaries])
        raise Unproven(f"there is not exactly one primary: {names}", Whose.TARGET)
    return primaries[0]


def _memories(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> dict[Node, Memory]:
    seen = _each(environment, measurements, memory)
    evidence.add("memory", {node.name: each for node, each in seen.items()})
    return seen


def _require_refused(
    evidence: EvidenceLog,
    node: Node,
    commands: tuple[str, ...],
    password: str | None,
    code: str | None,
) -> None:
    seen = answers(node, commands, password)
    evidence.add(
        f"answers of {node.name}", {each.command: each.refusal or "served" for each in seen}
    )
    wrong = [f"{each.command}: {each.refusal or 'served'}" for each in seen if each.refusal != code]
    signed_in = "" if password is None else "AUTH <password>, then "
    require(
        not wrong,
        expected=code or "served",
        actual=listed(wrong),
        where=node,
        look=f"redis-cli -h {node.address} -p {node.port}: {signed_in}{commands[0]}",
    )


def _cli(node: Node, command: str) -> str:
    return f"redis-cli -h {node.address} -p {node.port} --user exporter --askpass {command}"
