"""Break alerts: thresholds, durations, severities, and what they are computed from."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from golive.endpoint import Endpoint
from golive.faults.fault import FaultError, Target, fault
from golive.faults.files import edited
from golive.probes.http import request
from golive.probes.prometheus import PORT, loaded_rules

_TABLE = "06_monitoring/alerts.feature::<alert>"
_LOADED = "06_monitoring/prometheus.feature::The rules in force are those of the file"
_USABLE = "06_monitoring/prometheus.feature::Every rule is healthy, and none can never fire"
_CPU = f"{_TABLE}[CPU élevé-CPU-80 %-5 min-warning]"
_CPU_CRITICAL = f"{_TABLE}[CPU critique-CPU-95 %-2 min-critical]"
_MEMORY = f"{_TABLE}[Mémoire élevée-memory-85 %-5 min-warning]"
_RESPONSE_TIME = f"{_TABLE}[Latence API-response time-500 ms-5 min-warning]"
_ERRORS = f"{_TABLE}[Erreurs API-error rate-1 %-5 min-warning]"
_MONGODB = f"{_TABLE}[MongoDB latence-MongoDB response time-100 ms-5 min-warning]"

_FILE = "/etc/prometheus/alerts.yml"
_OK = 200
_WITHIN_S = 25  # a first evaluation may be a whole interval away
_POLL_S = 0.5


@fault(_CPU)
@contextmanager
def cpu_threshold_too_high(replica: Target) -> Iterator[None]:
    """ALR-01: the alert of a high CPU is at 85 %."""
    rest = "\n        for: 5m\n        labels: { severity: warning, subject: cpu }"
    with _rules_edited(replica, (f"> 80{rest}", f"> 85{rest}")):
        yield


@fault(_CPU_CRITICAL)
@contextmanager
def cpu_critical_is_a_warning(replica: Target) -> Iterator[None]:
    """ALR-02: the alert of a critical CPU has the severity of a warning."""
    labels = "labels: {{ severity: {}, subject: cpu }}"
    with _rules_edited(replica, (labels.format("critical"), labels.format("warning"))):
        yield


@fault(_MEMORY)
@contextmanager
def memory_alert_too_soon(replica: Target) -> Iterator[None]:
    """ALR-03: the alert of a high memory fires after 3 min."""
    with _rules_edited(replica, ("> 85\n        for: 5m", "> 85\n        for: 3m")):
        yield


@fault(_RESPONSE_TIME)
@contextmanager
def response_time_in_milliseconds(replica: Target) -> Iterator[None]:
    """ALR-05: seconds are compared with 500, so that the alert never fires."""
    with _rules_edited(replica, ("> 0.5\n", "> 500\n")):
        yield


@fault(_ERRORS)
@contextmanager
def errors_of_all_too_late(replica: Target) -> Iterator[None]:
    """ALR-06: the alert of errors fires after 10 min."""
    with _rules_edited(replica, ("> 1\n        for: 5m", "> 1\n        for: 10m")):
        yield


@fault(_MONGODB, _USABLE)
@contextmanager
def mongodb_metric_misspelt(replica: Target) -> Iterator[None]:
    """ALR-09: the alert asks for series that no exporter shows.

    So it can never fire, which the check of selectors finds too.
    """
    right = "sum by (member) (rate(mongodb_operation_latency_seconds_count"
    with _rules_edited(replica, (right, right.replace("latency", "latencies"))):
        yield


@fault(_LOADED)
@contextmanager
def rules_not_reloaded(replica: Target) -> Iterator[None]:
    """PRM-04: the file was changed, and Prometheus not told."""
    edit = ("> 1\n        for: 5m", "> 1\n        for: 6m")
    with edited(replica, "monitoring", _FILE, edit):
        yield


@contextmanager
def _rules_edited(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """With edits of the rules in force; afterwards the rules as they were."""
    try:
        with edited(replica, "monitoring", _FILE, *edits):
            _reload(replica)
            yield
    finally:
        _reload(replica)


def _reload(replica: Target) -> None:
    """Return when Prometheus has read its files anew, and evaluated every rule of them."""
    endpoint = Endpoint(replica.subnet.hosts["monitoring"], PORT, "monitoring")
    answer = request(endpoint, "/-/reload", method="POST", scheme="http", timeout_s=_WITHIN_S)
    if answer.status != _OK:
        raise FaultError(f"Prometheus does not reload: {answer.body.decode(errors='replace')}")
    deadline = time.monotonic() + _WITHIN_S
    while not all(each.evaluated for each in loaded_rules(endpoint)):
        if time.monotonic() > deadline:
            raise FaultError(f"Prometheus has not evaluated its rules {_WITHIN_S} s after a reload")
        time.sleep(_POLL_S)
