"""Judge the rules that Prometheus has, and where it sends alerts."""

from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pytest_bdd import parsers, then

from golive.endpoint import Endpoint
from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.probes.alert_rules import (
    Rule,
    Selector,
    canonical,
    parse_rules,
    selectors,
    shortest_window_s,
)
from golive.probes.http import request
from golive.probes.prometheus import (
    LoadedRule,
    alertmanagers,
    configuration,
    loaded_rules,
    matching,
    value,
)
from golive.steps.expectation import column, listed, require
from golive.steps.prometheus import ago, now_of, settled, url

_OK = 200


@then(
    parsers.parse("every rule is evaluated every {every:d} s, and was within the last {last:d} s")
)
def evaluated(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    every: int,
    last: int,
) -> None:
    measurements.result(settled, prometheus)
    now = now_of(prometheus)
    general = configuration(prometheus)
    evidence.add("configuration", general)
    rules = loaded_rules(prometheus)
    _require_rules(prometheus, rules)
    for each in rules:
        age = (now - each.evaluated).total_seconds() if each.evaluated else None
        require(
            general.evaluation_interval_s == each.rule.interval_s == every
            and age is not None
            and age <= last,
            expected=f"evaluated every {every} s, and within the last {last} s",
            actual=f"every {each.rule.interval_s} s (as a rule, every "
            f"{general.evaluation_interval_s:g} s), {ago(age)}",
            where=f"{each.rule.name} of the group {each.rule.group}",
            look=url(prometheus, "/rules"),
        )


@then(parsers.parse("no evaluation was left out within the last {minutes:d} min"))
def none_left_out(prometheus: Endpoint, evidence: EvidenceLog, minutes: int) -> None:
    missed = "prometheus_rule_group_iterations_missed_total"
    # A series that has just begun has not grown yet.
    query = f"sum(increase({missed}[{minutes}m])) or 0 * sum({missed})"
    seen = value(prometheus, query)
    evidence.add(query, seen)
    require(
        seen == 0,
        expected="none",
        actual="Prometheus does not measure itself" if seen is None else f"{seen:.0f}",
        where=query,
        look=url(prometheus, "/graph"),
    )


@then(parsers.parse('the rules loaded from "{path}" are those of the file now'))
def rules_are_the_files(
    environment: Environment, prometheus: Endpoint, evidence: EvidenceLog, path: str
) -> None:
    machine = machines(environment, "monitoring")[0]
    written = parse_rules(machine.read(path))
    name = PurePosixPath(path).name
    loaded = [
        each.rule for each in loaded_rules(prometheus) if PurePosixPath(each.file).name == name
    ]
    evidence.add("rules of the file, and loaded", [len(written), len(loaded)])
    there, here = ({_meaning(rule) for rule in rules} for rules in (written, loaded))
    require(
        bool(written) and there == here,
        expected=f"the {len(written)} rules of {path}",
        actual=f"{len(loaded)} rules; not loaded: {_named(there - here)}; "
        f"not in the file: {_named(here - there)}",
        where=prometheus,
        look=f"compare {path} with {url(prometheus, '/rules')}; then promtool check rules {path}",
    )


@then("the last reload of the configuration succeeded")
def reloaded(prometheus: Endpoint, evidence: EvidenceLog) -> None:
    seen = configuration(prometheus)
    evidence.add("configuration", seen)
    require(
        seen.reloaded,
        expected="a configuration that was read as a whole",
        actual="the last reload failed, and an older configuration is in force",
        where=prometheus,
        look="promtool check config /etc/prometheus/prometheus.yml",
    )


@then("every rule is healthy")
def rules_healthy(prometheus: Endpoint, measurements: Measurements, evidence: EvidenceLog) -> None:
    measurements.result(settled, prometheus)
    rules = loaded_rules(prometheus)
    evidence.add("rules", {each.rule.name: each.health for each in rules})
    _require_rules(prometheus, rules)
    for each in rules:
        require(
            each.health == "ok",
            expected="health ok",
            actual=f"{each.health} {each.error}".strip(),
            where=each.rule.name,
            look=url(prometheus, "/rules"),
        )


@then("every selector of every rule matches a series, whatever the value of")
def selectors_match(
    prometheus: Endpoint,
    measurements: Measurements,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    measurements.result(settled, prometheus)
    free = column(datatable)
    rules = loaded_rules(prometheus)
    _require_rules(prometheus, rules)
    matches: dict[Selector, int] = {}
    for each in rules:
        for selector in selectors(each.rule.expression):
            freed = tuple(
                (name, "!=", "") if name in free else (name, operator, wanted)
                for name, operator, wanted in selector.matchers
            )
            asked = Selector(selector.metric, freed)
            if asked not in matches:
                matches[asked] = matching(prometheus, asked)
            require(
                matches[asked] > 0,
                expected="series that it matches: the rule can never do anything else",
                actual="none",
                where=f"{selector} of the rule {each.rule.name}",
                look=url(prometheus, "/graph"),
            )
    evidence.add("series that match", {str(asked): count for asked, count in matches.items()})


@then("every window of a rule holds at least two scrapes")
def windows_are_long_enough(prometheus: Endpoint, evidence: EvidenceLog) -> None:
    least = 2 * configuration(prometheus).scrape_interval_s
    windows = {
        each.rule.name: shortest_window_s(each.rule.expression) for each in loaded_rules(prometheus)
    }
    evidence.add("shortest window, in seconds", windows)
    for name, window in windows.items():
        require(
            window is None or window >= least,
            expected=f"a window of at least {least:g} s: a rate needs two scrapes",
            actual=f"{window} s",
            where=name,
            look=url(prometheus, "/rules"),
        )


@then(
    parsers.parse(
        "exactly {count:d} Alertmanager is active, on port {port:d}, and none was dropped"
    )
)
def alertmanager_is_active(
    prometheus: Endpoint, evidence: EvidenceLog, count: int, port: int
) -> None:
    seen = alertmanagers(prometheus)
    evidence.add("Alertmanagers", seen)
    ports = [urlsplit(each).port for each in seen.active]
    require(
        ports == [port] * count and not seen.dropped,
        expected=f"{count} on port {port}",
        actual=f"active: {listed(seen.active)}; dropped: {listed(seen.dropped)}",
        where=prometheus,
        look=url(prometheus, "/status"),
    )


@then("it answers that it is ready")
def alertmanager_is_ready(prometheus: Endpoint) -> None:
    for each in alertmanagers(prometheus).active:
        where = urlsplit(each)
        endpoint = Endpoint(where.hostname or "", where.port or 0, where.hostname or "")
        response = request(endpoint, "/-/ready", scheme="http")
        require(
            response.status == _OK,
            expected=_OK,
            actual=response.status,
            where=url(endpoint, "/-/ready"),
            look=f"curl -i {url(endpoint, '/-/ready')}",
        )


def _require_rules(prometheus: Endpoint, rules: tuple[LoadedRule, ...]) -> None:
    require(
        bool(rules),
        expected="rules",
        actual="none is loaded",
        where=prometheus,
        look=url(prometheus, "/rules"),
    )


def _meaning(rule: Rule) -> tuple[object, ...]:
    """What two rules that mean the same have in common."""
    expression = canonical(rule.expression)
    return (rule.name, rule.group, expression, rule.for_s, rule.keep_firing_s, rule.labels)


def _named(meanings: set[tuple[object, ...]]) -> str:
    return listed(sorted(str(each[0]) for each in meanings))
