"""Judge what a full Redis evicts, on a server of our own."""

from pathlib import Path

from pytest_bdd import then, when

from golive import toolchain
from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential
from golive.probes.redis import (
    Login,
    memory,
)
from golive.probes.redis_eviction import Eviction, evict
from golive.steps.expectation import require
from golive.steps.redis import exporter, machine_of, primary_of, roles_of

_CONFIGURATION = "/etc/redis/redis.conf"
_PREFIX = "dv:"


@when(
    "a server with the primary's file and policy is filled with keys, some without a TTL",
    target_fixture="eviction",
)
def fill(environment: Environment, measurements: Measurements, evidence: EvidenceLog) -> Eviction:
    node, _ = primary_of(roles_of(environment, measurements))
    machine = machine_of(environment, node)
    seen = measurements.result(
        evict,
        toolchain.ensure(lambda _: None).redis_server,
        Path(machine.path(_CONFIGURATION)),
        measurements.result(memory, node, exporter(environment)).policy,
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
