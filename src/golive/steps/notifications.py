"""Judge who was told of alerts that came about, and of their end."""

from collections.abc import Set as AbstractSet

from pytest_bdd import parsers, then, when

from golive.drills.alert_watch import Rehearsal, Site
from golive.drills.alerts import rehearse
from golive.drills.conditions import Told
from golive.drills.shortened import Scale
from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import NotRun
from golive.probes import mongodb, redis
from golive.steps.expectation import listed, require

SCALE = Scale(every_s=1, durations=100, windows=15)
"""Five minutes of an alert are three seconds; a rate over one minute is one over four seconds."""

_FEATURE = "06_monitoring/notifications.feature::"
_EXCERPT = 400  # characters of a message


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    ahead: AbstractSet[str],
) -> None:
    """Alerts take their time, even when it is made short."""
    if any(each.startswith(_FEATURE) for each in ahead):
        measurements.queue(rehearse, _site(environment, clients), SCALE)


def _site(environment: Environment, clients: Clients) -> Site:
    if environment.received is None:
        raise NotRun(f"{environment.name} has no receivers that could be read back")
    monitoring = machines(environment, "monitoring")[0]
    servers = machines(environment, "app")
    failing, slow = servers[len(servers) // 2], servers[-1]
    member = machines(environment, "mongo")[-1]
    own = [clients.named(f"alerts: {what}") for what in ("CPU", "memory", "Redis")]
    return Site(
        monitoring=monitoring,
        node_exporter=_endpoint(monitoring, 9100),
        slow=_endpoint(slow, 3000),
        failing=_endpoint(failing, 3000),
        member=mongodb.Member(
            member.name, member.host.address or member.name, roots=environment.site.roots
        ),
        mongodb_login=mongodb.Login("admin", credential(environment, "mongo-admin-password")),
        redis_login=redis.Login("exporter", credential(environment, "redis-exporter-password")),
        own=tuple(filter(None, own)),
        received=environment.received,
    )


def _endpoint(machine: Machine, port: int) -> Endpoint:
    return Endpoint(machine.host.address or machine.name, port, machine.name)


@when("each condition of the document's table comes about, and ends", target_fixture="rehearsal")
def comes_about(
    environment: Environment, clients: Clients, measurements: Measurements, evidence: EvidenceLog
) -> Rehearsal:
    evidence.add(
        "times made short: scrapes every so many seconds, durations and windows divided by", SCALE
    )
    return measurements.result(rehearse, _site(environment, clients), SCALE)


@then(
    parsers.re(
        r"an? (?P<severity>\S+) of (?P<quantity>.+) is told by exactly (?P<channels>.+), "
        "and names the server"
    ),
    target_fixture="told",
)
def is_told(
    rehearsal: Rehearsal, evidence: EvidenceLog, severity: str, quantity: str, channels: str
) -> Told:
    (told,) = (e for e in rehearsal.told if (e.quantity, e.severity) == (quantity, severity))
    _add_evidence(evidence, told)
    evidence.add("channels by which something could not be given away", rehearsal.refused)
    require(
        told.alert is not None,
        expected=f"an alert of severity {severity} that fires",
        actual="none fires",
        where=f"{quantity} of {told.instance}",
        look="the rules of the environment's Prometheus, at /rules",
    )
    wanted = sorted(channels.split(", "))
    require(
        sorted(told.begun) == wanted,
        expected=f"messages that name {told.instance}, by {listed(wanted)}",
        actual=f"{listed(sorted(told.begun))}; refused: {listed(rehearsal.refused)}",
        where=f"{told.alert} ({severity})",
        look="amtool config routes test, and the receivers' texts",
    )
    for channel, text in told.texts.items():
        require(
            severity in text,
            expected=f"a message that says {severity}",
            actual=text[:_EXCERPT],
            where=f"{told.alert} by {channel}",
            look="the receiver's title and text in alertmanager.yml",
        )
    return told


def _add_evidence(evidence: EvidenceLog, told: Told) -> None:
    evidence.add(
        "series, alert, and the value that it saw", [told.instance, told.alert, told.value]
    )
    evidence.add("seconds until the alert fired", told.fired_s)
    evidence.add("seconds until each was told", told.begun)
    evidence.add("seconds from its end until each was told of that", told.ended)
    evidence.add("messages", {channel: text[:_EXCERPT] for channel, text in told.texts.items()})


@then("each of these tells of its end")
def end_is_told(told: Told) -> None:
    require(
        told.ended.keys() == told.begun.keys(),
        expected=f"a message of its end by {listed(sorted(told.begun))}",
        actual=listed(sorted(told.ended)),
        where=f"{told.alert} ({told.severity}) of {told.instance}",
        look="send_resolved in alertmanager.yml",
    )


@then("a heartbeat has come again and again meanwhile")
def heartbeat_comes(rehearsal: Rehearsal, evidence: EvidenceLog) -> None:
    evidence.add("heartbeats, in seconds from the first condition", rehearsal.heartbeats)
    require(
        len(rehearsal.heartbeats) > 1,
        expected="two heartbeats at least",
        actual=len(rehearsal.heartbeats),
        where="the receiver of the alert that always fires",
        look="amtool config routes test severity=none, and that receiver's webhook",
    )
