"""Break alerts: thresholds, durations, severities, and what they are computed from."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited
from golive.faults.monitoring_files import HOST, RULES, rules_edited

_FEATURE = "06_monitoring/alerts.feature::"
_TABLE = f"{_FEATURE}<alert>"
_LOADED = "06_monitoring/prometheus.feature::The rules in force are those of the file"
_USABLE = "06_monitoring/prometheus.feature::Every rule is healthy, and none can never fire"
_DASHBOARDS = "06_monitoring/dashboards.feature::"
_MARKED = f"{_DASHBOARDS}What an alert watches is marked with the alert's thresholds"
_NOTIFICATIONS = "06_monitoring/notifications.feature::"
_TOLD = f"{_NOTIFICATIONS}<severity>: <quantity>"


@fault(f"{_TABLE}[CPU élevé", _MARKED)
@contextmanager
def cpu_threshold_too_high(replica: Target) -> Iterator[None]:
    """ALR-01: the alert of a high CPU is at 85 %.

    The dashboards mark 80 %, as the alert should have it.
    """
    rest = "\n        for: 5m\n        labels: { severity: warning, subject: cpu }"
    with rules_edited(replica, (f"> 80{rest}", f"> 85{rest}")):
        yield


@fault(f"{_TABLE}[CPU critique")
@contextmanager
def cpu_critical_too_late(replica: Target) -> Iterator[None]:
    """ALR-02: the alert of a critical CPU fires after 6 min."""
    rest = "\n        labels: { severity: critical, subject: cpu }"
    with rules_edited(replica, (f"for: 2m{rest}", f"for: 6m{rest}")):
        yield


@fault(f"{_TABLE}[Mémoire élevée")
@contextmanager
def memory_alert_too_soon(replica: Target) -> Iterator[None]:
    """ALR-03: the alert of a high memory fires after 3 min."""
    with rules_edited(replica, ("> 85\n        for: 5m", "> 85\n        for: 3m")):
        yield


@fault(f"{_TABLE}[Mémoire critique")
@contextmanager
def memory_critical_too_late(replica: Target) -> Iterator[None]:
    """ALR-04: the alert of a critical memory fires after 10 min."""
    rest = "\n        labels: { severity: critical, subject: memory }"
    with rules_edited(replica, (f"for: 2m{rest}", f"for: 10m{rest}")):
        yield


@fault(f"{_TABLE}[Latence API", _MARKED)
@contextmanager
def response_time_halved(replica: Target) -> Iterator[None]:
    """ALR-05: the alert of response times is at 250 ms.

    The dashboards mark half a second, as the alert should have it.
    """
    with rules_edited(replica, ("> 0.5\n", "> 0.25\n")):
        yield


@fault(f"{_TABLE}[Erreurs API")
@contextmanager
def errors_of_all_too_late(replica: Target) -> Iterator[None]:
    """ALR-06: the alert of errors fires after 10 min."""
    with rules_edited(replica, ("> 1\n        for: 5m", "> 1\n        for: 10m")):
        yield


@fault(f"{_TABLE}[Erreurs API critiques")
@contextmanager
def critical_errors_too_soon(replica: Target) -> Iterator[None]:
    """ALR-07: the alert of critical errors fires after 1 min."""
    with rules_edited(replica, ("> 5\n        for: 2m", "> 5\n        for: 1m")):
        yield


@fault(f"{_TABLE}[Redis mémoire", _MARKED)
@contextmanager
def redis_memory_too_soon(replica: Target) -> Iterator[None]:
    """ALR-08: the alert of Redis is at 70 %.

    The dashboards mark 80 %, as the alert should have it.
    """
    with rules_edited(replica, ("max_bytes > 0) > 80", "max_bytes > 0) > 70")):
        yield


@fault(f"{_TABLE}[MongoDB latence", _USABLE, _MARKED, f"{_TOLD}[warning-MongoDB response time")
@contextmanager
def mongodb_metric_misspelt(replica: Target) -> Iterator[None]:
    """ALR-09: the alert asks for series that no exporter shows.

    So it can never fire, which the check of selectors finds too, nobody is told of a MongoDB that
    is slow, and no dashboard shows what the alert watches.
    """
    right = "sum by (member) (rate(mongodb_operation_latency_seconds_count"
    with rules_edited(replica, (right, right.replace("latency", "latencies"))):
        yield


@fault(_LOADED)
@contextmanager
def rules_not_reloaded(replica: Target) -> Iterator[None]:
    """PRM-04: the file was changed, and Prometheus not told."""
    edit = ("> 1\n        for: 5m", "> 1\n        for: 6m")
    with edited(replica, HOST, RULES, edit):
        yield


@fault(f"{_FEATURE}A Redis without a limit is not taken for a full one", _MARKED)
@contextmanager
def redis_without_a_limit_is_full(replica: Target) -> Iterator[None]:
    """Finding 34: divided by a maxmemory of 0 every Redis is full.

    The dashboards show something else then than what the alert watches.
    """
    with rules_edited(replica, ("(redis_memory_max_bytes > 0)", "redis_memory_max_bytes")):
        yield


@fault(f"{_FEATURE}A client's mistakes are no error of the API", _MARKED)
@contextmanager
def mistakes_are_errors(replica: Target) -> Iterator[None]:
    """Answers of 4xx count as errors, which the dashboards do not show so."""
    total = "/ sum by (instance) (rate(http_requests_total[1m])) > 1"
    before = '(rate(http_requests_total{{status=~"{}"}}[1m]))\n          ' + total
    with rules_edited(replica, (before.format("5.."), before.format("[45].."))):
        yield


@fault(
    f"{_FEATURE}Somebody notices when no alert can come any more",
    f"{_NOTIFICATIONS}A service outside would notice when no alert can come any more",
)
@contextmanager
def no_heartbeat(replica: Target) -> Iterator[None]:
    """The alert that always fires never does, and no heartbeat comes."""
    with rules_edited(replica, ("expr: vector(1)", "expr: vector(1) > 1")):
        yield


def _late(
    name: str, condition: str, duration: str, *rows: str, outline: str = "<what> is noticed"
) -> None:
    """Register a fault: the alert on this condition takes 20 min."""

    @contextmanager
    def too_late(replica: Target) -> Iterator[None]:
        edit = f"{condition}\n        for: "
        with rules_edited(replica, (f"{edit}{duration}\n", f"{edit}20m\n")):
            yield

    too_late.__name__ = name
    too_late.__doc__ = f"The alert on `{condition}` takes 20 min: too late to be of use."
    fault(*(f"{_FEATURE}{outline}[{row}" for row in rows))(too_late)


_late(
    *(
        "gone_too_late",
        "expr: up == 0",
        "1m",
        "A server that is gone",
        "An application that is gone",
    ),
    *("An exporter that is gone", "An Alertmanager that is gone"),
)
_late("redis_gone_too_late", "redis_up == 0", "1m", "A Redis that is gone")
_late("mongodb_gone_too_late", "mongodb_up == 0", "1m", "A MongoDB that is gone")
_late("certificate_too_late", "86400 < 21", "5m", "A certificate that ends soon")
_late("disk_too_late", "< 10", "5m", "A disk that fills")
_late("full_disk_too_late", "< 5", "2m", "A full disk")
_late("lag_too_late", "> 10", "5m", "A MongoDB that lags")
_late("old_backup_too_late", "3600 > 26", "5m", "A backup that is old")
_late("replica_too_late", "redis_master_link_up == 0", "2m", "A Redis replica on its own")
_late("snapshot_too_late", "last_bgsave_status == 0", "2m", "A Redis that cannot save")
_late("refusal_too_late", "failed_total[5m])) > 0", "1m", "A receiver that refuses")
_late("loss_too_late", "errors_total[2m]) > 0", "5m", "An alert that is not handed over")
_late("rule_failure_too_late", "failures_total[5m]) > 0", "5m", "A rule that fails")
_late("reload_too_late", "reload_successful == 0", "5m", "A configuration that is refused")

_MISSED = "<what>: missed when there are no series any more"
_late(
    *("jobs_missed_too_late", 'absent(up{job="alertmanager"})', "1m"),
    *("All servers", "All applications", "All Redis", "All of MongoDB"),
    *("Prometheus itself", "Alertmanager"),
    outline=_MISSED,
)
_late(
    *("measures_missed_too_late", "mongodb_operation_latency_seconds_count", "5m"),
    *("The CPU of a server that answers", "The memory of a server that answers"),
    "The requests of an application that answers",
    "The response times of an application that answers",
    *("Redis, of an exporter that answers", "The memory of a Redis that answers"),
    *("MongoDB, of an exporter that answers", "The response times of a MongoDB that answers"),
    outline=_MISSED,
)
