"""Break what only load shows: servers that are slow, one that fails, limits that are not kept.

Each changes the application, nginx or Prometheus of a running replica; the load is that of the
gate. `golive prove load -v` prints what the servers' figures make of each.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from golive.faults.application import DIRECTORY, file_with, reloaded, variable
from golive.faults.fault import ANY, FaultError, Target, fault
from golive.faults.files import edited
from golive.faults.monitoring_files import rules_edited
from golive.faults.nginx_reload import nginx_edited
from golive.machine import credential
from golive.replica.reap import MARK

_FEATURE = "12_performance_under_load/load.feature::"
_RESPONSE = f"{_FEATURE}The response time stays under 500 ms"
_ERRORS = f"{_FEATURE}Fewer than 1 % of the requests fail"
_RECOVERY = f"{_FEATURE}A spike is forgotten when it is over"
_MONGODB = f"{_FEATURE}MongoDB answers within 100 ms"
_ALERTS = f"{_FEATURE}No alert of the application or its stores fires"
_WORKERS = f"{_FEATURE}No worker is restarted"
_ABUSIVE = f"{_FEATURE}A client who keeps to no limit is refused, and nobody else is"

_SERVERS = ("app-1", "app-2", "app-3")
_PORT, _RELAY_PORT = 27017, 27018
_HANDLER = "  app.get(`${base}/weather`, handle(async (req, res) => {\n"
# One of ten requests, and none of the client who keeps to no limit.
_TRACK = "  app.get(`${base}/activities/:activityId/track`, handle(async (req, res) => {\n"
_LIMIT = "  app.use(rateLimit(store, config.RATE_LIMIT_WINDOW, config.RATE_LIMIT_MAX, log));\n"
_BLOCK = "    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);\n"
# A worker that has once had more than 22 requests in 3 s (in a spike it has 27, else 12) stays
# slow: as one whose garbage, queue or list of timers never shrinks again.
_STUCK = """\
  const seen = [];
  let stuck = false;
  app.use((req, res, next) => {
    const now = Date.now();
    seen.push(now);
    while (seen[0] < now - 3000) seen.shift();
    stuck ||= seen.length > 22;
    setTimeout(next, stuck ? 700 : 0);
  });
"""
_NINE_TIMES = "    await Promise.all(Array.from({ length: 9 }, () => activities.findOne({})));\n"


@fault(_MONGODB)
@contextmanager
def database_far_away(replica: Target) -> Iterator[None]:
    """CHK-12: everything that is asked of MongoDB takes 115 ms longer.

    An answer of the site takes two of them at most: its own time still suffices, and so do the
    ten people for the spike. With 150 ms they were not done with it at the end of the run.
    """
    with _mongodb_behind_relay(replica, 115, "minPoolSize=10"):
        yield


@fault(_RESPONSE, _RECOVERY)
@contextmanager
def event_loop_blocked(replica: Target) -> Iterator[None]:
    """CHK-12: a ride's track is waited for without letting others have the event loop.

    One request of ten holds a worker for 700 ms, and whoever came to it after.
    """
    with _sources_edited(replica, _SERVERS, "src/riders.js", (_TRACK, _TRACK + _BLOCK)):
        yield


@fault(_ERRORS)
@contextmanager
def one_server_of_three(replica: Target) -> Iterator[None]:
    """CHK-12: the second server answers with 500 whoever asks for the weather."""
    wrong = _HANDLER + "    throw new Error('no weather today');\n"
    with _sources_edited(replica, ("app-2",), "src/catalog.js", (_HANDLER, wrong)):
        yield


@fault(_RESPONSE, _RECOVERY, blinds=(ANY,))
@contextmanager
def small_pool(replica: Target) -> Iterator[None]:
    """CHK-12: a request does nine things at once, and the pool has one connection for them.

    MongoDB answers each within 100 ms; what takes long is to get to ask. After the spike as well;
    in it, one or two may be told to come later (503), too few to judge the errors by.
    """
    edits = (_TRACK, _TRACK + _NINE_TIMES)
    with _mongodb_behind_relay(replica, 65, "maxPoolSize=1", edits):
        yield


@fault(_RECOVERY)
@contextmanager
def spike_not_forgotten(replica: Target) -> Iterator[None]:
    """CHK-12: a worker that was once overrun stays slow."""
    with _sources_edited(replica, _SERVERS, "src/app.js", (_LIMIT, _LIMIT + _STUCK)):
        yield


@fault(_WORKERS)
@contextmanager
def worker_crashes(replica: Target) -> Iterator[None]:
    """CHK-12: a worker of the first server ends at its sixth question for the weather.

    PM2 starts it again, and nginx asks another meanwhile: nobody notices.
    """
    before = ("const { HttpError, handle, isText } = require('./errors');\n", "let asked = 0;\n")
    crash = "    asked += 1;\n    if (asked === 6) process.exit(1);\n"
    edits = ((before[0], "".join(before)), (_HANDLER, _HANDLER + crash))
    with _sources_edited(replica, ("app-1",), "src/catalog.js", *edits):
        yield


@fault(_ALERTS)
@contextmanager
def alert_on_any_latency(replica: Target) -> Iterator[None]:
    """CHK-12: the alert on the API's latency fires at once from a tenth of a millisecond on."""
    with rules_edited(replica, ("> 0.5\n        for: 5m", "> 0.0001\n        for: 0s")):
        yield


