"""Tell Prometheus how the members of the MongoDB replica set are.

Debian's exporter says `mongodb_up 0` of MongoDB 6.0. The figures are each member's own
serverStatus and the set's replSetGetStatus, read when Prometheus asks.

    MONGODB_PASSWORD=… python -m golive.replica.mongodb_exporter LISTEN:PORT ROOT MEMBER:PORT…
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from pymongo import MongoClient
from pymongo.errors import PyMongoError

_TIMEOUT_MS = 2000
_MICROSECONDS = 1e6


class Members(Collector):
    """The metrics of each member, labelled `member` with its address and port."""

    def __init__(self, members: list[str], password: str, root: str) -> None:
        self.clients: dict[str, MongoClient[dict[str, Any]]] = {
            member: MongoClient(
                member,
                directConnection=True,
                username="exporter",
                password=password,
                authSource="admin",
                tls=True,
                tlsCAFile=root,
                serverSelectionTimeoutMS=_TIMEOUT_MS,
                # A refused sign-in makes a member unknown until it is looked at again: at once,
                # not when a streaming monitor's ten seconds are over.
                serverMonitoringMode="poll",
                connect=False,
            )
            for member in members
        }

    def collect(self) -> Iterator[Metric]:
        """Ask each member now; one that does not answer is `mongodb_up 0` and has no others."""
        up = GaugeMetricFamily("mongodb_up", "Whether the member answers", labels=["member"])
        lag = GaugeMetricFamily(
            "mongodb_replication_lag_seconds", "Behind the newest member", labels=["member"]
        )
        families = _Families()
        for member, client in self.clients.items():
            try:
                families.add(member, client.admin.command("serverStatus"))
            except PyMongoError:
                up.add_metric([member], 0)
                continue
            up.add_metric([member], 1)
        for member, seconds in self._lags().items():
            lag.add_metric([member], seconds)
        yield up
        yield lag
        yield from families

    def _lags(self) -> dict[str, float]:
        for client in self.clients.values():
            try:
                members = client.admin.command("replSetGetStatus")["members"]
            except PyMongoError:
                continue
            applied = {
                each["name"]: each["optimeDate"] for each in members if each.get("optimeDate")
            }
            return {
                name: (max(applied.values()) - at).total_seconds() for name, at in applied.items()
            }
        return {}


class _Families:
    """The metric families that are read from serverStatus."""

    def __init__(self) -> None:
        self.state = GaugeMetricFamily(
            "mongodb_primary", "1 of the primary, 0 of a secondary", labels=["member"]
        )
        self.connections = GaugeMetricFamily(
            "mongodb_connections", "Open connections", labels=["member"]
        )
        self.memory = GaugeMetricFamily(
            "mongodb_memory_resident_bytes", "Resident memory", labels=["member"]
        )
        self.operations = CounterMetricFamily(
            "mongodb_operations", "Operations", labels=["member", "type"]
        )
        self.latency = SummaryMetricFamily(
            "mongodb_operation_latency_seconds", "Operations", labels=["member", "type"]
        )

    def add(self, member: str, status: dict[str, Any]) -> None:
        self.state.add_metric([member], int(status["repl"]["isWritablePrimary"]))
        self.connections.add_metric([member], status["connections"]["current"])
        self.memory.add_metric([member], status["mem"]["resident"] * 2**20)
        for kind, count in status["opcounters"].items():
            if isinstance(count, int):
                self.operations.add_metric([member, kind], count)
        for kind in ("reads", "writes", "commands"):
            timed = status["opLatencies"][kind]
            seconds = timed["latency"] / _MICROSECONDS
            self.latency.add_metric([member, kind], timed["ops"], seconds)

    def __iter__(self) -> Iterator[Metric]:
        return iter(vars(self).values())


def main(listen: str, root: str, members: list[str]) -> None:
    """Serve /metrics until killed."""
    registry = CollectorRegistry()
    registry.register(Members(members, os.environ["MONGODB_PASSWORD"], root))
    address, _, port = listen.rpartition(":")
    _, thread = start_http_server(int(port), address, registry)
    thread.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
