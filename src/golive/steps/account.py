"""Judge what application servers make of an account: tokens, hash, database."""

import contextlib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from typing import Literal

from pytest_bdd import parsers, then, when

from golive.environment import Environment, Permit
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, credential, machines
from golive.outcome import NotRun, Unproven
from golive.probes.account import AccountAudit, Database, audit
from golive.probes.token import TokenFacts
from golive.steps.application import look_at
from golive.steps.expectation import listed, require

Audits = tuple[AccountAudit, ...]
TokenKind = Literal["access", "refresh"]

_STATEMENTS = {"ENV-05", "ENV-06", "ENV-12", "ENV-13", "ENV-14", "ENV-15", "ENV-22"}
_ADMIN = "admin"
_MONGODB_PORT = 27017


def pytest_golive_ahead(
    measurements: Measurements,
    environment: Environment,
    clients: Clients,
    tags: AbstractSet[str],
) -> None:
    """A password is hashed for a quarter of a second, and three servers do it at the same time."""
    if tags & _STATEMENTS and Permit.WRITE in environment.permits:
        with contextlib.suppress(NotRun, Unproven):  # the scenario will say so
            _begin(environment, clients, measurements.queue)


@when(
    "an account is made on every application server, and somebody signs in to it",
    target_fixture="audits",
)
def make_accounts(
    environment: Environment, clients: Clients, measurements: Measurements, evidence: EvidenceLog
) -> Audits:
    """Once a session."""
    audits = tuple(each.result() for each in _begin(environment, clients, measurements.start))
    evidence.add("servers", [seen.server for seen in audits])
    return audits


@then(
    parsers.re(
        r"the (?P<kind>access|refresh) token is signed by (?P<algorithm>\w+) "
        r"with (?P<variable>\w+) of that server's file"
    ),
    target_fixture="kind",
)
def token_signed(
    audits: Audits, evidence: EvidenceLog, kind: TokenKind, algorithm: str, variable: str
) -> TokenKind:
    for seen in audits:
        token = _token(seen, kind)
        evidence.add(f"{kind} token of {seen.server}", token)
        require(
            token.signed and token.algorithm == algorithm,
            expected=f"a token signed by {algorithm} with {variable}",
            actual=f"signed by {token.algorithm} with {'it' if token.signed else 'another'}",
            where=f"the {kind} token of a sign-in at {seen.server}",
            look="sign in at /api/auth/login, and verify the token with the file's secret",
        )
    return kind


@then(parsers.parse("it expires {seconds:d} seconds after it was issued"))
def token_lifetime(audits: Audits, kind: TokenKind, seconds: int) -> None:
    for seen in audits:
        require(
            _token(seen, kind).lifetime_s == seconds,
            expected=f"exp - iat is {seconds} s",
            actual=f"{_token(seen, kind).lifetime_s} s",
            where=f"the {kind} token of a sign-in at {seen.server}",
            look="sign in at /api/auth/login, and decode the token's second part (base64)",
        )


@then("where one must be signed in, tokens are answered")
def tokens_answered(audits: Audits, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    for seen in audits:
        _require_answers(seen.server, seen.answers, evidence, datatable)


@then("where a session is renewed, tokens are answered")
def renewals_answered(audits: Audits, evidence: EvidenceLog, datatable: list[list[str]]) -> None:
    for seen in audits:
        _require_answers(seen.server, seen.refresh_answers, evidence, datatable)


@then(parsers.parse('MongoDB has it in the database "{name}" and in no other'))
def kept_in(audits: Audits, evidence: EvidenceLog, name: str) -> None:
    for seen in audits:
        evidence.add(f"databases with the account made at {seen.server}", seen.databases)
        require(
            seen.databases == (name,),
            expected=f"the account in {name} alone",
            actual=listed(seen.databases),
            where=f"MongoDB, after an account was made at {seen.server}",
            look="MONGO_DB_NAME in the file of environment variables",
        )


@then(parsers.parse('MongoDB has of its password a hash that begins with "{start}"'))
def hashed_at(audits: Audits, evidence: EvidenceLog, start: str) -> None:
    for seen in audits:
        evidence.add(f"beginning of the hash made at {seen.server}", seen.hash)
        require(
            seen.hash == start,
            expected=f"bcrypt at the documented cost: {start}",
            actual=seen.hash or "no hash of bcrypt",
            where=f"the account's document in MongoDB, made at {seen.server}",
            look="db.users.findOne({}, {passwordHash: 1})",
        )


def _token(seen: AccountAudit, kind: TokenKind) -> TokenFacts:
    return {"access": seen.access, "refresh": seen.refresh}[kind]


def _require_answers(
    server: str, answers: dict[str, int], evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    evidence.add(f"answers of {server}", answers)
    for kind, status in datatable:
        require(
            answers[kind] == int(status),
            expected=f"{status} for a token: {kind}",
            actual=answers[kind],
            where=server,
            look="make such a token with the file's secret, and send it as Authorization: Bearer",
        )


def _begin(
    environment: Environment, clients: Clients, begin: Callable[..., Future[AccountAudit]]
) -> list[Future[AccountAudit]]:
    """Each server, all at the same time, is looked at with an account of its own."""
    database = database_of(environment)
    return [
        begin(
            _audit,
            machine,
            environment.site.name,
            clients.named(f"makes an account on {machine.name}"),
            database,
        )
        for machine in machines(environment, "app")
    ]


def database_of(environment: Environment) -> Database:
    """MongoDB, as who may remove accounts. Raises NotRun where we cannot sign in there."""
    members = tuple(
        f"{machine.host.address or machine.name}:{_MONGODB_PORT}"
        for machine in machines(environment, "mongo")
    )
    password = credential(environment, "mongo-admin-password")
    return Database(members, _ADMIN, password, environment.site.roots)


def _audit(machine: Machine, site: str, source: str | None, database: Database) -> AccountAudit:
    server = look_at(machine)
    access, refresh = server.need("JWT_SECRET"), server.need("JWT_REFRESH_SECRET")
    return audit(server.endpoint(site, source), database, access, refresh)
