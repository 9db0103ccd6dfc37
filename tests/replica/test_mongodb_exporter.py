"""The replica's MongoDB exporter against a real replica set, one that refuses it at first."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from golive.replica.authority import Authority
from golive.replica.mongodb_exporter import Members

from ..probes.test_mongodb import Mongod, initiate, mongod

PASSWORD = "made-later"


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Mongod]]:
    directory = tmp_path_factory.mktemp("set")
    key = directory / "keyfile"
    key.write_text("golivekey" * 4)
    key.chmod(0o600)
    options = ("--tlsMode", "requireTLS", "--replSet", "test", "--keyFile", str(key))
    authority = Authority.create()
    with (
        mongod(directory / "mongo-1", authority, *options) as first,
        mongod(directory / "mongo-2", authority, *options, name="mongo-2") as second,
    ):
        initiate([first, second])
        yield [first, second]


def test_a_member_that_refused_the_exporter_is_read_as_soon_as_it_lets_it_in(
    members: list[Mongod],
) -> None:
    addresses = [f"{each.member.address}:27017" for each in members]
    registry = CollectorRegistry()
    with members[0].client() as client:
        client.admin.command("dropUser", "exporter", writeConcern={"w": 2})
        exporter = Members(addresses, PASSWORD, str(members[0].member.roots))
        registry.register(exporter)
        try:
            assert _up(registry, addresses) == [0, 0]
            roles = ["clusterMonitor"]
            client.admin.command(
                "createUser", "exporter", pwd=PASSWORD, roles=roles, writeConcern={"w": 2}
            )
            assert _up(registry, addresses) == [1, 1]
        finally:
            for each in exporter.clients.values():
                each.close()


def _up(registry: CollectorRegistry, addresses: list[str]) -> list[float | None]:
    samples = {
        sample.labels["member"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "mongodb_up"
    }
    return [samples.get(address) for address in addresses]
