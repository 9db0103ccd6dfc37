"""Ready means ready: what `golive up` says is ready does all of its work at once."""

import http.client
import json
import os
import re
import smtplib
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest
import redis
import yaml
from pymongo.errors import OperationFailure, PyMongoError

from golive.replica.hosts import SITE

from .commands import Replica, awaited, golive

MONGO = ("mongo-1", "mongo-2", "mongo-3")
REDIS = ("redis-1", "redis-2", "redis-3")
APPS = ("app-1", "app-2", "app-3")
EXPORTERS = ("edge", *APPS, "monitoring", "backup")


@pytest.fixture(scope="module")
def alert(replica: Replica) -> str:
    """The name of a critical alert that Alertmanager has been told of; it waits 10 s to group."""
    name = f"Exercise {datetime.now(UTC):%H%M%S%f}"
    alerts = [{"labels": {"alertname": name, "severity": "critical"}}]
    url = f"http://{replica.subnet.hosts['monitoring']}:9093/api/v2/alerts"
    _post(url, json.dumps(alerts))
    return name


def test_status_shows_every_server_running(replica: Replica, alert: str) -> None:
    assert alert  # posted before the first test looks: it arrives while the others run
    said = golive("status")
    block = said.stdout.partition(f"replica {replica.number} of")[2]
    assert all(each.ready_s is not None and each.ended is None for each in replica.state.servers)
    assert f"{replica.subnet.hosts['edge']}:80,443" in block
    assert replica.state.kept


def test_status_is_0_only_for_those_that_are_well(replica: Replica) -> None:
    # Other replicas of this user may be starting: then status is rightly 1.
    said = golive("status")
    others_are_well = "starting" not in said.stdout and "ended" not in said.stdout
    assert (said.returncode == 0) is others_are_well
    assert f"replica {replica.number} of" in said.stdout


@pytest.mark.parametrize("app", APPS)
def test_every_worker_of_an_application_server_answers(replica: Replica, app: str) -> None:
    address = replica.subnet.hosts[app]
    workers = {each.pid for each in replica.process(app).children() if "server.js" in _title(each)}
    # Node.js hands connections to its workers in turn.
    answered = {
        _json(f"http://{address}:3000/__replica/request")["pid"] for _ in range(2 * len(workers))
    }
    assert len(workers) == os.cpu_count()
    assert answered == workers


@pytest.mark.parametrize("app", APPS)
def test_the_application_reaches_its_stores(replica: Replica, app: str) -> None:
    assert _get(f"http://{replica.subnet.hosts[app]}:3000/ready").status == 200


def test_the_edge_serves_the_site(replica: Replica) -> None:
    context = ssl.create_default_context(cafile=replica.directory / "hosts/authority/root.pem")
    connection = http.client.HTTPSConnection(SITE, context=context, timeout=10)
    # What a browser would find in DNS.
    connection._create_connection = lambda _, *rest: _connect(replica, *rest)  # type: ignore[attr-defined]
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    connection.close()


def test_every_worker_of_the_edge_staples(replica: Replica) -> None:
    workers = {each.pid for each in replica.process("edge").children() if "worker" in _title(each)}
    seen: set[int] = set()
    # The kernel chooses who answers: many connections at the same time reach all.
    for _ in range(20):
        with _handshakes(replica, 16) as (outputs, answered_by):
            assert all("OCSP Response Status: successful" in each for each in outputs)
            seen |= answered_by
        if seen == workers:
            return
    raise AssertionError(f"only {seen} of {workers} were reached")


@pytest.mark.parametrize("host", EXPORTERS)
def test_each_host_has_a_node_exporter(replica: Replica, host: str) -> None:
    text = _get(f"http://{replica.subnet.hosts[host]}:9100/metrics").read()
    assert b"node_cpu_seconds_total{" in text


def test_the_mongodb_exporter_reads_every_member(replica: Replica) -> None:
    text = _get(f"http://{replica.subnet.hosts['monitoring']}:9216/metrics").read().decode()
    up = dict(re.findall(r'^mongodb_up\{member="(.*):27017"\} (.*)$', text, re.M))
    assert up == {replica.subnet.hosts[host]: "1.0" for host in MONGO}


