"""When the containers of a replica serve: each is asked in its own protocol, all at once."""

import asyncio
import socket
import time

from golive.compose.engine import SERVICE_LABEL, Engine
from golive.compose.hosts import ContainerHosts
from golive.replica.control import ReplicaError, Say
from golive.replica.hosts import SITE
from golive.replica.readiness import Ready, all_of, answers, greets, replicates
from golive.replica.stapling import stapled

_WITHIN_S = 240
_POLL_S = 0.2
_LOOK_EVERY_S = 3.0
_STAPLED_IN_A_ROW = 8  # rounds: nginx has several workers, and each its own response
_AT_ONCE = 8
_WITHOUT_WITHIN_S = 4


def await_ready(
    engine: Engine, project: str, hosts: ContainerHosts, say: Say, began: float
) -> None:
    """Make the MongoDB members one set, and return when every service serves.

    Raises ReplicaError with the last words of the one that ended or was late.
    """
    asyncio.run(_all(engine, project, hosts, _services(engine, project, hosts), say, began))


def _services(engine: Engine, project: str, hosts: ContainerHosts) -> dict[str, Ready]:
    """For each service, whether it serves."""
    at = hosts.subnet.hosts
    password = hosts.secrets["redis-admin-password"]
    services = {
        host: replicates(at[host], 6379, password, 2 if host == "redis-1" else None)
        for host in hosts.subnet.named("redis-")
    }
    for host, address in hosts.subnet.named("app-").items():
        launched = _launched(engine, f"{project}-{host}-1")
        services[host] = all_of(answers(address, 3000, "/ready"), launched)
        services[f"{host}-exporter"] = answers(address, 9100)
    monitoring = at["monitoring"]
    services["edge-exporter"] = answers(at["edge"], 9100)
    services["monitoring-exporter"] = answers(monitoring, 9100)
    services["monitoring"] = answers(monitoring, 9090, "/-/ready")
    services["alertmanager"] = answers(monitoring, 9093, "/-/ready")
    services["redis-exporter"] = answers(monitoring, 9121)
    services["mongodb-exporter"] = answers(monitoring, 9216, "/metrics")
    services["authority"] = answers(at["authority"], 80)
    services["receivers"] = all_of(greets(at["mail"], 25), answers(at["slack"], 80, status=501))
    services["sms"] = answers(at["sms"], 80, status=501)
    services["edge"] = _staples(hosts.subnet.site, 443, SITE)
    return services


async def _all(
    engine: Engine,
    project: str,
    hosts: ContainerHosts,
    services: dict[str, Ready],
    say: Say,
    began: float,
) -> None:
    async def until(service: str, ready: Ready) -> None:
        why = "it answers, but not as it should"
        try:
            async with asyncio.timeout(_WITHIN_S):
                while True:
                    try:
                        if await ready():
                            break
                    except (OSError, EOFError) as error:
                        why = str(error)
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise ReplicaError(
                f"{service} was not ready within {_WITHIN_S} s: {why}."
                f"{_last_words(engine, f'{project}-{service}-1')}"
            ) from None
        say(f"{service} ready after {time.monotonic() - began:.1f} s")

    async def watch() -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for each in await asyncio.to_thread(engine.containers, project):
                if each["State"]["Status"] == "exited":
                    service = each["Config"]["Labels"][SERVICE_LABEL]
                    status = each["State"]["ExitCode"]
                    words = _last_words(engine, each["Name"].lstrip("/"))
                    raise ReplicaError(f"{service} ended with status {status}.{words}")

    watching = asyncio.create_task(watch())
    ready = asyncio.gather(
        _replica_set(hosts, say, began), *(until(*each) for each in services.items())
    )
    done, _ = await asyncio.wait({watching, ready}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watching, ready):
        task.cancel()
    await asyncio.gather(watching, ready, return_exceptions=True)
    for each in done:
        each.result()


async def _replica_set(hosts: ContainerHosts, say: Say, began: float) -> None:
    from golive.replica.mongodb import MemberError, form_replica_set  # slow to import

    members = hosts.subnet.named("mongo-")
    first = hosts.root(next(iter(members))) / "etc/mongodb"
    try:
        await form_replica_set(
            [f"{address}:27017" for address in members.values()],
            first,
            hosts.secrets["mongo-cluster-key"],
            first / "root.pem",
            _WITHIN_S,
        )
    except MemberError as error:
        raise ReplicaError(str(error)) from error
    say(f"mongodb replica set ready after {time.monotonic() - began:.1f} s")


def _launched(engine: Engine, container: str) -> Ready:
    """Whether PM2 has started every worker of the application, as its log says."""

    async def ready() -> bool:
        log = await asyncio.to_thread(engine.logs, container)
        return "[dashboard-velo-api] launched" in log

    return ready


def _staples(address: str, port: int, name: str) -> Ready:
    """Whether TLS is served with a stapled OCSP response, many times in a row.

    A configuration may staple nothing: that is for the gate to judge. So it is ready too when it
    has served without for 4 s.
    """
    since: float | None = None

    async def ready() -> bool:
        nonlocal since
        for _ in range(_STAPLED_IN_A_ROW):
            if not await asyncio.to_thread(_round, address, port, name):
                since = since or time.monotonic()
                return time.monotonic() - since > _WITHOUT_WITHIN_S
        return True

    return ready


def _round(address: str, port: int, name: str) -> bool:
    """Whether each of several connections, open at the same time, is answered with a staple."""
    connections: list[socket.socket] = []
    try:
        for _ in range(_AT_ONCE):
            connections.append(socket.create_connection((address, port), 2))  # noqa: PERF401
        return all([stapled(each, name) for each in connections])
    finally:
        for each in connections:
            each.close()


def _last_words(engine: Engine, container: str) -> str:
    said = engine.logs(container).splitlines()[-15:]
    return f"\nThe end of its log ({container}):" + "".join(f"\n  {line[:400]}" for line in said)


