"""What a failover drill works with: a replica that it may break, and traffic through its edge."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from golive.drills.access_log import AccessLog
from golive.drills.traffic import Traffic
from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes import redis
from golive.probes.mongodb import Login, Member, connected
from golive.replica.heal import drilling
from golive.replica.journal import BusyError, Journal
from golive.replica.order import DATABASE, WRITTEN
from golive.replica.reload import ReloadError
from golive.replica.restart import RestartError
from golive.replica.state import State
from golive.replica.subnet import Subnet

_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Replica:
    """A replica, and what is needed to look into it and to send it traffic.

    `client` gives source addresses, `token_secret` signs access tokens, `node` is the program
    that runs the application.
    """

    directory: Path
    site: Endpoint
    members: tuple[Member, ...]
    mongodb_admin: Login
    redis_admin: redis.Login
    node: Path
    token_secret: str = field(repr=False)
    client: Callable[[], str | None]

    @property
    def subnet(self) -> Subnet:
        """Its addresses."""
        return State.read(self.directory).subnet

    def without(self, member: Member, written: Iterable[str]) -> int:
        """How many of these writes of the traffic are not, or not whole, on this member."""
        ids = {*written}
        with connected(member, self.mongodb_admin, _TIMEOUT_S) as client:
            there = [
                {
                    each["_id"]
                    for each in client[DATABASE][name].find({"_id": {"$in": [*ids]}}, {"_id": 1})
                }
                for name in WRITTEN
            ]
        return len(ids - set.intersection(*there))


@dataclass(frozen=True)
class Stage:
    """A drill that is going on."""

    replica: Replica
    journal: Journal
    traffic: Traffic
    log: AccessLog


@contextmanager
def staged(replica: Replica) -> Iterator[Stage]:
    """Traffic flows; the block may break the replica, which is in order again after it.

    What the traffic wrote is removed then. Raises Unproven.
    """
    traffic = Traffic(replica.site, replica.client, replica.token_secret)
    log = replica.directory / "hosts/edge/var/log/nginx/access.log"
    try:
        with drilling(replica.directory) as journal:
            try:
                traffic.start()
                with AccessLog(log, traffic.now) as requests:
                    yield Stage(replica, journal, traffic, requests)
            finally:
                traffic.stop()
    except (BusyError, ReloadError, RestartError) as error:
        raise Unproven(str(error), Whose.OURS) from error
