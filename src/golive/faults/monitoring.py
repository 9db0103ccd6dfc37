"""A Prometheus that does not watch what it should."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager

from golive.endpoint import Endpoint
from golive.faults.fault import FaultError, Target, fault
from golive.faults.files import edited
from golive.probes.prometheus import PORT, value

_CONFIGURATION = "/etc/prometheus/prometheus.yml"
_SCRAPED_WITHIN_S = 60  # every 15 s
_POLL_S = 0.2
_FEATURE = "platform/monitoring.feature::"


@contextmanager
def _loaded(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """With edits of prometheus.yml in force; afterwards the file as it was."""
    try:
        with edited(replica, "monitoring", _CONFIGURATION, *edits):
            _reload(replica)
            yield
    finally:
        _reload(replica)


def _reload(replica: Target) -> None:
    """Return when the file is in force. Raises FaultError where Prometheus refuses it."""
    connection = http.client.HTTPConnection(replica.subnet.hosts["monitoring"], 9090, timeout=10)
    try:
        connection.request("POST", "/-/reload")
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise FaultError(f"Prometheus refuses {_CONFIGURATION}: {answer.read().decode()}")
    finally:
        connection.close()


@fault(_FEATURE + "Every server is watched")
@contextmanager
def a_server_forgotten(replica: Target) -> Iterator[None]:
    """ARC-08: nobody added the second application server to the targets."""
    target = f"          - '{replica.subnet.hosts['app-2']}:9100'\n"
    with _loaded(replica, (target, "")):
        yield


@fault(_FEATURE + "Every server is watched")
@contextmanager
def edge_at_the_wrong_port(replica: Target) -> Iterator[None]:
    """ARC-08: the balancer's exporter is asked for at another port, where nothing listens."""
    edge = replica.subnet.hosts["edge"]
    with _loaded(replica, (f"'{edge}:9100'", f"'{edge}:9101'")):
        yield


@fault(_FEATURE + "Every MongoDB member is watched")
@contextmanager
def mongodb_not_watched(replica: Target) -> Iterator[None]:
    """MDB-05: MongoDB's series are thrown away."""
    job = "- job_name: 'mongodb'\n"
    drop = (
        "    metric_relabel_configs:\n"
        "      - {source_labels: [__name__], regex: mongodb_up, action: drop}\n"
    )
    try:
        with _loaded(replica, (job, job + drop)):
            _until_up(replica, 0)
            yield
    finally:
        _until_up(replica, len(replica.subnet.named("mongo-")))


def _until_up(replica: Target, members: int) -> None:
    """Return when Prometheus has mongodb_up of so many: it keeps a series until it scrapes anew."""
    prometheus = Endpoint(replica.subnet.hosts["monitoring"], PORT, "monitoring")
    deadline = time.monotonic() + _SCRAPED_WITHIN_S
    while (value(prometheus, "count(mongodb_up)") or 0) != members:
        if time.monotonic() > deadline:
            raise FaultError(f"Prometheus has not mongodb_up of {members} members")
        time.sleep(_POLL_S)


@fault(_FEATURE + "There are alerts on MongoDB")
@contextmanager
def no_alerts(replica: Target) -> Iterator[None]:
    """MDB-05: Prometheus loads no file of rules."""
    with _loaded(replica, ('  - "alerts.yml"', '  - "rules.d/*.yml"')):
        yield
