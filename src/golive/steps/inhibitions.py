"""Judge which alerts silence which."""

from pytest_bdd import then

from golive.gate.evidence import EvidenceLog
from golive.outcome import NotRun
from golive.probes.alert_rules import Rule
from golive.probes.inhibitions import silenced
from golive.probes.routes import Labels
from golive.steps.expectation import listed, require


@then("of these a critical alert silences")
def inhibits(
    alert_rules: tuple[Rule, ...],
    alert_routes: str,
    evidence: EvidenceLog,
    datatable: list[list[str]],
) -> None:
    named = {rule.name: rule for rule in alert_rules if rule.alerting}
    rows = datatable[1:]
    if missing := {name for row in rows for name in row[:2]} - named.keys():
        raise NotRun(f"no alert is called {listed(sorted(missing))}")
    # Each row happens to servers of its own, so that one Alertmanager can hold them all.
    pairs = [
        (
            _labels(named[critical], f"server-{number}"),
            _labels(named[warning], f"{'server' if instance == 'same' else 'other'}-{number}"),
        )
        for number, (critical, warning, instance, _) in enumerate(rows)
    ]
    seen = silenced(alert_routes, tuple(labels for pair in pairs for labels in pair))
    evidence.add("silenced", seen)
    for (critical, warning, instance, expected), (source, target) in zip(rows, pairs, strict=True):
        require(
            source not in seen and (target in seen) == (expected == "yes"),
            expected=f"{critical} {'silences' if expected == 'yes' else 'does not silence'} "
            f"{warning} of {'the same' if instance == 'same' else 'another'} instance",
            actual=f"silenced: {listed([dict(each)['alertname'] for each in seen])}",
            where="inhibit_rules",
            look="amtool config show, amtool alert query --inhibited",
        )


def _labels(rule: Rule, instance: str) -> Labels:
    """What an alert of this rule carries, of this instance."""
    return tuple(
        sorted({**dict(rule.labels), "alertname": rule.name, "instance": instance}.items())
    )
