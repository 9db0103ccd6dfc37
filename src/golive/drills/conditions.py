"""A condition that a drill brings about, and what was told of it."""

from collections.abc import Callable
from dataclasses import dataclass

from golive.probes.notifications import Notification
from golive.probes.prometheus import Alert
from golive.probes.routes import Message

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Told:
    """What became of one condition: of `quantity` on the server that series call `instance`.

    `alert` is the one of `severity` that fired, `value` (its unit) what it had seen; None where
    none fired. `fired_s` and `begun` are the seconds from when the condition came about until the
    alert fired and each channel was told; `ended` those from its end until that was told.
    `texts` is what each channel was told at first.
    """

    quantity: str
    severity: str
    instance: str
    alert: str | None
    value: float | None
    fired_s: float | None
    begun: dict[str, float]
    ended: dict[str, float]
    texts: dict[str, str]


@dataclass
class Condition:
    """One condition: `begin` brings it about. Times are those of the machine's clock."""

    quantity: str
    severity: str
    instance: str
    begin: Callable[[], object]
    began: float = 0.0
    ended: float = 0.0
    alert: Alert | None = None
    promised: tuple[Message, ...] = ()

    def channels(self, *, ended: bool = False) -> set[str]:
        """Those that are told of it by its route, or of its end."""
        return {each.kind for each in self.promised if each.resolved or not ended}

    def concerns(self, alert: Alert) -> bool:
        """Whether an alert is of this severity, and of this server."""
        labels = dict(alert.labels)
        return labels.get("severity") == self.severity and self.instance in labels.values()

    def messages(
        self, heard: tuple[Notification, ...], *, ended: bool = False
    ) -> dict[str, Notification]:
        """The first message by each channel that tells of it, or of its end."""
        if self.alert is None:
            return {}
        name = dict(self.alert.labels)["alertname"]
        found: dict[str, Notification] = {}
        for each in heard:
            at = each.received.timestamp()
            if (
                each.resolved == ended
                and at > (self.ended if ended else self.began)
                and name in each.text
                and self.instance in each.text
            ):
                found.setdefault(each.channel, each)
        return found

    def told(self, heard: tuple[Notification, ...], fired: dict[Labels, float]) -> Told:
        """What became of it. `fired` is when (s since 1970) each alert fired first."""
        begun, ended = self.messages(heard), self.messages(heard, ended=True)
        alert = self.alert
        first = min(
            (at for labels, at in fired.items() if alert and labels == alert.labels), default=None
        )
        return Told(
            self.quantity,
            self.severity,
            self.instance,
            dict(alert.labels)["alertname"] if alert else None,
            alert.value if alert else None,
            None if first is None else round(first - self.began, 2),
            {name: round(m.received.timestamp() - self.began, 2) for name, m in begun.items()},
            {name: round(m.received.timestamp() - self.ended, 2) for name, m in ended.items()},
            {name: message.text for name, message in begun.items()},
        )
