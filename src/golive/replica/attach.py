"""Find or start the replica that an environment file asks for, and say where everything is."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from golive.environment import Clients, Environment, Host, Ports
from golive.replica.control import ReplicaError, Say, directory, matching, running, started
from golive.replica.journal import BusyError, Journal
from golive.replica.state import CREDENTIALS, State
from golive.replica.subnet import DOMAIN

_LOCAL = "local://"


@contextmanager
def attach_or_start(
    environment: Environment, stack: Path, say: Say, *, fresh: bool = False
) -> Iterator[Environment]:
    """`environment` with the addresses of a replica of `stack`.

    A replica of exactly these files that `golive up` started is used as it is; else, or with
    `fresh`, one is started and ended with the block. Raises ReplicaError.
    """
    state = None if fresh else matching(stack)
    if state is not None:
        say(f"using replica {state.number}, up since {state.started}")
        _heal(state.number, say)
        yield resolved(environment, state)
        return
    with started(stack, say) as owned:
        yield resolved(environment, owned.state)


def attach(environment: Environment, number: int, say: Say) -> Environment:
    """`environment` with the addresses of replica `number`, of whatever files it is.

    Raises ReplicaError where it does not run.
    """
    for state in running():
        if state.number == number and state.ready_s is not None:
            _heal(number, say)
            return resolved(environment, state)
    raise ReplicaError(f"replica {number} does not run, or is not ready: golive status")


def _heal(number: int, say: Say) -> None:
    """Bring a replica to order that a killed drill has left. Raises ReplicaError."""
    if not Journal(directory(number)).exists:
        return
    from golive.replica.heal import heal  # slow to import, and seldom needed
    from golive.replica.reload import ReloadError
    from golive.replica.restart import RestartError

    say(f"replica {number}: a drill was interrupted; bringing it back to order ...")
    try:
        say(f"replica {number} is in order again after {heal(directory(number)):.1f} s")
    except (BusyError, ReloadError, RestartError) as error:
        raise ReplicaError(f"replica {number}: {error}") from error


def resolved(environment: Environment, state: State) -> Environment:
    """`environment` with every address, port, trusted root and client address of the replica."""
    subnet = state.subnet
    site = environment.site.model_copy(
        update={
            "address": subnet.hosts["edge"],
            "ports": Ports(http=subnet.port(80), https=subnet.port(443)),
            "roots": directory(state.number) / "hosts/authority/root.pem",
        }
    )
    hosts = {
        name: Host(
            address=subnet.hosts[host],
            connection=_LOCAL,
            root=directory(state.number) / "hosts" / host,
        )
        for name in environment.hosts
        if (host := name.removesuffix(f".{DOMAIN}"))
    }
    clients = Clients(
        network=IPv4Network(subnet.clients),
        cdn=IPv4Network(subnet.cdn),
        load=IPv4Network(subnet.load),
    )
    update = {"site": site, "hosts": hosts, "clients": clients}
    update["received"] = directory(state.number) / "received"
    update["credentials"] = directory(state.number) / CREDENTIALS
    update["stack"] = Path(state.stack)
    return environment.model_copy(update=update)
