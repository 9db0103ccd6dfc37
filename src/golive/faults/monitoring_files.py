"""Change the files of Prometheus, Alertmanager and Grafana, and make the change take effect."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import yaml

from golive.endpoint import Endpoint
from golive.faults.fault import FaultError, Target
from golive.faults.files import edited
from golive.probes import routes, silences
from golive.probes.http import request
from golive.probes.prometheus import PORT, loaded_rules, targets

HOST = "monitoring"
RULES = "/etc/prometheus/alerts.yml"
CONFIGURATION = "/etc/prometheus/prometheus.yml"
ROUTES = "/etc/alertmanager/alertmanager.yml"
_OK = 200
_WITHIN_S = 60  # a first scrape, a first evaluation may be a whole interval away
_POLL_S = 0.2


@contextmanager
def rules_edited(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """With edits of the rules in force, and each evaluated; afterwards as before."""
    try:
        with edited(replica, HOST, RULES, *edits):
            _reload_rules(replica)
            yield
    finally:
        _reload_rules(replica)


@contextmanager
def configuration_edited(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """With edits of prometheus.yml in force; afterwards as before."""
    try:
        with edited(replica, HOST, CONFIGURATION, *edits):
            _reload_configuration(replica)
            yield
    finally:
        _reload_configuration(replica)


@contextmanager
def routes_edited(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """With edits of alertmanager.yml in force; afterwards as before."""
    alertmanager = Endpoint(replica.subnet.hosts[HOST], routes.PORT, HOST)
    try:
        with edited(replica, HOST, ROUTES, *edits):
            _reload(alertmanager)
            yield
    finally:
        _reload(alertmanager)


@contextmanager
def silenced(alertmanager: Endpoint, instance: str) -> Iterator[None]:
    """With a silence of all alerts of an instance (a regular expression); it is ended then."""
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "instance", "value": instance, "isRegex": True, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "golive",
        "comment": "a fault of golive prove",
    }
    made = request(
        alertmanager,
        silences.PATH,
        method="POST",
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(silence).encode(),
        scheme="http",
    )
    if made.status != _OK:
        raise FaultError(f"{alertmanager} takes no silence: {made.body.decode(errors='replace')}")
    name = json.loads(made.body)["silenceID"]
    try:
        yield
    finally:
        request(alertmanager, f"/api/v2/silence/{name}", method="DELETE", scheme="http")


def prometheus(replica: Target) -> Endpoint:
    """The replica's Prometheus."""
    return Endpoint(replica.subnet.hosts[HOST], PORT, HOST)


def until(holds: Callable[[], bool], what: str) -> None:
    """Return when it holds. Raises FaultError where it does not within a minute."""
    deadline = time.monotonic() + _WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            raise FaultError(f"not within {_WITHIN_S} s: {what}")
        time.sleep(_POLL_S)


def _reload_rules(replica: Target) -> None:
    _reload(prometheus(replica))
    rules = "Prometheus has evaluated its rules after a reload"
    until(lambda: all(each.evaluated for each in loaded_rules(prometheus(replica))), rules)


def _reload_configuration(replica: Target) -> None:
    """Return when Prometheus asks the targets that it is told to: some seconds after it reads."""
    server = prometheus(replica)
    _reload(server)
    text = replica.path(HOST, CONFIGURATION).read_text()
    told = [
        target
        for job in yaml.safe_load(text)["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    until(
        lambda: sorted(each.instance for each in targets(server)) == sorted(told),
        f"Prometheus asks {len(told)} targets, and no other",
    )


def _reload(server: Endpoint) -> None:
    answer = request(server, "/-/reload", method="POST", scheme="http", timeout_s=_WITHIN_S)
    if answer.status != _OK:
        raise FaultError(f"{server} does not reload: {answer.body.decode(errors='replace')}")
