"""What is said of a secret, when a step finds it where it must not be or must be stronger."""

import json
from pathlib import Path

import pytest

from golive.environment import Host
from golive.gate.evidence import EvidenceLog
from golive.machine import Machine
from golive.probes.environment_file import Values
from golive.probes.environment_file import read as read_file
from golive.probes.secrets import Place, Secret
from golive.probes.workers import Worker
from golive.steps import environment_file, secrets
from golive.steps.application import Server

# Weak on purpose, and a placeholder's word at its end.
HUSH = "hushhushhushhush-changeme"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (tmp_path / ".env").write_text(
        f'JWT_SECRET="{HUSH}"\nJWT_REFRESH_SECRET="{HUSH}"\n'
        f"MONGO_URI=mongodb://user:{HUSH}@host/db?w=1&tls=true\nREDIS_PASSWORD={HUSH}$x\n"
    )
    machine = Machine("app-1", Host(connection="local://", root=tmp_path))
    given = Values({"JWT_SECRET": f"another {HUSH}", "OTHER": HUSH})
    return Server(machine, read_file(machine, "/.env"), (Worker(1, "nobody", 0, given),))


def found(server: Server) -> secrets.Secrets:
    return {"app-1": tuple(secrets._of_file(server, server.file.values))}


FAILING = {
    "strong": lambda s, e: secrets.strong(
        found(s), (s,), e, [["secret"], ["JWT_SECRET", "32", "100"]]
    ),
    "not shared": lambda s, e: secrets.not_shared((s,), found(s), e),
    "in a place": lambda s, e: secrets._judge(found(s), [Place("log", HUSH.encode())], e, "grep"),
    "given": lambda s, e: secrets.none_given((s,), found(s), e),
    "placeholder": lambda s, e: environment_file.file_sets((s,), e, [["JWT_SECRET"]]),
    "options": lambda s, e: environment_file.uri_options((s,), e, [["w", "majority"]]),
    "overruled": lambda s, e: environment_file.nothing_overrules((s,), e),
    "sourced": lambda s, e: environment_file.sourceable((s,), e),
}


@pytest.mark.parametrize("judge", FAILING.values(), ids=FAILING)
def test_a_step_that_fails_does_not_quote_the_secret(server: Server, judge):
    evidence = EvidenceLog()
    with pytest.raises(AssertionError) as error:
        judge(server, evidence)
    said = f"{error.value} {json.dumps(evidence.properties())}"
    assert "hush" not in said


def test_a_leak_is_told_by_name_and_digest(server: Server):
    digest = Secret("JWT_SECRET", HUSH).digest
    with pytest.raises(AssertionError, match=rf"JWT_SECRET \(SHA-256 {digest}"):
        secrets._judge(found(server), [Place("log", HUSH.encode())], EvidenceLog(), "grep")


def test_the_password_of_a_connection_string_is_a_secret_of_its_own(server: Server):
    names = [secret.name for secret in found(server)["app-1"]]
    assert "password of MONGO_URI" in names


def test_where_nothing_was_searched_nothing_is_proven(server: Server):
    with pytest.raises(secrets.Unproven, match="nothing to search"):
        secrets._judge(found(server), [Place("empty", b"")], EvidenceLog(), "grep")
