"""Environment files: those of the repository load, and each error names its line."""

import textwrap
from pathlib import Path

import pytest

from golive import statements
from golive.environment import (
    Environment,
    EnvironmentFileError,
    Kind,
    Permit,
    ResponseKind,
    load,
)

ROOT = Path(__file__).parents[1]

GOOD = """\
name: lab
kind: deployed
site: {name: lab.example, address: 127.0.0.1, ports: {https: 8443}}
requests:
  api: {path: /api}
limits:
  general: {path: /}
  authentication: {path: /login, method: POST, body: {user: nobody}}
permits: [burst]
"""


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "lab.yaml"
        path.write_text(textwrap.dedent(text))
        return str(path)

    return write


def errors(path: str, **kwargs: object) -> list[str]:
    with pytest.raises(EnvironmentFileError) as raised:
        load(path, **kwargs)
    return str(raised.value).replace(f"{path}:", "").splitlines()


@pytest.mark.parametrize("name", ["replica", "staging", "production"])
def test_environments_of_the_repository(name):
    known = statements.load(ROOT / "features" / "statements.tsv")
    environment = load(name, directory=ROOT / "environments", statements=known)
    assert environment.name == name
    kinds = set(ResponseKind) - ({ResponseKind.PROXY_ERROR} if name != "replica" else set())
    assert set(environment.requests) == kinds


def test_replica_permits_all_and_production_nothing():
    replica = load("replica", directory=ROOT / "environments")
    assert (replica.kind, set(replica.permits)) == (Kind.REPLICA, set(Permit))
    assert replica.stack == ROOT / "environments" / "stack"
    assert load("production", directory=ROOT / "environments").permits == ()


def test_values_and_defaults(file):
    environment = load(file(GOOD))
    assert environment.site.ports.http == 80
    assert environment.site.ports.https == 8443
    assert environment.clients.network is None
    assert environment.limits.authentication.body == {"user": "nobody"}
    assert environment.permits == (Permit.BURST,)


def test_deployed_declares_no_deviation_that_blocks(file):
    text = GOOD + "deviations:\n- {statement: NGX-01, why: x}\n- {statement: NGX-02, why: x}\n"
    assert load(file(text), blocking={"NGX-03"}).excuse("s", ["NGX-01"]) == "x"
    (error,) = errors(file(text), blocking={"NGX-02", "NGX-03"})
    assert error == (
        "10: deviations: a deployed environment must meet what blocks a release: NGX-02"
    )


def test_only_what_is_all_declared_is_excused(file):
    deviations = "- {statement: NGX-01, why: x}\n- {statement: NGX-02, why: y}\n"
    environment = load(file(GOOD + "deviations:\n" + deviations))
    assert environment.excuse("s", ["NGX-01", "NGX-02"]) == "x; y"
    assert environment.excuse("s", ["NGX-01", "NGX-03"]) is None
    assert environment.excuse("s", []) is None


def test_a_deviation_may_be_one_scenarios_only(file):
    text = GOOD + "deviations: [{statement: NGX-01, why: x, scenario: a.feature::s}]\n"
    environment = load(file(text))
    assert environment.excuse("a.feature::s", ["NGX-01"]) == "x"
    assert environment.excuse("a.feature::other", ["NGX-01"]) is None


def test_survives_json(file):
    environment = load(file(GOOD))
    assert Environment.model_validate_json(environment.model_dump_json()) == environment


def test_paths_are_relative_to_the_file(file, tmp_path):
    (tmp_path / "ca.pem").touch()
    environment = load(file(GOOD.replace("address:", "roots: ca.pem, address:")))
    assert environment.site.roots == tmp_path / "ca.pem"


def test_all_errors_at_once_with_their_lines(file):
    path = file("""\
        name: ''
        kind: replika
        sit: {name: x}
        site:
          nam: x
          ports: {htps: 3, http: 99999}
          roots: nofile.pem
        hosts:
          a: {connection: foo, adress: 3}
        requests:
          pages: {path: /}
          api: {path: x, method: GETT}
        permits: [bust]
        pace: 0
        clients: {network: 127.0.0.1/8}
        deviations:
        - {statement: NGX-99, why: x}
        - statement: NGX-01
        permits: []
        stack: /nowhere
        """)
    assert errors(path, statements={"NGX-01"}) == [
        "1: name: must have at least 1 character: ''",
        "1: limits: is missing",
        "2: kind: must be 'replica', 'compose' or 'deployed': 'replika'",
        "3: sit: unknown name; did you mean 'site'?",
        "4: site.name: is missing",
        "5: site.nam: unknown name; did you mean 'name'?",
        "6: site.ports.http: must be less than or equal to 65535: 99999",
        "6: site.ports.htps: unknown name; did you mean 'https'?",
        "7: site.roots: no such file: 'nofile.pem'",
        "9: hosts.a.connection: must be a testinfra URI, such as ssh://user@host or local://: "
        "'foo'",
        "9: hosts.a.adress: unknown name; did you mean 'address'?",
        "11: requests.pages: must be 'page', 'api', 'not-found', 'redirect', 'static' or "
        "'proxy-error': 'pages'",
        "12: requests.api.path: must match pattern '^/': 'x'",
        "12: requests.api.method: must be 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH' or "
        "'DELETE': 'GETT'",
        "14: pace: must be greater than 0: 0",
        "15: clients.network: is not a valid IPv4 network: '127.0.0.1/8'",
        "17: deviations.0.statement: no statement has this id: 'NGX-99'",
        "18: deviations.1.why: is missing",
        "19: permits: given twice, first on line 13",
        "20: stack: no such directory: '/nowhere'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\nb: {", "2:5: not YAML: expected the node content, but found '<stream end>'"),
        ("a:\n\tb: 1", "2:1: not YAML: found character '\\t' that cannot start any token"),
        ("? [1]\n: 2", "1:3: not YAML: found unhashable key"),
        ("- a", "1: must be a mapping of names to values"),
        ("", "1: must be a mapping of names to values"),
        ("name: !!python/object:os.system x", "1:7: not YAML: could not determine a constructor"),
        ("a: 1\n---\nb: 2", "2:1: not YAML: but found another document"),
    ],
)
def test_not_yaml(file, text, message):
    assert errors(file(text))[0].startswith(message)


def test_an_alias_of_itself_is_an_error_and_no_endless_loop(file):
    found = errors(file("hosts: &h {x: *h}"))
    assert "1: hosts.x.x: unknown name; known here: address, connection, root" in found


def test_unreadable_bytes(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_bytes(b"name: \xff")
    assert "cannot be read" in errors(str(path))[0]


def test_kind_and_stack_must_agree(file):
    replica = GOOD.replace("kind: deployed", "kind: replica")
    assert errors(file(replica)) == ["1: stack: kind replica needs the directory to start from"]
    stacked = GOOD + "stack: .\n"
    assert errors(file(stacked)) == [
        "10: stack: a deployed environment is not started from a stack: '.'"
    ]


def test_a_missing_file_lists_the_known_ones():
    with pytest.raises(EnvironmentFileError, match="production, replica, staging"):
        load("prodution", directory=ROOT / "environments")
