"""Judge what Prometheus watches."""

from collections.abc import Set as AbstractSet

from pytest_bdd import parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.probes.prometheus import PORT, loaded_rules, value
from golive.steps.expectation import column, listed, require
from golive.steps.prometheus import monitoring, settled, url


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """A target that has just started is scraped within 15 s."""
    if environment.kind is Kind.REPLICA and tags & {"ARC-08", "MDB-05"}:
        measurements.start(settled, monitoring(environment, PORT))


@then(parsers.parse('the "{job}" of each host of these roles is scraped by Prometheus, and up'))
def hosts_are_watched(
    environment: Environment,
    measurements: Measurements,
    prometheus: Endpoint,
    evidence: EvidenceLog,
    job: str,
    datatable: list[list[str]],
) -> None:
    found = [each for each in measurements.result(settled, prometheus) if each.job == job]
    evidence.add("targets", {each.instance: [each.health, each.scraped] for each in found})
    for machine in (each for role in column(datatable) for each in machines(environment, role)):
        names = {machine.name, machine.host.address}
        its = [each for each in found if each.instance.rpartition(":")[0] in names]
        require(
            [each.health for each in its] == ["up"],
            expected=f"one target of the job {job}, up",
            actual=listed([f"{each.instance} {each.health} {each.error}".strip() for each in its]),
            where=machine.name,
            look=url(prometheus, "/targets"),
        )


@then(parsers.parse('"{metric}" is 1 in Prometheus for as many members as there are'))
def members_are_watched(
    environment: Environment,
    measurements: Measurements,
    prometheus: Endpoint,
    evidence: EvidenceLog,
    metric: str,
) -> None:
    measurements.result(settled, prometheus)
    members = len(machines(environment, "mongo"))
    up = int(value(prometheus, f"count({metric} == 1)") or 0)
    evidence.add(f"{metric} 1", up)
    require(
        up == members,
        expected=f"{metric} 1 of {members} members",
        actual=f"of {up}",
        where=url(prometheus, ""),
        look=url(prometheus, f"/graph?g0.expr={metric}"),
    )


@then(
    parsers.parse(
        'Prometheus has loaded an alert on a metric "{prefix}", and evaluates it without an error'
    )
)
def alert_is_loaded(prometheus: Endpoint, evidence: EvidenceLog, prefix: str) -> None:
    found = [
        each
        for each in loaded_rules(prometheus)
        if each.rule.alerting and prefix in each.rule.expression
    ]
    evidence.add("alerts", [[e.rule.name, e.rule.expression, e.health, e.error] for e in found])
    require(
        bool(found) and not any(each.error for each in found),
        expected=f"an alert on {prefix}..., without an error",
        actual=listed([f"{each.rule.name}: {each.error or 'no error'}" for each in found]),
        where=url(prometheus, ""),
        look=url(prometheus, "/rules"),
    )
