"""metrics.prom: a text file of metrics for the node exporter's textfile collector."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from golive.checklist import Report, Verdict
from golive.outcome import Outcome
from golive.report.history import History
from golive.report.words import Language


def render(report: Report, _history: History, _language: Language) -> str:
    """Every verdict and outcome is a series of its own, 1 where it is the one and else 0, so
    that a rule or a graph can name it.
    """
    registry = CollectorRegistry()
    here = report.environment

    def gauge(name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, ("environment", *labels), registry=registry)

    verdicts = gauge("golive_verdict", "Whether this is the verdict of the last run.", "verdict")
    for verdict in Verdict:
        verdicts.labels(here, verdict).set(verdict is report.verdict)
    items = gauge("golive_item_outcome", "Whether the item has this outcome.", "item", "outcome")
    for item in report.items:
        for outcome in Outcome:
            items.labels(here, item.id, outcome).set(outcome is item.outcome)
    scenarios = gauge(
        "golive_scenarios",
        "Scenarios by outcome; advisory ones block nothing.",
        "outcome",
        "blocking",
    )
    for outcome in Outcome:
        for blocking in (True, False):
            count = sum(
                each.outcome is outcome and each.blocking is blocking for each in report.scenarios
            )
            scenarios.labels(here, outcome, str(blocking).lower()).set(count)
    gauge("golive_statements_due", "Statements still to be shown elsewhere.").labels(here).set(
        len(report.due)
    )
    gauge("golive_run_timestamp_seconds", "When the last run began, Unix time.").labels(here).set(
        report.started.timestamp()
    )
    gauge("golive_run_duration_seconds", "How long the last run took.").labels(here).set(
        report.duration_s
    )
    return generate_latest(registry).decode()
