"""Find or start the compose replica that an environment file asks for, and say where all is."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from golive.compose import engine as engines
from golive.compose.control import directory, matching, project, running, started
from golive.compose.state import ContainersState
from golive.environment import Clients, Environment, Host, Ports
from golive.replica.control import ReplicaError, Say
from golive.replica.state import CREDENTIALS
from golive.replica.subnet import DOMAIN


@contextmanager
def attach_or_start(
    environment: Environment, stack: Path, say: Say, *, fresh: bool = False
) -> Iterator[Environment]:
    """`environment` with the addresses of a compose replica of `stack`.

    One of exactly these files that `golive up` started is used as it is; else, or with `fresh`,
    one is started, and removed with the block. Raises ReplicaError.
    """
    engine = engines.ensure(say)
    state = None if fresh else matching(engine, stack)
    if state is not None:
        say(f"using compose replica {state.number}, up since {state.started}")
        yield resolved(environment, state)
        return
    with started(engine, stack, say) as owned:
        yield resolved(environment, owned.state)


def attach(environment: Environment, number: int, say: Say) -> Environment:
    """`environment` with the addresses of compose replica `number`, of whatever files it is.

    Raises ReplicaError where it does not run.
    """
    for state in running(engines.ensure(say)):
        if state.number == number and state.ready_s is not None:
            return resolved(environment, state)
    raise ReplicaError(
        f"compose replica {number} does not run, or is not ready: "
        "golive status --environment compose"
    )


def attach_kept(environment: Environment, say: Say) -> Environment:
    """`environment` with the addresses of a compose replica that is up, whichever.

    Raises ReplicaError where none is.
    """
    kept = [state for state in running(engines.ensure(say)) if state.kept]
    if not kept:
        raise ReplicaError("no compose replica is up: golive up --environment compose")
    return resolved(environment, kept[-1])


def resolved(environment: Environment, state: ContainersState) -> Environment:
    """`environment` with every address, container, trusted root and client address."""
    networks = state.subnet
    place = directory(state.number)
    site = environment.site.model_copy(
        update={
            "address": networks.site,
            "ports": Ports(),
            "roots": place / "hosts/authority/root.pem",
        }
    )
    hosts = {
        name: Host(
            address=networks.hosts[host],
            connection=f"docker://{project(state.number)}-{host}-1",
        )
        for name in environment.hosts
        if (host := name.removesuffix(f".{DOMAIN}"))
    }
    clients = Clients(
        network=IPv4Network(networks.clients),
        cdn=IPv4Network(networks.cdn),
        load=IPv4Network(networks.load),
    )
    update = {"site": site, "hosts": hosts, "clients": clients}
    update["credentials"] = place / CREDENTIALS
    update["received"] = place / "received"
    update["stack"] = Path(state.stack)
    return environment.model_copy(update=update)
