"""Reports to render: one with every outcome, and one in which every text is hostile."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from golive.checklist import (
    DeviationResult,
    Due,
    Evidence,
    Item,
    Report,
    ScenarioResult,
    SignOffResult,
    Source,
    Verdict,
    WaiverResult,
    judge,
)
from golive.outcome import Outcome
from golive.statements import Statement

ITEMS = (
    Item(id="10", title="Licences verified", french="Vérification des licences"),
    Item(id="11", title="Security audit complete", french="Audit de sécurité complété"),
    Item(id="platform", title="Platform", french="Plateforme"),
)
_AT = datetime(2025, 4, 5, 12, 30, tzinfo=UTC)
EXPECTATION = (
    "expected: exactly TLSv1.2, TLSv1.3\n  actual: TLSv1.1, TLSv1.2\n"
    "   where: api.dashboard-velo.com:443\n    look: openssl s_client -tls1_1 </dev/null\n"
    "at features/11_security_audit/tls.feature:6 (Then the accepted versions are exactly)"
)


def step(text: str, outcome: str, line: int) -> Evidence:
    where = f"features/11_security_audit/tls.feature:{line}"
    value = {"keyword": "Then", "text": text, "where": where, "outcome": outcome}
    return Evidence("step", value | ({"duration_s": 0.25} if outcome else {}))


def scenario(name: str, outcome: Outcome, reason: str = "", **more: Any) -> ScenarioResult:
    about = {"item": "11", "statements": ("NGX-10",), "blocking": True, "duration_s": 0.5}
    where = "features/11_security_audit/tls.feature:5"
    id_ = f"11_security_audit/tls.feature::{name}"
    return ScenarioResult(
        id=id_, name=name, outcome=outcome, reason=reason, where=where, **(about | more)
    )


VALUES: dict[str, Any] = {
    "nothing": None,
    "truth": True,
    "days_left": 89.12345,
    "size_bytes": 1234567,
    "took_s": 0.25,
    "at": "2026-11-22T11:48:54.371994Z",
    "short": ["TLSv1.2", "TLSv1.3"],
    "empty": [],
    "rows": [{"path": "/a", "status": 200}, {"path": "/b", "status": 404}],
    "pairs": [["edge", 200], ["app-1", 503]],
    "deep": {"a": {"b": {"c": {"d": {"e": {"f": [1, {"g": 2}]}}}}}},
}

RESULTS = (
    scenario(
        "Only TLS 1.2 and TLS 1.3 are accepted",
        Outcome.FAILED,
        EXPECTATION,
        evidence=(
            Evidence("before any step", 1),
            step("the accepted versions are exactly", "failed", 6),
            Evidence("accepted versions", ["TLSv1.1", "TLSv1.2"]),
        ),
    ),
    scenario(
        "It is stapled", Outcome.UNPROVEN, "nothing listens (fault of: target)\nat x.feature:9"
    ),
    scenario("A burst is refused", Outcome.NOT_RUN, "not permitted in production: burst"),
    scenario(
        "The chain is complete",
        Outcome.PASSED,
        statements=("NGX-30", "NGX-31"),
        evidence=(
            step("everything is shown", "passed", 6),
            *(Evidence(what, value) for what, value in VALUES.items()),
            Evidence("all", VALUES),
            Evidence("step", "not of the gate"),
            step("it never ended", "", 7),
        ),
    ),
    scenario("No odd curve", Outcome.FAILED, EXPECTATION, blocking=False, statements=()),
)


def report(*results: ScenarioResult, **more: Any) -> Report:
    judgement = judge(results, ITEMS)
    made = Report(
        verdict=judgement.verdict,
        environment="replica",
        release="v1.0.0",
        started=_AT,
        duration_s=41.5,
        items=judgement.items,
        scenarios=results,
        due=(Due("NGX-37", "replica, staging"),),
        deviations=(
            DeviationResult("APP-01", "a laptop", None),
            DeviationResult("APP-02", "a laptop", True),
            DeviationResult("APP-03", "a laptop", False, "expected: 4 GB\n  actual: 25 GB"),
        ),
        commit="0123456789abcdef0123456789abcdef01234567",
        sign_offs=(
            SignOffResult("10", "Security Officer", _AT, True, "https://x.example/1", "read"),
            SignOffResult("09", "DevOps Lead", _AT, False, "", "no user notices it"),
        ),
        waivers=(
            WaiverResult(
                "NGX-10",
                "a client of 2009",
                "Security Officer",
                date(2025, 6, 1),
                ("11_security_audit/tls.feature::A weak cipher is refused",),
            ),
            WaiverResult("NGX-30", "was late", "DevOps Lead", date(2025, 6, 1), (), unused=True),
        ),
        sources=(Source("staging", Verdict.GO, _AT, "ab" * 32, ("DevOps Lead",)),),
        statements=tuple(
            Statement(id_, "probe", f"Statement {id_}", f"Énoncé {id_}")
            for id_ in ("NGX-10", "NGX-30", "NGX-31", "NGX-37", "APP-01")
        ),
    )
    return replace(made, **more)


REPORT = report(*RESULTS)

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`& {{7*7}} {% x %} | \\ --> ]]>\n"
    "</details></code></pre>``` ```` @everyone [a](http://evil) #1 *b* _c_ ~~d~~ <!-- http://evil\r"
    "\x00\x07\x1b[31m\x1b]0;t\x07\x7f\x9b \u202eevil\u202c \u200b\u2028 \ufffe \ud800 é 🚲 {0}"
)
LONG = "x" * 10_000


def hostile(value: Any, name: str = "") -> Any:
    """`value` with hostile text added to each of its texts, except where a program chose it."""
    if name in ("outcome", "verdict", "keyword", "item") or isinstance(value, Enum | date):
        return value
    if isinstance(value, str):
        return f"{value}{HOSTILE}{LONG}" if name in ("name", "reason", "why") else value + HOSTILE
    if isinstance(value, tuple | list):
        return type(value)(hostile(each) for each in value)
    if isinstance(value, dict):
        keep = "keyword" in value  # what the gate says of a step
        return {(key if keep else key + HOSTILE): hostile(each, key) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: hostile(getattr(value, f.name), f.name) for f in fields(value)}
        if isinstance(value, Evidence) and value.what == "step":
            changed["what"] = "step"
        return replace(value, **changed)
    return value


def hostile_report() -> Report:
    made = hostile(replace(REPORT, items=()))
    items = tuple(
        replace(item, title=hostile(item.title), french=hostile(item.french))
        for item in REPORT.items
    )
    return replace(made, items=items)
