"""Receivers that do not get what they are sent. Routes that are wrong: see `faults.routes`."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.monitoring_files import routes_edited

_TOLD = "06_monitoring/notifications.feature::<severity>: <quantity>"


@fault(_TOLD)
@contextmanager
def mail_refused(replica: Target) -> Iterator[None]:
    """ALR-10, ALR-11: the mail server is given by a port where nothing listens: all miss it."""
    mail, port = replica.subnet.hosts["mail"], replica.subnet.port(25)
    with routes_edited(replica, (f"'{mail}:{port}'", f"'{mail}:26'")):
        yield


@fault(f"{_TOLD}[critical")
@contextmanager
def sms_refused(replica: Target) -> Iterator[None]:
    """ALR-11: the gateway of SMS is given by a port where nothing listens."""
    sms = f"http://{replica.subnet.hosts['sms']}"
    port = replica.subnet.port(80)
    given = sms if port == 80 else f"{sms}:{port}"
    with routes_edited(replica, (f"{given}/send", f"{sms}:81/send")):
        yield
