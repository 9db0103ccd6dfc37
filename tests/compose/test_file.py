"""docker-compose.test.yml, as Compose v2 reads it. No engine is needed."""

import json
import re
import subprocess
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path

import pytest

from golive.compose.hosts import USER
from golive.compose.images import IMAGES
from golive.compose.networks import Networks
from golive.replica.subnet import DOMAIN
from golive.toolchain import compose

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.test.yml"
PLACES = ("HOSTS", "RECEIVED", "NODE_MODULES", "PM2", "PACKAGE", "PACKAGES")


def configured(**variables):
    command = [compose.install(), "-f", FILE, "--profile", "*", "config", "--format", "json"]
    return subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def content():
    said = configured(**{f"GOLIVE_{place}": "/somewhere" for place in PLACES})
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    return json.loads(said.stdout)


@pytest.fixture(scope="module")
def services(content):
    return content["services"]


def test_without_golive_it_says_what_to_do():
    said = configured()

    assert said.returncode != 0
    assert "golive up --environment compose" in said.stderr


def test_there_is_every_host_of_the_diagram(services):
    named = {
        alias.removesuffix(f".{DOMAIN}")
        for each in services.values()
        for network in (each.get("networks") or {}).values()
        for alias in (network or {}).get("aliases", [])
        if alias.endswith(DOMAIN)
    }

    assert named >= Networks(1).hosts.keys() - {"visitor"}


def test_its_default_addresses_are_those_of_the_first_replica(services):
    hosts = Networks(1).hosts
    given = {
        service: {(each or {}).get("ipv4_address") for each in content["networks"].values()}
        for service, content in services.items()
        if service in hosts
    }

    assert given.keys() == hosts.keys() - {"mail", "slack"}
    assert all(hosts[service] in addresses for service, addresses in given.items())


def test_ports_are_published_on_loopback_alone_and_of_the_edge_alone(services):
    published = {
        (service, port["host_ip"], port["target"])
        for service, each in services.items()
        for port in each.get("ports", [])
    }

    assert published == {("edge", "127.0.0.1", 80), ("edge", "127.0.0.1", 443)}


def test_only_the_edges_network_is_not_internal(content):
    open_ = {name for name, each in content["networks"].items() if not each.get("internal")}

    assert open_ == {"public"}
    options = content["networks"]["public"]["driver_opts"]
    assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"


def test_on_the_public_network_are_the_edge_and_strangers_only(services):
    public = {name for name, each in services.items() if "public" in (each.get("networks") or {})}

    assert public == {"edge", "authority", "visitor", "locust-master", "locust-worker"}


def test_addresses_are_of_the_network_that_is_kept_for_tests(content):
    test_network = ip_network("198.18.0.0/15")
    subnets = [
        ip_network(configured["subnet"])
        for each in content["networks"].values()
        for configured in each["ipam"]["config"]
    ]

    assert len(subnets) == 4
    assert all(subnet.subnet_of(test_network) for subnet in subnets)


def test_every_service_has_as_few_rights_as_it_can(services):
    for name, each in services.items():
        assert each["read_only"], name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["user"] == ("0:0" if name == "edge" else f"{USER}:{USER}"), name
        assert "privileged" not in each, name
        assert ("cap_add" in each) == (name == "edge"), name


def test_every_service_has_its_limits(services):
    limits = {name: (each["cpus"], int(each["mem_limit"])) for name, each in services.items()}

    assert {limits[f"app-{n}"] for n in (1, 2, 3)} == {(2, 4 * 2**30)}
    assert {limits[f"{kind}-{n}"] for kind in ("redis", "mongo") for n in (1, 2, 3)} == {
        (2, 8 * 2**30)
    }
    assert all(each["pids_limit"] for each in services.values())


def test_whoever_serves_has_a_health_check(services):
    without = {name for name, each in services.items() if "healthcheck" not in each}

    assert {n for n in without if not n.endswith("-exporter") and "locust" not in n} == {
        *("authority", "backup", "grafana", "heartbeat", "receivers", "sms", "visitor"),
    }


def test_images_are_pinned_and_every_one_can_be_built_but_grafana(services):
    official = {each["image"] for each in services.values()}
    variables = set(re.findall(r"\$\{(GOLIVE_IMAGE_\w+):-", FILE.read_text()))

    assert all(re.search(r":v?\d+\.\d+", image) for image in official)
    assert variables - {each.variable for each in IMAGES} == {"GOLIVE_IMAGE_GRAFANA"}
    assert variables >= {each.variable for each in IMAGES}


def test_load_and_grafana_are_profiles(services):
    profiles = {name: each["profiles"] for name, each in services.items() if "profiles" in each}

    assert profiles == {
        "grafana": ["grafana"],
        "locust-master": ["load"],
        "locust-worker": ["load"],
    }


def test_replicas_have_no_address_in_common():
    for number in range(1, 5):
        networks = Networks(number)
        public = ip_network(f"{networks.prefixes['public']}.0/18")
        hosts = ip_network(f"{networks.prefixes['public']}.0/24")
        parts = [hosts, *map(ip_network, (networks.clients, networks.load, networks.cdn))]
        assert all(part.subnet_of(public) for part in parts)
        assert not any(one.overlaps(other) for one, other in combinations(parts, 2))
        assert ip_address(networks.site) in public
    addresses = [a for number in range(1, 5) for a in {*Networks(number).hosts.values()}]
    assert len(addresses) == len(set(addresses))
