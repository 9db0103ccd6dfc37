"""Judge what the servers are: size, system, versions, instance type."""

from collections.abc import Iterable

from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.probes import redis
from golive.probes import servers as probe
from golive.probes.mongodb import Login, Member
from golive.probes.servers import (
    NodeSize,
    Size,
    mongodb_size,
    product,
    size,
    system,
)
from golive.steps.expectation import require
from golive.steps.pm2 import daemons

APPLICATION = "/var/www/dashboard-velo-api"
_GB = 10**9
_MEMORY = "has {gb:d} GB of memory, {percent:d} % more or less"


def _sizes(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> dict[Machine, Size]:
    servers = machines(environment, "app")
    sizes = {each: measurements.result(size, each, APPLICATION) for each in servers}
    evidence.add("sizes", {machine.name: found for machine, found in sizes.items()})
    return sizes


@then(parsers.parse("every application server has {cpus:d} CPUs"))
def cpus_are(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, cpus: int
) -> None:
    for machine in machines(environment, "app"):
        found = measurements.result(probe.cpus, machine)
        evidence.add(machine.name, found)
        require(
            found == cpus,
            expected=f"{cpus} CPUs",
            actual=f"{found} CPUs",
            where=machine.name,
            look="nproc",
        )


@then(parsers.parse(f"every application server {_MEMORY}"))
def memory_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    gb: int,
    percent: int,
) -> None:
    for machine, found in _sizes(environment, measurements, evidence).items():
        _require_memory(found.memory, gb, percent, machine.name, "grep MemTotal /proc/meminfo")


@then(
    parsers.parse(
        "every application server has {gb:d} GB of storage at least, where the application is"
    )
)
def storage_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, gb: int
) -> None:
    for machine, found in _sizes(environment, measurements, evidence).items():
        _require_storage(found.storage, gb, machine.name, f"df -h {machine.path(APPLICATION)}")


@then(parsers.parse("{percent:d} % of it are free at least"))
def storage_is_free(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, percent: int
) -> None:
    for machine, found in _sizes(environment, measurements, evidence).items():
        free = 100 * found.free / found.storage
        require(
            free >= percent,
            expected=f"{percent} % free at least",
            actual=f"{free:.0f} % ({found.free / _GB:.1f} GB)",
            where=machine.name,
            look=f"df -h {machine.path(APPLICATION)}",
        )


@then(parsers.parse('every application server runs "{name}" "{version}"'))
def system_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    name: str,
    version: str,
) -> None:
    for machine in machines(environment, "app"):
        found = measurements.result(system, machine)
        evidence.add(machine.name, found)
        require(
            (found.name, found.version) == (name, version),
            expected=f"{name} {version}",
            actual=found.description,
            where=machine.name,
            look="cat /etc/os-release",
        )


@then(
    parsers.parse(
        'on every application server the Node.js that runs PM2 and each worker is "{version}"'
    )
)
def node_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, version: str
) -> None:
    for machine, daemon in daemons(environment, measurements).items():
        seen = [daemon.node, *(f"v{worker.node}" for worker in daemon.workers)]
        evidence.add(machine.name, seen)
        _require_version(seen, version, machine, f"{daemon.program} --version; pm2 jlist")


@then(parsers.parse('on every application server the PM2 that runs is "{version}"'))
def pm2_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, version: str
) -> None:
    for machine, daemon in daemons(environment, measurements).items():
        evidence.add(machine.name, daemon.version)
        _require_version([daemon.version], version, machine, "pm2 report")


@then(parsers.parse('the firmware of every application server calls it "{name}"'))
def product_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, name: str
) -> None:
    for machine in machines(environment, "app"):
        found = measurements.result(product, machine)
        evidence.add(machine.name, found)
        require(
            found == name,
            expected=name,
            actual=found or "no name: there is no firmware table, so this is no EC2 instance",
            where=machine.name,
            look="cat /sys/devices/virtual/dmi/id/product_name",
        )


@then(parsers.parse(f"every MongoDB node {_MEMORY}"))
def mongodb_memory_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    gb: int,
    percent: int,
) -> None:
    for name, found in _mongodb_sizes(environment, measurements, evidence).items():
        _require_memory(found.memory, gb, percent, name, "mongosh: db.hostInfo().system")


@then(parsers.parse("every MongoDB node has {gb:d} GB of storage at least"))
def mongodb_storage_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, gb: int
) -> None:
    for name, found in _mongodb_sizes(environment, measurements, evidence).items():
        _require_storage(found.storage, gb, name, "mongosh: db.stats().fsTotalSize")


@then(parsers.parse(f"every Redis node {_MEMORY}"))
def redis_memory_is(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    gb: int,
    percent: int,
) -> None:
    for node, found in _redis_memories(environment, measurements, evidence).items():
        _require_memory(found.of_machine, gb, percent, node, "redis-cli INFO memory")


def _mongodb_sizes(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> dict[str, NodeSize]:
    login = Login("exporter", credential(environment, "mongo-exporter-password"))
    sizes = {}
    for node in machines(environment, "mongo"):
        member = Member(node.name, node.host.address or node.name, roots=environment.site.roots)
        sizes[node.name] = measurements.result(mongodb_size, member, login)
    evidence.add("sizes", sizes)
    return sizes


def _redis_memories(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> dict[redis.Node, redis.Memory]:
    login = redis.Login("exporter", credential(environment, "redis-exporter-password"))
    nodes = [
        redis.Node(each.name, each.host.address or each.name)
        for each in machines(environment, "redis")
    ]
    found = {node: measurements.result(redis.memory, node, login) for node in nodes}
    evidence.add("memory", {node.name: memory for node, memory in found.items()})
    return found


def _require_memory(found: int, gb: int, percent: int, where: object, look: str) -> None:
    require(
        abs(found - gb * _GB) <= gb * _GB * percent / 100,
        expected=f"{gb} GB of memory, {percent} % more or less",
        actual=f"{found / _GB:.1f} GB",
        where=where,
        look=look,
    )


def _require_storage(found: int, gb: int, where: object, look: str) -> None:
    require(
        found >= gb * _GB,
        expected=f"{gb} GB of storage at least",
        actual=f"{found / _GB:.1f} GB",
        where=where,
        look=look,
    )


def _require_version(seen: Iterable[str], version: str, machine: Machine, look: str) -> None:
    require(
        set(seen) == {version},
        expected=version,
        actual=", ".join(sorted(set(seen))),
        where=machine.name,
        look=look,
    )
