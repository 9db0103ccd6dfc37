"""Judge MongoDB: its members, how the application writes to them, and who may do what."""

import pytest
from pytest_bdd import parsers, then, when

from golive.environment import Environment
from golive.gate.clients import Clients
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential, machines
from golive.outcome import Unproven, Whose
from golive.probes.mongodb import Login, Member, View, catch_up, view
from golive.probes.mongodb_access import Privileges, answers, answers_plain_text, privileges
from golive.probes.mongodb_writes import Issuer, Write, renewals
from golive.steps.application import Server
from golive.steps.expectation import column, listed, require

Table = list[list[str]]
Views = dict[Member, View | Unproven]

_PRIMARY = "PRIMARY"
_OTHERS = 0o077  # of a file's mode: what it permits to others than its owner


@pytest.fixture
def primary(environment: Environment, measurements: Measurements) -> Member:
    """The member that decides who may do what."""
    return _primary(_views(environment, measurements))


@then("the MongoDB members are")
def members_are(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, datatable: Table
) -> None:
    member, seen = _best(_views(environment, measurements))
    evidence.add(f"members, as {member.name} sees them", seen.members)
    states = sorted(each.state for each in seen.members)
    require(
        states == sorted(column(datatable)),
        expected=listed(column(datatable)),
        actual=listed([f"{each.name}: {each.state}" for each in seen.members]),
        where=member,
        look=_mongosh(member, "rs.status().members"),
    )


@then("each of them is healthy, and says the same of itself")
def healthy(environment: Environment, measurements: Measurements, evidence: EvidenceLog) -> None:
    views = _views(environment, measurements)
    best, seen = _best(views)
    ill = [each.name for each in seen.members if not each.healthy]
    require(
        not ill,
        expected=f"each of {len(seen.members)} members healthy",
        actual=f"not: {listed(ill)}",
        where=best,
        look=_mongosh(best, "rs.status().members"),
    )
    own = {member.name: each.state for member, each in views.items() if isinstance(each, View)}
    evidence.add("members, as each sees itself", own)
    primaries = [name for name, state in own.items() if state == _PRIMARY]
    require(
        len(primaries) == 1,
        expected="one member that says it is the primary",
        actual=listed(primaries),
        where=listed(list(views)),
        look=_mongosh(best, "db.hello()"),
    )
    for unanswered in views.values():
        if isinstance(unanswered, Unproven):
            raise unanswered
    require(
        sorted(own.values()) == sorted(each.state for each in seen.members),
        expected=f"what {best.name} sees: {listed([each.state for each in seen.members])}",
        actual=f"each of itself: {own}",
        where=listed(list(views)),
        look=_mongosh(best, "rs.status().members"),
    )


@then(parsers.parse("{voting:d} MongoDB members vote, and {majority:d} of them decide"))
def majority_of(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    voting: int,
    majority: int,
) -> None:
    member, seen = _best(_views(environment, measurements))
    evidence.add("voting members, and majority", [seen.voting, seen.majority])
    require(
        (seen.voting, seen.majority) == (voting, majority),
        expected=f"{voting} votes, a majority of {majority}",
        actual=f"{seen.voting} votes, a majority of {seen.majority}",
        where=member,
        look=_mongosh(member, "rs.conf().members"),
    )


@then(parsers.parse("each MongoDB secondary has within {seconds:g} s what the primary has"))
def no_lag(
    environment: Environment, evidence: EvidenceLog, primary: Member, seconds: float
) -> None:
    seen = catch_up(primary, _exporter(environment), seconds)
    evidence.add("until each had what the primary had, in seconds", seen)
    if not seen:
        raise Unproven(f"{primary} knows no other member that holds data", Whose.TARGET)
    late = [each for each in seen if each.within_s is None]
    require(
        not late,
        expected=f"what {primary.name} had, within {seconds:g} s",
        actual=listed([f"{each.name} is {each.behind_s:g} s behind" for each in late]),
        where=primary,
        look=_mongosh(primary, "rs.printSecondaryReplicationInfo()"),
    )


@then(parsers.parse("each MongoDB member runs release {release}, with its features"))
def release_is(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, release: str
) -> None:
    for member in members(environment):
        seen = measurements.result(view, member, _exporter(environment))
        evidence.add(
            f"version of {member.name}, and of its features", [seen.version, seen.features]
        )
        require(
            seen.version.startswith(f"{release}.") and seen.features == release,
            expected=f"{release}.x, with the features of {release}",
            actual=f"{seen.version}, with those of {seen.features}",
            where=member,
            look=_mongosh(
                member, "db.adminCommand({getParameter: 1, featureCompatibilityVersion: 1})"
            ),
        )


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


@then("no MongoDB member answers in plain text")
def no_plain_text(environment: Environment, evidence: EvidenceLog) -> None:
    for member in members(environment):
        # One that answers nobody at all refuses plain text too, and proves nothing.
        answers(member, None, (("admin", '{"hello": 1}'),))
        answered = answers_plain_text(member)
        evidence.add(f"{member.name} answers in plain text", answered)
        require(
            not answered,
            expected="the connection ended: it answers over TLS only",
            actual="an answer to hello in plain text",
            where=member,
            look=f"mongosh 'mongodb://{member.address}:{member.port}/?directConnection=true'",
        )


@then(parsers.parse("each MongoDB member answers {code} to nobody who sends"))
def refused_to_nobody(
    environment: Environment, evidence: EvidenceLog, code: str, datatable: Table
) -> None:
    for member in members(environment):
        _require_refused(evidence, member, None, datatable, code)


