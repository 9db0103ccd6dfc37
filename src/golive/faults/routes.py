"""Send alerts to the wrong people, or so that they are of no use."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.endpoint import Endpoint
from golive.faults.fault import Target, fault
from golive.faults.monitoring_files import HOST, routes_edited, rules_edited, silenced
from golive.probes.routes import PORT

_FEATURE = "06_monitoring/routes.feature::"
_ALERTS = "06_monitoring/alerts.feature::"
_TOLD = "06_monitoring/notifications.feature::<severity>: <quantity>"


@fault(f"{_FEATURE}A warning reaches e-mail and Slack, and not SMS", f"{_TOLD}[warning")
@contextmanager
def warnings_by_sms(replica: Target) -> Iterator[None]:
    """ALR-10: warnings go the way of critical alerts, and are received by SMS too."""
    root = "route:\n  receiver: {}\n"
    with routes_edited(replica, (root.format("warning"), root.format("critical"))):
        yield


@fault(f"{_FEATURE}A critical alert reaches e-mail, Slack and SMS", f"{_TOLD}[critical")
@contextmanager
def critical_matched_by_another_name(replica: Target) -> Iterator[None]:
    """ALR-11: the route of critical alerts is for a severity that none has: no SMS comes."""
    with routes_edited(
        replica, ('- matchers: [severity="critical"]', '- matchers: [severity="urgent"]')
    ):
        yield


@fault(f"{_FEATURE}Whoever hears of an alert hears of its end", _TOLD)
@contextmanager
def end_not_told(replica: Target) -> Iterator[None]:
    """Slack is not told of the end of any alert."""
    channel = "        channel: '#alerts'\n        send_resolved: "
    with routes_edited(replica, (f"{channel}true", f"{channel}false")):
        yield


@fault(f"{_FEATURE}A storm of alerts is one message, soon")
@contextmanager
def first_message_late(replica: Target) -> Iterator[None]:
    """The first message waits five minutes for others."""
    with routes_edited(replica, ("group_wait: 10s", "group_wait: 5m")):
        yield


@fault(f"{_FEATURE}An alert is told at night and at weekends, too")
@contextmanager
def muted_at_times(replica: Target) -> Iterator[None]:
    """Critical alerts are muted at times: those of the year 2000, so that none is now."""
    interval = "time_intervals:\n  - name: interval\n    time_intervals: [{years: ['2000']}]"
    receiver = "      receiver: critical\n"
    with routes_edited(
        replica,
        (receiver, f"{receiver}      mute_time_intervals: [interval]\n"),
        ("\ninhibit_rules:", f"\n{interval}\n\ninhibit_rules:"),
    ):
        yield


@fault(
    f"{_FEATURE}There is no alert that nobody has a route for",
    f"{_ALERTS}<what> is noticed[A configuration that is refused",
)
@contextmanager
def a_severity_of_its_own(replica: Target) -> Iterator[None]:
    """An alert is `info`: it is no warning, and nobody said who hears of it."""
    before = "reload_successful == 0\n        for: 5m\n        labels: {{ severity: {} }}"
    with rules_edited(replica, (before.format("warning"), before.format("info"))):
        yield


@fault(f"{_FEATURE}No silence was forgotten")
@contextmanager
def a_forgotten_silence(replica: Target) -> Iterator[None]:
    """Somebody silenced the first application server while it was being restarted."""
    alertmanager = Endpoint(replica.subnet.hosts[HOST], PORT, HOST)
    with silenced(alertmanager, instance=f"{replica.subnet.hosts['app-1']}:.*"):
        yield


@fault(f"{_FEATURE}A critical alert silences its own warning, and no other")
@contextmanager
def silenced_everywhere(replica: Target) -> Iterator[None]:
    """A critical alert of one server silences the warnings of all."""
    with routes_edited(replica, ("equal: [subject, instance, mountpoint]", "equal: [subject]")):
        yield
