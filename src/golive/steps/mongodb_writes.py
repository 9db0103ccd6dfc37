"""Judge how the application writes to MongoDB: write concern, retryable writes, timeout."""

from pytest_bdd import parsers, then, when

from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential
from golive.probes.mongodb import Login, Member
from golive.probes.mongodb_writes import Issuer, Write, renewals
from golive.steps.application import Server
from golive.steps.expectation import listed, require


@when(
    parsers.parse("a session is renewed on each application server, which inserts into {database}"),
    target_fixture="written",
)
def renew(
    environment: Environment,
    measurements: Measurements,
    clients: Clients,
    evidence: EvidenceLog,
    servers: tuple[Server, ...],
    primary: Member,
    database: str,
) -> tuple[Write, ...]:
    source = clients.named("renews a session on each server")
    seen = measurements.result(
        renewals,
        tuple(
            Issuer(each.endpoint(environment.site.name, source), each.need("JWT_REFRESH_SECRET"))
            for each in servers
        ),
        primary,
        Login("admin", credential(environment, "mongo-admin-password")),
        database,
    )
    evidence.add("inserts, as the primary got them", seen)
    return seen


@then(parsers.parse('the primary was each time asked for w "{concern}"'))
def w_is(environment: Environment, written: tuple[Write, ...], concern: str) -> None:
    seen = [each.w for each in written]
    require(
        all(w == concern for w in seen),
        expected=f'w: "{concern}"',
        actual=listed(["left to the server" if w is None else f"w: {w!r}" for w in seen]),
        where=f"inserts of the application in {environment.name}",
        look="db.setProfilingLevel(2), then db.system.profile.find(): command.writeConcern",
    )


@then("the primary was each time sent a retryable write")
def is_retryable(environment: Environment, written: tuple[Write, ...]) -> None:
    require(
        all(each.retryable for each in written),
        expected="an insert with a transaction number (txnNumber)",
        actual="an insert without one",
        where=f"inserts of the application in {environment.name}",
        look="db.setProfilingLevel(2), then db.system.profile.find(): command.txnNumber",
    )


@then(parsers.parse("the primary was each time asked to wait at most {seconds:g} s for the others"))
def wtimeout_is(environment: Environment, written: tuple[Write, ...], seconds: float) -> None:
    seen = [each.wtimeout_ms for each in written]
    require(
        all(timeout is not None and timeout <= seconds * 1000 for timeout in seen),
        expected=f"wtimeout of at most {seconds * 1000:g} ms",
        actual=listed(["none" if timeout is None else f"{timeout} ms" for timeout in seen]),
        where=f"inserts of the application in {environment.name}",
        look="db.setProfilingLevel(2), then db.system.profile.find(): command.writeConcern",
    )