@then(
    parsers.parse("the MongoDB user of the {who} has exactly the roles"), target_fixture="account"
)
def roles_are(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    primary: Member,
    who: str,
    datatable: Table,
) -> Login:
    login = _exporter(environment) if who == "exporter" else _application(environment)
    roles = sorted(measurements.result(privileges, primary, login).roles)
    evidence.add(f"roles of {login.user}", roles)
    require(
        roles == sorted(column(datatable)),
        expected=listed(column(datatable)),
        actual=listed(roles),
        where=f"{primary}, user {login.user}",
        look=_mongosh(primary, "db.runCommand({connectionStatus: 1})"),
    )
    return login


@then(parsers.parse("it may do nothing outside the database {database}"))
def nothing_outside(
    measurements: Measurements,
    evidence: EvidenceLog,
    primary: Member,
    account: Login,
    database: str,
) -> None:
    seen: Privileges = measurements.result(privileges, primary, account)
    elsewhere = sorted({each.database or "every database" for each in seen.grants} - {database})
    evidence.add("what it may do, by database", sorted({each.database for each in seen.grants}))
    require(
        not elsewhere,
        expected=f"actions on {database} only",
        actual=f"also on: {listed(elsewhere)}",
        where=f"{primary}, user {account.user}",
        look=_mongosh(primary, "db.runCommand({connectionStatus: 1, showPrivileges: true})"),
    )


@then("it may none of")
def may_none(
    measurements: Measurements,
    evidence: EvidenceLog,
    primary: Member,
    account: Login,
    datatable: Table,
) -> None:
    seen: Privileges = measurements.result(privileges, primary, account)
    may = frozenset[str]().union(*(each.actions for each in seen.grants))
    evidence.add(f"number of actions that {account.user} may do", len(may))
    wrong = sorted(may & set(column(datatable)))
    require(
        not wrong,
        expected=f"none of {listed(column(datatable))}",
        actual=f"may {listed(wrong)}",
        where=f"{primary}, user {account.user}",
        look=_mongosh(primary, "db.runCommand({connectionStatus: 1, showPrivileges: true})"),
    )


@then(parsers.parse("it is answered {code} when it sends"))
def account_refused(
    evidence: EvidenceLog, primary: Member, account: Login, code: str, datatable: Table
) -> None:
    _require_refused(evidence, primary, account, datatable, code)


@then("on each MongoDB member no other user can read")
def not_for_others(environment: Environment, evidence: EvidenceLog, datatable: Table) -> None:
    for machine in machines(environment, "mongo"):
        for path in column(datatable):
            mode = machine.run("stat -c %%a -- %s", machine.path(path)).strip()
            evidence.add(f"{machine.name}: mode of {path}", mode)
            require(
                int(mode, 8) & _OTHERS == 0,
                expected="a mode without permissions of group and others, such as 600",
                actual=mode,
                where=f"{machine.name}:{path}",
                look=f"ls -l {machine.path(path)}",
            )


def members(environment: Environment) -> tuple[Member, ...]:
    """The members of the set, as the environment names them."""
    return tuple(
        Member(
            machine.name.partition(".")[0],
            machine.host.address or machine.name,
            roots=environment.site.roots,
        )
        for machine in machines(environment, "mongo")
    )


def _exporter(environment: Environment) -> Login:
    return Login("exporter", credential(environment, "mongo-exporter-password"))


def _application(environment: Environment) -> Login:
    return Login(credential(environment, "username"), credential(environment, "mongo-password"))


def _views(environment: Environment, measurements: Measurements) -> Views:
    """What each member says; of one that does not answer, why. All are asked at the same time."""
    login = _exporter(environment)
    asked = [(each, measurements.start(view, each, login)) for each in members(environment)]
    views: Views = {}
    for member, future in asked:
        try:
            views[member] = future.result()
        except Unproven as error:
            views[member] = error
    return views


def _best(views: Views) -> tuple[Member, View]:
    """What the primary says, or else whoever answers. Raises Unproven where nobody does."""
    seen = [(member, each) for member, each in views.items() if isinstance(each, View)]
    if not seen:
        raise next(each for each in views.values() if isinstance(each, Unproven))
    return next((pair for pair in seen if pair[1].state == _PRIMARY), seen[0])


def _primary(views: Views) -> Member:
    member, seen = _best(views)
    if seen.state != _PRIMARY:
        raise Unproven(f"no MongoDB member that answers is the primary: {views}", Whose.TARGET)
    return member


def _require_refused(
    evidence: EvidenceLog, member: Member, login: Login | None, table: Table, code: str
) -> None:
    commands = tuple((row[0], row[1]) for row in table[1:])
    seen = answers(member, login, commands)
    who = login.user if login else "nobody"
    evidence.add(f"answers of {member.name} to {who}", seen)
    wrong = [f"{each.command}: {each.refusal or 'served'}" for each in seen if each.refusal != code]
    require(
        not wrong,
        expected=f"{code}, to each of {len(seen)} commands of {who}",
        actual=listed(wrong),
        where=member,
        look=_mongosh(member, "db.runCommand(...)"),
    )


def _mongosh(member: Member, command: str) -> str:
    return (
        f"mongosh --tls 'mongodb://exporter@{member.address}:{member.port}/"
        f"?directConnection=true&authSource=admin' --eval '{command}'"
    )
