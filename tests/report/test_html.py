"""report.html: valid, complete without its script, harmless, and small."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import html5lib
import pytest

from golive.checklist import Evidence, Span
from golive.outcome import Outcome
from golive.report.curves import curves
from golive.report.history import History
from golive.report.html import SIZE, render
from golive.report.text import printable
from golive.report.words import Language

from .reports import EXPECTATION, HOSTILE, REPORT, hostile_report, report, scenario

NS = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"


def page(what=REPORT, language=Language.EN, history=None):
    return render(printable(what), history or History(), language)


def parsed(text: str):
    """The page as a tree; any error of HTML raises."""
    return html5lib.HTMLParser(strict=True).parse(text)


def text_of(tree) -> str:
    return re.sub(r"\s+", " ", " ".join(tree.itertext()))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("what", [REPORT, hostile_report(), report()])
def test_the_page_is_html_and_its_links_lead_somewhere(what, language):
    text = page(what, language)
    tree = parsed(text)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    links = {a.get("href") for a in tree.iter(f"{NS}a")}
    assert links <= {f"#{id_}" for id_ in ids}
    assert tree.get("lang") == language
    assert len(text.encode()) < SIZE


@pytest.mark.parametrize("what", [REPORT, hostile_report()])
def test_nothing_is_loaded_and_nothing_runs_but_the_script_of_the_page(what):
    tree = parsed(page(what))
    (script,) = tree.iter(f"{NS}script")
    (style,) = tree.iter(f"{NS}style")
    (policy,) = (meta.get("content") for meta in tree.iter(f"{NS}meta") if meta.get("http-equiv"))
    for element in (script, style):
        digest = b64encode(sha256(element.text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    names = {name for element in tree.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src")}
    assert not list(tree.iter(f"{NS}img"))


def test_everything_of_the_report_is_in_it():
    text = text_of(parsed(page()))
    for words in (
        "NO-GO", "v1.0.0", "2025-04-05 12:30 UTC", "41.5 s", "Audit de sécurité", "Security audit",
        "Only TLS 1.2 and TLS 1.3 are accepted", "exactly TLSv1.2, TLSv1.3", "TLSv1.1, TLSv1.2",
        "openssl s_client -tls1_1 </dev/null", "features/11_security_audit/tls.feature:6",
        "Statement NGX-10", "Énoncé NGX-37", "replica, staging", "actual: 25 GB", "advisory",
        "holds here: the deviation is not needed", "days_left 89.12", "1,234,567 bytes",
        "2026-11-22 11:48:54 UTC", "TLSv1.2, TLSv1.3", "not finished", "no check yet",
        "1 failed, 1 unproven, 1 not-run, 1 passed",
    ):  # fmt: skip
        assert words in text


def test_what_people_say_of_the_release_is_in_it():
    waived = scenario(
        "A weak cipher is refused",
        Outcome.FAILED,
        EXPECTATION,
        waived="by the Security Officer until 2025-06-01: a client of 2009",
    )
    text = text_of(parsed(page(report(*REPORT.scenarios, waived))))
    for words in (
        "v1.0.0 0123456789ab", "Waived: does not count 1 failed", "Waivers (2)",
        "NGX-10 a client of 2009 Security Officer , until 2025-06-01 failed A weak cipher",
        "unused: all that it names passes", "Waived by the Security Officer until 2025-06-01",
        "Sign-offs (2)", "10 Security Officer , 2025-04-05 12:30 UTC https://x.example/1 read",
        "09 not applicable DevOps Lead", "Joined from (1)", "staging GO 2025-04-05 12:30 UTC",
    ):  # fmt: skip
        assert words in text
    assert "A weak cipher" not in text.partition("Waivers (2)")[0]  # it does not count


def test_the_french_page_is_french():
    tree = parsed(page(language=Language.FR))
    text = text_of(tree.find(f"{NS}body"))
    assert "Audit de sécurité complété" in text
    assert "Security audit complete" not in text
    assert "1 échoué, 1 non prouvé, 1 non exécuté, 1 réussi" in text
    assert "non permis dans production : burst" in text
    assert "(en cause : la cible)" in text
    for word in ("Expected", "Actual", "Scenarios", "Duration", "failed", "Search"):
        assert not re.search(rf"\b{word}\b", text.partition('"use strict"')[0])


def test_hostile_text_is_shown_as_it_is():
    text = text_of(parsed(page(hostile_report())))
    assert "<script>alert(1)</script><img src=x" in text
    assert r"\x1b[31m" in text
    assert r"\u202eevil" in text
    assert r"\ud800" in text
    assert "{{7*7}}" in text
    assert "more characters in report.json" in text
    assert not set(text) & set("\x00\x07\x1b\u202e\u200b\ufffe")
    assert "🚲" in text
    assert HOSTILE not in text


def test_reds_are_open_one_for_each_reason():
    many = report(*(scenario(f"s{n}", Outcome.FAILED, EXPECTATION) for n in range(3)))
    tree = parsed(page(many))
    assert [d.get("open") is not None for d in tree.iter(f"{NS}details")] == [True, False, False]


def test_a_large_run_is_shortened_and_says_so():
    number = 200
    evidence = REPORT.scenarios[0].evidence * 10
    results = [
        scenario(f"s{n}", Outcome.PASSED if n % 9 else Outcome.FAILED, "" if n % 9 else "y" * 9000,
                 evidence=evidence)
        for n in range(number)
    ]  # fmt: skip
    text = page(report(*results))
    assert len(text.encode()) < SIZE
    assert "Texts are shortened" in text
    assert text.count('<details class="scenario"') == number


def test_turned_red_and_last_runs():
    earlier = replace(
        REPORT,
        started=REPORT.started - timedelta(days=1),
        scenarios=tuple(replace(r, outcome=Outcome.PASSED) for r in REPORT.scenarios),
    )
    text = text_of(parsed(page(history=History((earlier,)))))
    assert "Turned red (2)" in text
    assert "was passed 2025-04-04 12:30 UTC" in text
    assert "This run" in text


def test_what_was_measured_over_time_is_a_curve():
    rows = [
        {"t": n, "p50_ms": 20.5, "p99_ms": None if n == 2 else 40 + n, "per_second": 9, "name": "x"}
        for n in range(5)
    ]
    found = (Evidence("load", {"timeline": rows, "kinds": ["a"]}),)
    tree = parsed(page(report(scenario("s", Outcome.PASSED, evidence=found))))
    (times, rate) = tree.iter(f"{NS}figure")
    assert len(list(times.iter(f"{SVG}polyline"))) == 2 + 1 + 2  # p99_ms is broken; two keys
    assert "p50_ms: 20.5 ms p99_ms: 44 ms" in text_of(times)
    assert "per_second: 9" in text_of(rate)


def test_figures_are_what_has_a_unit():
    found = (Evidence("recovery, in seconds", 12.5), Evidence("https://x/", 200))
    tree = parsed(page(report(scenario("s", Outcome.PASSED, evidence=found))))
    (figures,) = (d for d in tree.iter(f"{NS}details") if d.get("class") == "figures")
    assert "recovery, in seconds 12.5" in text_of(figures)
    assert "https" not in text_of(figures)


def test_what_took_long_stands_on_a_time_line():
    spans = (Span("failover: run", 1.5, 20), Span("s", 22, 10.25, scenario("s", Outcome.PASSED).id))
    tree = parsed(page(report(scenario("s", Outcome.PASSED), spans=spans)))
    (table,) = (t for t in tree.iter(f"{NS}table") if t.get("class") == "list spans")
    bars = [(r.get("class"), r.get("x"), r.get("width")) for r in table.iter(f"{SVG}rect")]
    assert bars == [("length", "3.61", "48.19"), ("passed", "53.01", "24.7")]
    assert "failover: run 1.5 s + 20.0 s" in text_of(table)


@pytest.mark.parametrize(
    "value", [[], [1, 2, 3], [{"t": 1}] * 2, [{"t": 1, "x": 1}, {"t": "b"}, 3]]
)
def test_what_is_no_curve(value):
    assert curves(value) == ()


def test_a_curve_of_one_value_and_one_moment_is_drawn():
    (curve,) = curves([{"t": 5, "x": 0}] * 3)
    assert curve.lines[0].parts == ("0,160 0,160 0,160",)
    assert curve.ticks == ((0, 160), (1, 0))