@pytest.mark.parametrize("host", REDIS)
def test_the_redis_exporter_reads_each_node(replica: Replica, host: str) -> None:
    hosts = replica.subnet.hosts
    target = f"redis://{hosts[host]}:6379"
    text = _get(f"http://{hosts['monitoring']}:9121/scrape?target={target}").read()
    assert b"\nredis_up 1\n" in text


def test_mongodb_has_one_primary_and_two_secondaries(replica: Replica) -> None:
    with _mongo(replica, "mongo-1", "admin", replica.secrets["mongo-admin-password"]) as client:
        members = client.admin.command("replSetGetStatus")["members"]
    states = {each["name"].removesuffix(":27017"): each["stateStr"] for each in members}
    hosts = replica.subnet.hosts
    assert states == {
        hosts["mongo-1"]: "PRIMARY",
        hosts["mongo-2"]: "SECONDARY",
        hosts["mongo-3"]: "SECONDARY",
    }


@pytest.mark.parametrize("host", MONGO)
def test_mongodb_answers_nothing_to_nobody(replica: Replica, host: str) -> None:
    with (
        _mongo(replica, host) as client,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        client.admin.command("listDatabases")


@pytest.mark.parametrize("host", MONGO)
def test_mongodb_refuses_a_connection_without_tls(replica: Replica, host: str) -> None:
    with _mongo(replica, host, tls=False) as client, pytest.raises(PyMongoError):
        client.admin.command("ping")


def test_redis_has_one_primary_and_two_linked_replicas(replica: Replica) -> None:
    roles = {}
    for host in REDIS:
        with _redis(replica, host) as client:
            info: dict[str, Any] = client.info("replication")  # type: ignore[assignment]
            roles[host] = info["role"], info.get("master_link_status")
            linked = info["connected_slaves"] if host == "redis-1" else None
        if linked is not None:
            assert linked == 2
    assert roles == {
        "redis-1": ("master", None),
        "redis-2": ("slave", "up"),
        "redis-3": ("slave", "up"),
    }


@pytest.mark.parametrize("host", REDIS)
def test_redis_refuses_the_anonymous(replica: Replica, host: str) -> None:
    client = redis.Redis(replica.subnet.hosts[host])
    with client, pytest.raises(redis.AuthenticationError):
        client.ping()


@pytest.mark.parametrize("host", REDIS)
def test_redis_runs_with_the_configuration_of_the_stack(replica: Replica, host: str) -> None:
    with _redis(replica, host) as client:
        configuration: dict[str, str] = client.config_get("maxmemory-policy", "save")  # type: ignore[assignment]
    assert configuration == {"maxmemory-policy": "volatile-lru", "save": "3600 1"}


def test_prometheus_knows_every_target_rule_and_alertmanager(replica: Replica) -> None:
    monitoring = replica.directory / "hosts/monitoring/etc/prometheus"
    configuration = yaml.safe_load((monitoring / "prometheus.yml").read_text())
    configured = {
        target
        for job in configuration["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    api = f"http://{replica.subnet.hosts['monitoring']}:9090/api/v1"
    # Prometheus tells its scrapers of targets every 5 s (discovery manager).
    targets = awaited(
        "targets", lambda: _json(f"{api}/targets?state=active")["data"]["activeTargets"]
    )
    assert {each["discoveredLabels"]["__address__"] for each in targets} == configured
    [alertmanager] = awaited(
        "Alertmanager", lambda: _json(f"{api}/alertmanagers")["data"]["activeAlertmanagers"]
    )
    assert f"{replica.subnet.hosts['monitoring']}:9093" in alertmanager["url"]
    written = yaml.safe_load((monitoring / "alerts.yml").read_text())["groups"]
    loaded = _json(f"{api}/rules")["data"]["groups"]
    assert {group["name"]: len(group["rules"]) for group in loaded} == {
        group["name"]: len(group["rules"]) for group in written
    }


def test_a_mail_is_kept(replica: Replica) -> None:
    mail = EmailMessage()
    mail["Subject"] = f"Exercise at {datetime.now(UTC)}"
    mail["From"], mail["To"] = "test@dashboard-velo.com", "devops@dashboard-velo.com"
    mail.set_content("Élevé\n")
    with smtplib.SMTP(replica.subnet.hosts["mail"], replica.subnet.port(25)) as server:
        server.send_message(mail)
    [kept] = _kept(replica, "mail", lambda message: message["subject"] == mail["Subject"])
    assert (kept["from"], kept["to"]) == ("test@dashboard-velo.com", ["devops@dashboard-velo.com"])
    assert kept["text"].strip() == "Élevé"


@pytest.mark.parametrize("channel", ["slack", "sms", "heartbeat"])
def test_a_webhook_is_kept(replica: Replica, channel: str) -> None:
    text = f"exercise at {datetime.now(UTC)}"
    url = f"http://{replica.subnet.hosts[channel]}:{replica.subnet.port(80)}/exercise"
    assert _post(url, json.dumps({"text": text})) == 200
    [kept] = _kept(replica, channel, lambda message: message["json"].get("text") == text)
    assert kept["path"] == "/exercise"


def test_alertmanager_notifies_all_three_of_a_critical_alert(replica: Replica, alert: str) -> None:
    def told(channel: str) -> list[dict[str, Any]]:
        return _kept(replica, channel, lambda message: alert in json.dumps(message))

    channels = ("mail", "slack", "sms")
    assert awaited("all channels", lambda: all(map(told, channels)))


def _kept(
    replica: Replica, channel: str, wanted: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    file = replica.directory / "received" / f"{channel}.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    messages = (json.loads(line)["message"] for line in lines)
    return [each for each in messages if wanted(each)]


def _title(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def _get(url: str) -> http.client.HTTPResponse:
    response = urllib.request.urlopen(url, timeout=10)
    assert isinstance(response, http.client.HTTPResponse)
    return response


def _json(url: str) -> Any:
    with _get(url) as response:
        return json.load(response)


def _post(url: str, body: str) -> int:
    request = urllib.request.Request(
        url, body.encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return int(response.status)


def _connect(replica: Replica, *rest: Any) -> Any:
    import socket

    return socket.create_connection((replica.subnet.hosts["edge"], replica.subnet.port(443)), *rest)


@contextmanager
def _handshakes(replica: Replica, number: int) -> Iterator[tuple[list[str], set[int]]]:
    """What OpenSSL says of several connections at once, and which processes answered them."""
    edge, port = replica.subnet.hosts["edge"], replica.subnet.port(443)
    command = ["openssl", "s_client", "-connect", f"{edge}:{port}", "-servername", SITE, "-status"]
    clients = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(number)
    ]
    try:
        outputs = [_until_handshake(each) for each in clients]
        answered_by = {
            each.pid
            for each in psutil.net_connections("tcp4")
            if each.laddr == (edge, port) and each.raddr and each.pid is not None
        }
        yield outputs, answered_by
    finally:
        for each in clients:
            each.kill()
            each.communicate()


def _until_handshake(client: "subprocess.Popen[str]") -> str:
    assert client.stdout is not None
    said = ""
    for line in client.stdout:
        said += line
        if line.startswith("SSL handshake has read"):
            return said
    return said


@contextmanager
def _mongo(
    replica: Replica,
    host: str,
    user: str | None = None,
    password: str | None = None,
    *,
    tls: bool = True,
) -> Iterator["pymongo.MongoClient[dict[str, Any]]"]:
    root = Path(replica.directory) / "hosts" / host / "etc/mongodb/root.pem"
    options: dict[str, Any] = {"tls": True, "tlsCAFile": str(root)} if tls else {}
    with pymongo.MongoClient(
        replica.subnet.hosts[host],
        27017,
        username=user,
        password=password,
        directConnection=True,
        serverSelectionTimeoutMS=2000,
        **options,
    ) as client:
        yield client


def _redis(replica: Replica, host: str) -> redis.Redis:
    return redis.Redis(
        replica.subnet.hosts[host],
        username="admin",
        password=replica.secrets["redis-admin-password"],
        decode_responses=True,
    )
