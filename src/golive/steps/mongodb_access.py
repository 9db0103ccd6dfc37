"""Judge who may do what in MongoDB."""

from pytest_bdd import parsers, then

from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential, machines
from golive.probes.mongodb import Login, Member
from golive.probes.mongodb_access import Privileges, answers, answers_plain_text, privileges
from golive.steps.expectation import column, listed, require
from golive.steps.mongodb import exporter, members, mongosh

Table = list[list[str]]
_OTHERS = 0o077  # of a file's mode: what it permits to others than its owner


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
    login = exporter(environment) if who == "exporter" else _application(environment)
    roles = sorted(measurements.result(privileges, primary, login).roles)
    evidence.add(f"roles of {login.user}", roles)
    require(
        roles == sorted(column(datatable)),
        expected=listed(column(datatable)),
        actual=listed(roles),
        where=f"{primary}, user {login.user}",
        look=mongosh(primary, "db.runCommand({connectionStatus: 1})"),
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
        look=mongosh(primary, "db.runCommand({connectionStatus: 1, showPrivileges: true})"),
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
        look=mongosh(primary, "db.runCommand({connectionStatus: 1, showPrivileges: true})"),
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


def _application(environment: Environment) -> Login:
    return Login(credential(environment, "username"), credential(environment, "mongo-password"))


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
        look=mongosh(member, "db.runCommand(...)"),
    )
