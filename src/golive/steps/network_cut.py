"""Judge what users see while the network to the database is cut, and afterwards."""

from pytest_bdd import given, parsers, then

from golive.drills.network_cut import NetworkCut, cut_off
from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.outcome import Unproven, Whose
from golive.steps.expectation import require
from golive.steps.failover import (
    drilled,
    require_all,
    require_none_lost,
    require_resumed,
    require_soon,
)

_WHERE = "the application servers, cut off from MongoDB"
_LOOK = "src/mongo.js of the application: its timeouts"


@given(
    parsers.parse(
        "the network between the application servers and MongoDB is cut for {seconds:d} s "
        "under traffic"
    ),
    target_fixture="network",
)
def network_cut(
    environment: Environment,
    measurements: Measurements,
    clients: Clients,
    evidence: EvidenceLog,
    seconds: int,
) -> NetworkCut:
    seen = measurements.here(cut_off, drilled(environment, clients), float(seconds))
    evidence.add("network cut", seen)
    if not seen.writes.lost:
        raise Unproven("writes were acknowledged all the time: it was not cut", Whose.OURS)
    return seen


@then(parsers.parse("of {count:d} requests of status at least none was lost"))
def status_answered(network: NetworkCut, count: int) -> None:
    require_none_lost(network.status, count, "src/status.js of the application")


@then(
    parsers.parse(
        "of {count:d} writes at least each was refused or acknowledged within {seconds:g} s"
    )
)
def writes_answered(network: NetworkCut, count: int, seconds: float) -> None:
    if network.writes.asked < count:
        raise Unproven(f"{network.writes.asked} were sent, {count} are needed", Whose.OURS)
    require_soon(network.writes, seconds, _LOOK)


@then(parsers.parse("writes are acknowledged again within {seconds:d} s, by the same processes"))
def writes_resume(network: NetworkCut, seconds: int) -> None:
    require_resumed(network.resumed_s, seconds, f"{_WHERE}, since the mend")
    require(
        network.untouched,
        expected="the processes from before",
        actual="others",
        where=_WHERE,
        look="pm2 list; error.log of the application servers",
    )


@then(parsers.parse("of {count:d} acknowledged writes at least the primary has all"))
def none_missing(network: NetworkCut, count: int) -> None:
    if network.acknowledged < count:
        raise Unproven(f"{network.acknowledged} writes were acknowledged", Whose.TARGET)
    require_all(network.acknowledged, network.missing, "the primary, once the network is mended")
