"""Dashboards that show nothing, something else, or nothing that an alert would agree with."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited, replaced

_FEATURE = "06_monitoring/dashboards.feature::"
_DIRECTORY = "/etc/grafana/dashboards"


def _board(replica: Target, name: str, *edits: tuple[str, str]) -> AbstractContextManager[None]:
    return edited(replica, "monitoring", f"{_DIRECTORY}/{name}.json", *edits)


@fault(f"{_FEATURE}Vue d'Ensemble")
@contextmanager
def overview_without_requests(replica: Target) -> Iterator[None]:
    """GRF-01: the requests are given as a number without a unit."""
    with _board(replica, "overview", ('"unit": "reqps"', '"unit": "short"')):
        yield


@fault(f"{_FEATURE}API")
@contextmanager
def a_query_that_returns_nothing(replica: Target) -> Iterator[None]:
    """GRF-02: a panel asks for statuses that are answered a million times a second."""
    query = "sum by (status) (rate(http_requests_total[$__rate_interval]))"
    with _board(replica, "api", (f'"{query}"', f'"{query} > 1e6"')):
        yield


@fault(f"{_FEATURE}Redis")
@contextmanager
def a_metric_misspelt(replica: Target) -> Iterator[None]:
    """GRF-03: a panel has a typing error in the name of its metric."""
    with _board(replica, "redis", ("redis_commands_processed_total", "redis_command_processed")):
        yield


@fault(f"{_FEATURE}MongoDB")
@contextmanager
def a_wrong_unit(replica: Target) -> Iterator[None]:
    """GRF-04: milliseconds are shown as seconds."""
    with _board(replica, "mongodb", ('"unit": "ms"', '"unit": "s"')):
        yield


@fault(f"{_FEATURE}Système")
@contextmanager
def no_panel_of_the_network(replica: Target) -> Iterator[None]:
    """GRF-05: nothing is shown of the network."""
    titles = [(f"Réseau : {what}", f"Trafic : {what}") for what in ("reçu", "émis")]
    with _board(replica, "system", *titles):
        yield


@fault(f"{_FEATURE}Sécurité")
@contextmanager
def a_missing_dashboard(replica: Target) -> Iterator[None]:
    """GRF-06: the dashboard has the name of another."""
    with _board(replica, "security", ('"title": "Sécurité"', '"title": "Audit"')):
        yield


@fault(f"{_FEATURE}What an alert watches is marked with the alert's thresholds")
@contextmanager
def a_threshold_that_disagrees(replica: Target) -> Iterator[None]:
    """A panel marks 200 ms where the alert has 100."""
    with _board(replica, "mongodb", ('"value": 100\n', '"value": 200\n')):
        yield


@fault(f"{_FEATURE}Grafana 10 and 11 load the files")
@contextmanager
def provided_from_elsewhere(replica: Target) -> Iterator[None]:
    """Grafana is told to look for the dashboards in another directory."""
    provider = "/etc/grafana/provisioning/dashboards/dashboard-velo.yml"
    text = replica.path("monitoring", provider).read_bytes()
    elsewhere = text.replace(b"/etc/grafana/dashboards", b"/etc/grafana/boards")
    with replaced(replica, "monitoring", provider, elsewhere):
        yield