@fault(_ABUSIVE)
@contextmanager
def no_general_limit(replica: Target) -> Iterator[None]:
    """CHK-12: nginx lets everybody ask as much as he likes."""
    with nginx_edited(replica, ("        limit_req zone=api burst=20 nodelay;\n", "")):
        yield


@contextmanager
def _sources_edited(
    replica: Target, hosts: tuple[str, ...], file: str, *edits: tuple[str, str]
) -> Iterator[None]:
    """With edits of the application on some servers, running."""
    with ExitStack() as made:
        for host in hosts:
            change = edited(replica, host, f"{DIRECTORY}/{file}", *edits)
            made.enter_context(reloaded(replica, host, change))
        yield


@contextmanager
def _mongodb_behind_relay(
    replica: Target, delay_ms: int, option: str, *edits: tuple[str, str]
) -> Iterator[None]:
    """With the application asking the primary through a relay that is late, and one more option.

    The relay has the primary's own address, so that its certificate is right.
    """
    primary = _primary(replica)
    command = [
        *(sys.executable, "-m", "golive.faults.delay_relay", primary, str(_RELAY_PORT)),
        *(primary, str(_PORT), str(delay_ms)),
    ]
    environment = {**os.environ, MARK: str(replica.directory)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as relay:
        try:
            if not (relay.stdout and relay.stdout.readline()):
                raise FaultError(f"the relay ended with status {relay.wait()}")
            with ExitStack() as made:
                for host in _SERVERS:
                    uri = variable(replica, host, "MONGO_URI")
                    members = ",".join(
                        f"{each}:{_PORT}" for each in replica.subnet.named("mongo-").values()
                    )
                    through = uri.replace(members, f"{primary}:{_RELAY_PORT}")
                    through = through.replace(
                        "replicaSet=dashboard-velo", f"directConnection=true&{option}"
                    )
                    changes = [file_with(replica, host, MONGO_URI=through)]
                    if edits:
                        changes.append(edited(replica, host, f"{DIRECTORY}/src/riders.js", *edits))
                    made.enter_context(reloaded(replica, host, *changes))
                yield
        finally:
            relay.kill()


def _primary(replica: Target) -> str:
    """The address of MongoDB's primary."""
    root = replica.root("authority") / "root.pem"
    for address in replica.subnet.named("mongo-").values():
        try:
            with MongoClient[dict[str, object]](
                address,
                directConnection=True,
                username="admin",
                password=credential(replica.environment, "mongo-admin-password"),
                authSource="admin",
                tls=True,
                tlsCAFile=str(root),
            ) as client:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return address
        except PyMongoError as error:
            raise FaultError(f"MongoDB at {address}: {error}") from error
    raise FaultError("MongoDB has no primary")
