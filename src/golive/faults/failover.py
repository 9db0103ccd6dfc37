"""Deployments that do not bear the loss of a part."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import redis

from golive.faults.application import DIRECTORY, reloaded, source_edited
from golive.faults.fault import FaultError, Target, fault
from golive.faults.files import edited
from golive.faults.mongodb import reconfigured
from golive.faults.nginx_reload import nginx_edited
from golive.machine import credential
from golive.replica.restart import RestartError, await_ready, kill, start_ended

_FEATURE = "platform/failover.feature::"
_NONE_LOST = f"{_FEATURE}Losing an application server loses no request that the balancer can retry"
_BACK = f"{_FEATURE}An application server that is back receives requests again"
_STALL = f"{_FEATURE}An application server that stalls for 2 s delays requests, and loses none"
_FOURTH = f"{_FEATURE}A fourth application server has its share of the requests, and nobody notices"
_LEADS = f"{_FEATURE}Another member leads when the MongoDB primary is killed, and writes resume"
_WRITES = f"{_FEATURE}No acknowledged write is lost with the MongoDB primary"
_LEADS_FROZEN = (
    f"{_FEATURE}Another member leads when the MongoDB primary freezes, and writes resume"
)
_WRITES_FROZEN = f"{_FEATURE}No acknowledged write is lost with a MongoDB primary that freezes"
_CUT = f"{_FEATURE}Cut off from MongoDB, an application server leaves nobody waiting"
_MENDED = f"{_FEATURE}Writes go on by themselves when the network is mended"
_WRITES_CUT = f"{_FEATURE}No acknowledged write is lost with the network"
_NODE = _FEATURE + "The application serves without the Redis <node>[{}]"
_AS_BEFORE = f"{_FEATURE}Everything is as it was before"
_SHARE = "platform/network.feature::Each application server receives requests"
_SERVERS = "/etc/nginx/upstream.conf"
_HOST = "app-1"  # in rotation all the time


@fault(_NONE_LOST)
@contextmanager
def nothing_retried(replica: Target) -> Iterator[None]:
    """ARC-03: the balancer tries no other server where one does not answer."""
    edit = ("proxy_next_upstream error timeout;", "proxy_next_upstream off;")
    with nginx_edited(replica, edit):
        yield


@fault(_BACK)
@contextmanager
def left_out_for_minutes(replica: Target) -> Iterator[None]:
    """ARC-03: a server that failed is not tried again for five minutes."""
    server = f"server {replica.subnet.hosts['app-2']}:3000 max_fails=3 fail_timeout="
    with nginx_edited(replica, (f"{server}10s;", f"{server}300s;"), file=_SERVERS):
        yield


@fault(_STALL)
@contextmanager
def no_patience(replica: Target) -> Iterator[None]:
    """ARC-03: the balancer gives an answer of status 1 s, and asks nobody else then."""
    before = "        # finding 9\n"
    location = (
        "        location = /health {\n            proxy_pass http://application;\n"
        "            proxy_read_timeout 1;\n            proxy_next_upstream error;\n        }\n"
    )
    with nginx_edited(replica, (before, location + before)):
        yield


@fault(_FOURTH, _SHARE)
@contextmanager
def one_server_does_it_all(replica: Target) -> Iterator[None]:
    """ARC-04: the first server has ten times the weight; each of the others has too little."""
    server = f"server {replica.subnet.hosts['app-1']}:3000 "
    with nginx_edited(replica, (server, f"{server}weight=10 "), file=_SERVERS):
        yield


@fault(_LEADS, _LEADS_FROZEN, blinds=[_WRITES, _WRITES_FROZEN])
@contextmanager
def nobody_else_may_lead(replica: Target) -> Iterator[None]:
    """ARC-06: the secondaries have no priority, so that nobody leads without the primary.

    Whether it was killed or is frozen: there is no new primary then that could have the writes,
    or lack them.
    """
    with reconfigured(replica, {"priority": 0}, members=2):
        yield


@fault(_WRITES, _WRITES_FROZEN, _WRITES_CUT)
@contextmanager
def written_behind(replica: Target) -> Iterator[None]:
    """ARC-06: a server acknowledges a write, and makes it a minute later.

    Sooner, the driver would make up for it: it tries again once there is a new primary.
    """
    now = "    await activities.insertOne(activity);"
    later = "    setTimeout(() => activities.insertOne(activity).catch(() => {}), 60_000);"
    with source_edited(replica, _HOST, "src/riders.js", (now, later)):
        yield


@fault(_CUT)
@contextmanager
def patient_with_its_database(replica: Target) -> Iterator[None]:
    """ARC-06: a server has a request wait for half a minute for a database that is gone."""
    driver = ("serverSelectionTimeoutMS: 2000,", "serverSelectionTimeoutMS: 30_000,")
    deadline = ("DEADLINE_MS = 4000;", "DEADLINE_MS = 30_000;")
    edits = (
        edited(replica, _HOST, f"{DIRECTORY}/src/{file}.js", edit)
        for file, edit in (("mongo", driver), ("errors", deadline))
    )
    with reloaded(replica, _HOST, *edits):
        yield


@fault(_MENDED)
@contextmanager
def ends_without_its_database(replica: Target) -> Iterator[None]:
    """ARC-06: a server's workers end when they have no database left, and are started again."""
    before = "  const db = client.db("
    ends = (
        "  const gone = ({ servers }) => [...servers.values()]"
        ".every((each) => each.type === 'Unknown');\n"
        "  client.on('topologyDescriptionChanged', (change) => {\n"
        "    if (gone(change.newDescription) && !gone(change.previousDescription))"
        " process.exit(1);\n"
        "  });\n"
    )
    with source_edited(replica, _HOST, "src/mongo.js", (before, ends + before)):
        yield


