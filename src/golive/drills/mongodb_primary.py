"""Lose the MongoDB primary under traffic: who leads then, what is left of the writes (ARC-06)."""

import time
from dataclasses import dataclass
from typing import Literal

from pymongo.errors import PyMongoError

from golive.drills.stage import Replica, Stage
from golive.drills.traffic import Kind, Share
from golive.outcome import Unproven
from golive.probes.mongodb import Member, connected, primary_of
from golive.replica.order import restore
from golive.replica.restart import freeze, kill, thaw

_ELECTED_WITHIN_S = 20.0
_RESUMED_WITHIN_S = 30.0
_BEFORE = 20  # writes that the lost one has acknowledged
_AFTER = 16  # requests once writes are acknowledged again
_POLL_S = 0.05

How = Literal["killed", "frozen"]


@dataclass(frozen=True)
class PrimaryLoss:
    """The loss of `lost`, the primary. Times count from it: until another member said that it is
    the primary, until a write was acknowledged again (None: not in time), and until the set was
    as before.

    `acknowledged` writes were by then, `before` of them when it was lost; `missing` of them are
    not on the new primary, `missing_back` not on the old one when it was the primary again.
    `writes` are those that were sent between the loss and the first that was acknowledged.
    """

    how: How
    lost: str
    elected: str | None
    elected_s: float | None
    resumed_s: float | None
    healed_s: float
    acknowledged: int
    before: int
    missing: int
    missing_back: int
    writes: Share


class Losing:
    """The loss of the primary, step by step: other things may be lost in between."""

    def __init__(self, stage: Stage, how: How) -> None:
        self._stage, self._how = stage, how
        replica = stage.replica
        self._lost = primary_of(replica.members, replica.mongodb_admin)
        self._elected: Member | None = None
        self._elected_s: float | None = None
        self._resumed_s: float | None = None

    def lose(self) -> None:
        """Kill it, or freeze it, once it has acknowledged writes."""
        traffic = self._stage.traffic
        traffic.until(lambda: len(traffic.acknowledged()) >= _BEFORE, "writes are acknowledged")
        self._before = len(traffic.acknowledged())
        self._began_s = self._stage.traffic.now()
        (kill if self._how == "killed" else freeze)(self._stage.replica.directory, self._lost.name)

    def await_writes(self) -> None:
        """Return when writes are acknowledged again, or should have been long ago."""
        traffic, replica = self._stage.traffic, self._stage.replica
        others = [each for each in replica.members if each != self._lost]
        while self._elected is None and self._elapsed() < _ELECTED_WITHIN_S:
            self._elected = next((each for each in others if _leads(replica, each)), None)
            time.sleep(_POLL_S)
        if self._elected is not None:
            self._elected_s = self._elapsed()
            until = self._elapsed() + _RESUMED_WITHIN_S
            while self._resumed_s is None and self._elapsed() < until:
                self._resumed_s = self._resumed()
                time.sleep(_POLL_S)
            traffic.more(_AFTER)
        self._acknowledged = [each.id for each in traffic.acknowledged()]
        self._missing = (
            0 if self._elected is None else replica.without(self._elected, self._acknowledged)
        )

    def heal(self) -> None:
        """Return when the set is as before."""
        if self._how == "frozen":
            thaw(self._stage.replica.directory)
        restore(self._stage.replica.directory)
        self._healed_s = self._elapsed()
        self._missing_back = self._stage.replica.without(self._lost, self._acknowledged)

    def seen(self) -> PrimaryLoss:
        """What was seen: the traffic has ended."""
        end_s = self._began_s + (self._resumed_s or self._healed_s)
        return PrimaryLoss(
            how=self._how,
            lost=self._lost.name,
            elected=self._elected.name if self._elected else None,
            # A write that is acknowledged has a primary, whoever was asked who that is.
            elected_s=min(filter(None, (self._elected_s, self._resumed_s)), default=None),
            resumed_s=self._resumed_s,
            healed_s=self._healed_s,
            acknowledged=len(self._acknowledged),
            before=self._before,
            missing=self._missing,
            missing_back=self._missing_back,
            writes=self._stage.traffic.share((Kind.WRITE,), self._began_s, end_s),
        )

    def _elapsed(self) -> float:
        return round(self._stage.traffic.now() - self._began_s, 3)

    def _resumed(self) -> float | None:
        """When the first write was acknowledged that was sent after the loss."""
        after = [each for each in self._stage.traffic.acknowledged() if each.at_s > self._began_s]
        ends = (each.at_s + each.took_s - self._began_s for each in after)
        return min((round(end, 3) for end in ends), default=None)


def _leads(replica: Replica, member: Member) -> bool:
    try:
        with connected(member, replica.mongodb_admin) as client:
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except (Unproven, PyMongoError):
        return False
