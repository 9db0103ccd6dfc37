"""A Prometheus that does not measure what it should, or not as often."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.application import source_edited
from golive.faults.fault import Target, fault
from golive.faults.monitoring_files import configuration_edited, prometheus, until
from golive.probes.prometheus import value

_FEATURE = "06_monitoring/prometheus.feature::"


@fault(f"{_FEATURE}Every target is scraped every 15 s")
@contextmanager
def scraped_too_seldom(replica: Target) -> Iterator[None]:
    """PRM-01: targets are scraped every 20 s."""
    with configuration_edited(replica, ("scrape_interval: 15s", "scrape_interval: 20s")):
        yield


@fault(f"{_FEATURE}Rules are evaluated every 15 s")
@contextmanager
def evaluated_too_seldom(replica: Target) -> Iterator[None]:
    """PRM-02: rules are evaluated every 20 s."""
    with configuration_edited(replica, ("evaluation_interval: 15s", "evaluation_interval: 20s")):
        yield


@fault(f"{_FEATURE}Prometheus is connected to Alertmanager")
@contextmanager
def alertmanager_elsewhere(replica: Target) -> Iterator[None]:
    """PRM-03: alerts are sent to another port, where nobody listens."""
    monitoring = replica.subnet.hosts["monitoring"]
    sent = "        - targets: ['{}:{}']\n\nrule_files"
    with configuration_edited(
        replica, (sent.format(monitoring, 9093), sent.format(monitoring, 9094))
    ):
        yield


@fault(f"{_FEATURE}The host of every server is measured")
@contextmanager
def a_server_forgotten(replica: Target) -> Iterator[None]:
    """PRM-05, ARC-08: nobody added the second application server to the targets."""
    with _forgotten(replica, f"{replica.subnet.hosts['app-2']}:9100"):
        yield


@fault(f"{_FEATURE}The host of every server is measured")
@contextmanager
def edge_at_the_wrong_port(replica: Target) -> Iterator[None]:
    """PRM-05, ARC-08: the balancer's exporter is asked for at a port where nothing listens."""
    edge = replica.subnet.hosts["edge"]
    with configuration_edited(replica, (f"'{edge}:9100'", f"'{edge}:9101'")):
        yield


@fault(f"{_FEATURE}Every application server is measured")
@contextmanager
def an_application_forgotten(replica: Target) -> Iterator[None]:
    """PRM-06: nobody added the first application server to the targets."""
    with _forgotten(replica, f"{replica.subnet.hosts['app-1']}:3000"):
        yield


@fault(f"{_FEATURE}An application server counts what all of its workers served")
@contextmanager
def a_worker_counts_alone(replica: Target) -> Iterator[None]:
    """PRM-06: each worker of the third server shows what it served itself."""
    edit = (
        "if (retired.ids.includes(other)) continue;",
        "if (retired.ids.includes(other) || other !== id) continue;",
    )
    with source_edited(replica, "app-3", "src/cluster-metrics.js", edit):
        yield


@fault(f"{_FEATURE}Every Redis is measured")
@contextmanager
def a_redis_forgotten(replica: Target) -> Iterator[None]:
    """PRM-07: nobody added the third Redis to the targets."""
    with _forgotten(replica, f"redis://{replica.subnet.hosts['redis-3']}:6379"):
        yield


@fault(f"{_FEATURE}Every MongoDB member is measured")
@contextmanager
def a_member_not_watched(replica: Target) -> Iterator[None]:
    """PRM-08, MDB-05: what there is of one MongoDB member is thrown away."""
    member = replica.subnet.hosts["mongo-2"]
    up = f'mongodb_up{{member=~"{member}:.*"}}'
    with _thrown_away(replica, "mongodb", f"[member], regex: '{member}:.*'", up):
        yield


@fault(f"{_FEATURE}Every rule is healthy, and none can never fire")
@contextmanager
def a_series_thrown_away(replica: Target) -> Iterator[None]:
    """PRM-04: a series that a rule asks for is dropped, so that the rule can never fire."""
    series = "redis_rdb_last_bgsave_status"
    with _thrown_away(replica, "redis", f"[__name__], regex: {series}", series):
        yield


@contextmanager
def _forgotten(replica: Target, target: str) -> Iterator[None]:
    """With one target fewer."""
    with configuration_edited(replica, (f"          - '{target}'\n", "")):
        yield


@contextmanager
def _thrown_away(replica: Target, job: str, labels: str, series: str) -> Iterator[None]:
    """With what a job scrapes of these labels dropped; `series` selects some of it."""
    line = f"- job_name: '{job}'\n"
    drop = f"    metric_relabel_configs:\n      - {{source_labels: {labels}, action: drop}}\n"
    count = f"count({series})"
    try:
        with configuration_edited(replica, (line, line + drop)):
            until(lambda: not value(prometheus(replica), count), f"no {series}")
            yield
    finally:
        until(lambda: bool(value(prometheus(replica), count)), f"{series} is back")