@fault(_NODE.format("primary"))
@contextmanager
def patient_with_its_cache(replica: Target) -> Iterator[None]:
    """ARC-07: what a server asks of Redis waits until there is a connection again."""
    edits = (
        ("    commandTimeout: 500,\n", ""),
        ("maxRetriesPerRequest: 0,", "maxRetriesPerRequest: null,"),
        ("enableOfflineQueue: false,", "enableOfflineQueue: true,"),
    )
    with source_edited(replica, _HOST, "src/redis.js", *edits):
        yield


@fault(_NODE.format("primary"))
@contextmanager
def counting_insisted_on(replica: Target) -> Iterator[None]:
    """ARC-07: a server refuses every request that it cannot count in Redis."""
    with _counting_insisted_on(replica):
        yield


@fault(_NODE.format("primary"), _NODE.format("replica"))
@contextmanager
def both_replicas_insisted_on(replica: Target) -> Iterator[None]:
    """ARC-07: the same, and Redis counts nothing while it has not both of its replicas.

    The primary forgets that when it is started again.
    """
    client = redis.Redis(
        host=replica.subnet.hosts["redis-1"],
        username="admin",
        password=credential(replica.environment, "redis-admin-password"),
    )
    try:
        client.config_set("min-replicas-to-write", 2)
        with _counting_insisted_on(replica):
            yield
    finally:
        client.config_set("min-replicas-to-write", 0)
        client.close()


@contextmanager
def _counting_insisted_on(replica: Target) -> Iterator[None]:
    goes_on = "{ error: error.message });\n      return next();"
    stops = "{ error: error.message });\n      return next(error);"
    with source_edited(replica, _HOST, "src/rate-limit.js", (goes_on, stops)):
        yield


@fault(_AS_BEFORE)
@contextmanager
def another_setting_waits_for_the_next_start(replica: Target) -> Iterator[None]:
    """ARC-03: a server's file says one worker; who was started before that has two."""
    file = "/var/www/dashboard-velo-api/ecosystem.config.js"
    with ExitStack() as stack:
        stack.callback(_restart, replica, "app-2")  # with its own file again
        stack.enter_context(edited(replica, "app-2", file, ("instances: 'max'", "instances: 1")))
        yield


def _restart(replica: Target, name: str) -> None:
    try:
        kill(replica.directory, name)
        start_ended(replica.directory)
        await_ready(replica.directory, name)
    except RestartError as error:
        raise FaultError(str(error)) from error
