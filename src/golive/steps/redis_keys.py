"""Judge what the application keeps in Redis."""

import secrets
import time

from pytest_bdd import parsers, then, when

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.clients import Pace
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import credential
from golive.outcome import Unproven, Whose
from golive.probes.http import request
from golive.probes.redis import (
    Keyspace,
    Login,
    keyspace,
)
from golive.steps.expectation import listed, require
from golive.steps.redis import cli, primary_of, roles_of

_SHOWN = 5  # names of keys: they have addresses of clients in them
_KEYS = 100_000  # a cache that is larger is looked at in part
_KEPT_WITHIN_S = 2.0


@when(
    parsers.parse('a client asks "{path}" for a word that nobody asked for'), target_fixture="word"
)
def ask_for_a_word(https: Endpoint, pace: Pace, evidence: EvidenceLog, path: str) -> str:
    word = f"golive{secrets.token_hex(8)}"
    pace.wait()
    response = request(https, path + word)
    evidence.add(response.url, response.status)
    require(
        response.status == 200,
        expected="status 200",
        actual=response.status,
        where=response.url,
        look=f"curl -i 'https://{https.name}{path}{word}'",
    )
    return word


@then("the application keeps the answer in Redis", target_fixture="keys")
def keeps_answer(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog, word: str
) -> Keyspace:
    node, _ = primary_of(roles_of(environment, measurements))
    login = Login("admin", credential(environment, "redis-admin-password"))
    until = time.monotonic() + _KEPT_WITHIN_S
    while True:  # the application answers first, and writes then
        seen = keyspace(node, login, 0, _KEYS)
        kept = [key.name for key in seen.keys if word in key.name]
        if kept or time.monotonic() > until:
            break
    evidence.add("kept", kept)
    evidence.add("keys of each database", seen.databases)
    if not kept and not seen.complete:
        raise Unproven(f"{node} has more than {_KEYS} keys: not found among them", Whose.OURS)
    require(
        len(kept) == 1,
        expected=f"1 key with {word} in its name, within {_KEPT_WITHIN_S:g} s",
        actual=f"{len(kept)} of {len(seen.keys)} keys",
        where=node,
        look=cli(node, f"--scan --pattern '*{word}*'"),
    )
    return seen


@then(parsers.parse('each Redis key begins with "{prefix}"'))
def has_prefix(environment: Environment, keys: Keyspace, prefix: str) -> None:
    others = [key.name for key in keys.keys if not key.name.startswith(prefix)]
    require(
        not others,
        expected=f"{len(keys.keys)} keys that begin with {prefix}",
        actual=f"{len(others)} do not: {listed(others[:_SHOWN])}",
        where=environment.name,
        look="redis-cli --scan",
    )


@then(parsers.parse("each Redis key has a TTL of at most {minutes:d} minutes"))
def has_ttl(environment: Environment, keys: Keyspace, minutes: int) -> None:
    wrong = [key for key in keys.keys if key.ttl_s is None or key.ttl_s > minutes * 60]
    require(
        not wrong,
        expected=f"{len(keys.keys)} keys with a TTL of at most {minutes * 60} s",
        actual=f"{len(wrong)} without: {listed(wrong[:_SHOWN])}",
        where=environment.name,
        look="redis-cli PTTL <key>",
    )


@then(parsers.parse("only the Redis database {number:d} has keys"))
def one_database(environment: Environment, keys: Keyspace, number: int) -> None:
    require(
        set(keys.databases) == {number},
        expected=f"keys in database {number} only",
        actual=f"keys in each: {keys.databases}",
        where=environment.name,
        look="redis-cli INFO keyspace",
    )
