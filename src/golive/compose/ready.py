"""When the containers of a replica serve: each is asked in its own protocol, all at once."""

import asyncio
import sys
import time
from dataclasses import dataclass

from golive.compose.engine import SERVICE_LABEL, Engine
from golive.compose.hosts import ContainerHosts
from golive.replica.control import ReplicaError, Say
from golive.replica.hosts import SITE
from golive.replica.readiness import Ready, accepts, all_of, answers, greets, replicates

_WITHIN_S = 240  # for what hangs: a death is told within seconds
_POLL_S = 0.2
_LOOK_EVERY_S = 3.0
_LAST_WORDS = 15  # lines


def await_ready(
    engine: Engine, project: str, hosts: ContainerHosts, say: Say, began: float
) -> None:
    """Make the MongoDB members one set, and return when every service serves.

    `began` is the monotonic time from which `say` is told how long each took. Raises
    ReplicaError with the last words of the one that ended or was late.
    """
    try:
        asyncio.run(_Start(engine, project, hosts, say, began).ready())
    except* ReplicaError as errors:
        raise errors.exceptions[0] from None


@dataclass(frozen=True)
class _Start:
    engine: Engine
    project: str
    hosts: ContainerHosts
    say: Say
    began: float

    async def ready(self) -> None:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            await asyncio.gather(
                self._mongodb(), *(self._until(*each) for each in self._services().items())
            )
            watching.cancel()

    async def _mongodb(self) -> None:
        """Make the members one set, once all of them take connections."""
        members = self.hosts.subnet.named("mongo-")
        await asyncio.gather(
            *(self._until(host, accepts(address, 27017)) for host, address in members.items())
        )
        await self._replica_set([f"{address}:27017" for address in members.values()])

    def _services(self) -> dict[str, Ready]:
        """For each service, whether it serves."""
        hosts = self.hosts.subnet
        at = hosts.hosts
        password = self.hosts.secrets["redis-admin-password"]
        services = {
            host: replicates(at[host], 6379, password, 2 if host == "redis-1" else None)
            for host in hosts.named("redis-")
        }
        for host, address in hosts.named("app-").items():
            services[host] = all_of(answers(address, 3000, "/ready"), self._launched(host))
            services[f"{host}-exporter"] = answers(address, 9100)
        monitoring = at["monitoring"]
        return services | {
            "edge-exporter": answers(at["edge"], 9100),
            "monitoring-exporter": answers(monitoring, 9100),
            "backup-exporter": answers(at["backup"], 9100),
            "monitoring": answers(monitoring, 9090, "/-/ready"),
            "alertmanager": answers(monitoring, 9093, "/-/ready"),
            "redis-exporter": answers(monitoring, 9121),
            "mongodb-exporter": answers(monitoring, 9216, "/metrics"),
            "authority": answers(at["authority"], 80),
            # A webhook is posted to: it refuses GET (501), and that is an answer.
            "receivers": all_of(greets(at["mail"], 25), answers(at["slack"], 80, status=501)),
            "sms": answers(at["sms"], 80, status=501),
            "heartbeat": answers(at["heartbeat"], 80, status=501),
            "edge": self._staples(hosts.site),
        }

    def _launched(self, service: str) -> Ready:
        """Whether PM2 has started every worker of the application, as its log says."""

        async def ready() -> bool:
            said = await asyncio.to_thread(self.engine.logs, self._container(service))
            return "[dashboard-velo-api] launched" in said

        return ready

    def _staples(self, address: str) -> Ready:
        """Whether every worker of the edge staples: seen in its network, where its sockets are."""

        async def ready() -> bool:
            program = [sys.executable, "-m", "golive.replica.stapling", address, "443", SITE]
            enter = ["nsenter", "--net", "--target", await asyncio.to_thread(self._pid, "edge")]
            command = ["setpriv", "--pdeathsig", "KILL", "--", *enter, "--", *program]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, stderr=pipe)
            try:
                _, said = await process.communicate()
            finally:  # another service may have failed meanwhile
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if process.returncode:
                raise ConnectionError(said.decode().strip())
            return True

        return ready

    def _pid(self, service: str) -> str:
        container = self._container(service)
        return self.engine.run("inspect", "--format", "{{.State.Pid}}", container).strip()

    def _container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    async def _until(self, service: str, ready: Ready) -> None:
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
                f"{service} was not ready within {_WITHIN_S} s: {why}.{self._last_words(service)}"
            ) from None
        self._tell(service)

    async def _watch(self) -> None:
        """Raise ReplicaError when a container ends: none of them may."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for each in await asyncio.to_thread(self.engine.containers, self.project):
                if each["State"]["Status"] == "exited":
                    service = each["Config"]["Labels"][SERVICE_LABEL]
                    status = each["State"]["ExitCode"]
                    raise ReplicaError(
                        f"{service} ended with status {status}.{self._last_words(service)}"
                    )

    def _last_words(self, service: str) -> str:
        container = self._container(service)
        said = self.engine.logs(container).splitlines()[-_LAST_WORDS:]
        masked = self.hosts.secrets.mask("".join(f"\n  {line[:400]}" for line in said))
        return f"\nThe end of its log (docker logs {container}):{masked}"

    async def _replica_set(self, members: list[str]) -> None:
        # Not at the top: the servers start while this is imported.
        from golive.replica.mongodb import MemberError, form_replica_set

        first = self.hosts.root("mongo-1") / "etc/mongodb"
        try:
            await form_replica_set(
                members,
                first,
                self.hosts.secrets["mongo-cluster-key"],
                first / "root.pem",
                _WITHIN_S,
            )
        except MemberError as error:
            raise ReplicaError(f"{error}{self._last_words('mongo-1')}") from error
        self._tell("mongodb replica set")

    def _tell(self, what: str) -> None:
        self.say(f"{what} ready after {time.monotonic() - self.began:.1f} s")
