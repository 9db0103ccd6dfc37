"""Judge Redis: its nodes, their memory and snapshots."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import Unproven, Whose
from golive.probes.redis import (
    Login,
    Memory,
    Node,
    Replication,
    memory,
    replication,
    snapshots,
)
from golive.steps.expectation import listed, require

T = TypeVar("T")


@then(parsers.parse("of {count:d} Redis nodes exactly one is the primary"))
def one_primary(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, count: int
) -> None:
    seen = roles_of(environment, measurements)
    evidence.add("roles", {node.name: each.role for node, each in seen.items()})
    primaries = [node.name for node, each in seen.items() if each.role == "master"]
    require(
        len(seen) == count and len(primaries) == 1,
        expected=f"{count} nodes, 1 primary",
        actual=f"{len(seen)} nodes; primary: {listed(primaries)}",
        where=listed(list(seen)),
        look=cli(next(iter(seen)), "INFO replication"),
    )


@then(parsers.parse("it has {count:d} replicas online"))
def replicas_online(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, count: int
) -> None:
    node, seen = primary_of(roles_of(environment, measurements))
    evidence.add("replicas, as the primary sees them", seen.attached)
    require(
        [each.state for each in seen.attached] == ["online"] * count,
        expected=f"{count} replicas, each online",
        actual=listed([each.state for each in seen.attached]),
        where=node,
        look=cli(node, "INFO replication"),
    )


@then("each of the others follows it, its link up")
def others_follow(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> None:
    roles = roles_of(environment, measurements)
    primary, origin = primary_of(roles)
    for node, seen in roles.items():
        if node != primary:
            evidence.add(f"{node.name} follows", [seen.follows, seen.link])
            # Names differ from addresses; the id of the data's history says whom it follows.
            require(
                seen.link == "up" and seen.history == origin.history,
                expected=f"the history {origin.history} of {primary.name}, over a link that is up",
                actual=f"{seen.history} of {seen.follows}, link {seen.link}",
                where=node,
                look=cli(node, "INFO replication"),
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
    primary, _ = primary_of(roles_of(environment, measurements))
    login = exporter(environment)
    origin = replication(primary, login)  # first: what a replica gets meanwhile is no lag
    behind = {
        node: max(0, origin.offset - replication(node, login).offset)
        for node in nodes_of(environment)
        if node != primary
    }
    evidence.add("bytes behind", {node.name: bytes_ for node, bytes_ in behind.items()})
    for node, bytes_ in behind.items():
        require(
            bytes_ <= most * 1024,
            expected=f"at most {most * 1024} bytes behind {primary.name} at {origin.offset}",
            actual=f"{bytes_} bytes",
            where=node,
            look=cli(node, "INFO replication"),
        )
    silent = [each.silent_s for each in origin.attached]
    evidence.add("seconds since each was heard", silent)
    require(
        max(silent, default=0) <= seconds,
        expected=f"each replica heard within {seconds} s",
        actual=f"{listed(silent)} s ago",
        where=primary,
        look=cli(primary, "INFO replication"),
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
            look=cli(node, "INFO memory"),
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
            look=cli(node, "INFO memory"),
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
            look=cli(node, "INFO memory"),
        )


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
            look=cli(node, "CONFIG GET save"),
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
            look=cli(node, "INFO persistence"),
        )


def nodes_of(environment: Environment) -> tuple[Node, ...]:
    """The nodes of the environment."""
    return tuple(map(node_of, machines(environment, "redis")))


def node_of(machine: Machine) -> Node:
    """The node on a host."""
    return Node(machine.name.partition(".")[0], machine.host.address or machine.name)


def machine_of(environment: Environment, node: Node) -> Machine:
    """The host of a node."""
    return next(
        machine
        for machine in machines(environment, "redis")
        if machine.name.partition(".")[0] == node.name
    )


def exporter(environment: Environment) -> Login:
    """Who may look, and change nothing."""
    return Login("exporter", credential(environment, "redis-exporter-password"))


def _each(
    environment: Environment, measurements: Measurements, probe: Callable[[Node, Login], T]
) -> dict[Node, T]:
    """What the probe says of each node; all are asked at the same time."""
    login = exporter(environment)
    nodes = nodes_of(environment)
    asked = {node: measurements.start(probe, node, login) for node in nodes}
    return {node: future.result() for node, future in asked.items()}


def roles_of(environment: Environment, measurements: Measurements) -> dict[Node, Replication]:
    """What each node says of its replication."""
    return _each(environment, measurements, replication)


def primary_of(seen: dict[Node, Replication]) -> tuple[Node, Replication]:
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


def cli(node: Node, command: str) -> str:
    """How a person asks a node."""
    return f"redis-cli -h {node.address} -p {node.port} --user exporter --askpass {command}"
