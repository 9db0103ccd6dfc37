"""Judge who may do what in Redis."""

import secrets

from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential
from golive.probes.redis import (
    Login,
    Node,
)
from golive.probes.redis_access import answers, permissions
from golive.steps.expectation import column, listed, require
from golive.steps.redis import cli, nodes_of, primary_of, roles_of


@then(parsers.parse("each Redis node answers {code} to somebody without a password who sends"))
def refused_without(
    environment: Environment, evidence: EvidenceLog, code: str, datatable: list[list[str]]
) -> None:
    for node in nodes_of(environment):
        _require_refused(evidence, node, tuple(column(datatable)), None, code)


@then(parsers.parse("each Redis node answers {code} to a wrong password"))
def refused_wrong(environment: Environment, evidence: EvidenceLog, code: str) -> None:
    for node in nodes_of(environment):
        _require_refused(evidence, node, ("PING",), secrets.token_hex(16), code)


@then("the application's Redis password allows none of")
def allows_none(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    node, _ = primary_of(roles_of(environment, measurements))
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
        look=cli(node, f"ACL DRYRUN {seen[0].user} " + (allowed[0].command if allowed else "")),
    )


@then(parsers.parse('"{command}", sent with it, is answered {code}'))
def is_answered(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    command: str,
    code: str,
) -> None:
    node, _ = primary_of(roles_of(environment, measurements))
    password = credential(environment, "redis-password")
    _require_refused(evidence, node, (command,), password, code)


@then(parsers.parse('"{command}", sent with it, is served'))
def is_served(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, command: str
) -> None:
    node, _ = primary_of(roles_of(environment, measurements))
    _require_refused(evidence, node, (command,), credential(environment, "redis-password"), None)


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
