"""Wrong settings of PM2 on the first application server, applied by a reload as a deploy does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil

from golive.faults.application import DIRECTORY, NAME, pm2
from golive.faults.fault import Target, fault
from golive.faults.files import edited

_HOST = "app-1"
_FILE = f"{DIRECTORY}/ecosystem.config.js"
_SETTINGS = "platform/pm2.feature::"


@contextmanager
def _set(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """With edits of ecosystem.config.js in force; afterwards those of before.

    PM2 keeps a setting that the file has no more: change values, and remove none.
    """
    try:
        with edited(replica, _HOST, _FILE, *edits):
            pm2(replica, _HOST, "reload", "ecosystem.config.js", "--env", "production")
            yield
    finally:
        pm2(replica, _HOST, "reload", "ecosystem.config.js", "--env", "production")


@contextmanager
def _started_with(replica: Target, *edits: tuple[str, str]) -> Iterator[None]:
    """The same for what no reload changes: script, files, mode, number, and what becomes 0."""
    try:
        with edited(replica, _HOST, _FILE, *edits):
            _start_anew(replica)
            yield
    finally:
        _start_anew(replica)


def _start_anew(replica: Target) -> None:
    pm2(replica, _HOST, "delete", NAME)
    pm2(replica, _HOST, "start", "ecosystem.config.js", "--env", "production")


def _value(replica: Target, name: str, old: str, new: str) -> AbstractContextManager[None]:
    return _set(replica, (f"      {name}: {old},", f"      {name}: {new},"))


@fault(_SETTINGS + "As many workers as CPUs")
@contextmanager
def a_worker_less(replica: Target) -> Iterator[None]:
    """PM2-02: one worker has been scaled away."""
    cpus = str(psutil.cpu_count())
    try:
        pm2(replica, _HOST, "scale", NAME, str(int(cpus) - 1))
        yield
    finally:
        pm2(replica, _HOST, "scale", NAME, cpus)


@fault(_SETTINGS + "Nobody watches the files")
@contextmanager
def files_watched(replica: Target) -> Iterator[None]:
    """PM2-04: watch is on."""
    with _value(replica, "watch", "false", "true"):
        yield


@fault(_SETTINGS + "The limit of memory, in bytes")
@contextmanager
def more_memory(replica: Target) -> Iterator[None]:
    """PM2-05: max_memory_restart is 2G."""
    with _value(replica, "max_memory_restart", "'1G'", "'2G'"):
        yield


@fault(_SETTINGS + "The environment is production")
@contextmanager
def not_production(replica: Target) -> Iterator[None]:
    """PM2-06: NODE_ENV is staging, as after a rollback with the wrong --env."""
    with _set(
        replica,
        (
            "env_production: { NODE_ENV: 'production', PORT: 3000 }",
            "env_production: { NODE_ENV: 'staging', PORT: 3000 }",
        ),
    ):
        yield


@fault(_SETTINGS + "The port is 3000")
@contextmanager
def port_misspelt(replica: Target) -> Iterator[None]:
    """PM2-07: PORT is 03000, which the application happens to understand."""
    with _set(
        replica,
        (
            "env_production: { NODE_ENV: 'production', PORT: 3000 }",
            "env_production: { NODE_ENV: 'production', PORT: '03000' }",
        ),
    ):
        yield


@fault(
    _SETTINGS + "The workers' logs are merged",
    _SETTINGS + "Output goes to its log",
    _SETTINGS + "Errors go to their log",
    _SETTINGS + "All workers of a server have the same logs open",
    blinds=[_SETTINGS + "Each line of the log begins with its date"],
)
@contextmanager
def logs_apart(replica: Target) -> Iterator[None]:
    """PM2-10: merge_logs is off, so that each worker has files of its own."""
    with _started_with(replica, ("merge_logs: true", "merge_logs: false")):
        yield


@fault(
    _SETTINGS + "The form of dates",
    _SETTINGS + "Each line of the log begins with its date",
)
@contextmanager
def dates_without_a_zone(replica: Target) -> Iterator[None]:
    """PM2-11: log_date_format has no time zone; what is set shows in each line."""
    right, wrong = "'YYYY-MM-DD HH:mm:ss Z'", "'YYYY-MM-DD HH:mm:ss'"
    try:
        with _value(replica, "log_date_format", right, wrong):
            yield
    finally:
        # The wrong lines would stay. The workers append, so that what they write comes first now.
        for name in ("out", "error"):
            os.truncate(replica.path(_HOST, f"/var/log/dashboard-velo/{name}.log"), 0)


@fault(
    _SETTINGS + "How often a process that crashes is started again",
    _SETTINGS + "A process that keeps crashing is given up",
)
@contextmanager
def twelve_restarts(replica: Target) -> Iterator[None]:
    """PM2-12: max_restarts is 12; what is set shows in the rehearsal."""
    with _value(replica, "max_restarts", "10", "12"):
        yield


@fault(_SETTINGS + "A process that keeps crashing is given up")
@contextmanager
def never_given_up(replica: Target) -> Iterator[None]:
    """PM2-12: min_uptime is PM2's own 1 s, so that with restart_delay no crash is counted."""
    with _value(replica, "min_uptime", "'10s'", "'1s'"):
        yield


@fault(
    _SETTINGS + "How long PM2 waits between restarts, in ms",
    _SETTINGS + "A crashed process waits before it is started again",
)
@contextmanager
def restarts_at_once(replica: Target) -> Iterator[None]:
    """PM2-13: restart_delay is 0; what is set shows in the rehearsal."""
    with _started_with(replica, ("restart_delay: 4000", "restart_delay: 0")):
        yield


@fault(
    _SETTINGS + "PM2 waits for the worker's word",
    _SETTINGS + "A reload keeps the old worker until the new one has said that it is ready",
)
@contextmanager
def nobody_waits(replica: Target) -> Iterator[None]:
    """PM2-14: wait_ready is off; what is set shows in the rehearsal."""
    with _started_with(replica, ("wait_ready: true", "wait_ready: false")):
        yield


@fault(_SETTINGS + "How long PM2 waits for it, in ms")
@contextmanager
def impatient(replica: Target) -> Iterator[None]:
    """PM2-15: listen_timeout is 30 s."""
    with _value(replica, "listen_timeout", "50000", "30000"):
        yield


@fault(
    _SETTINGS + "How long a worker may finish its requests, in ms",
    _SETTINGS + "A worker that is told to stop may finish its requests in that time, and no longer",
)
@contextmanager
def killed_early(replica: Target) -> Iterator[None]:
    """PM2-16: kill_timeout is PM2's own 1.6 s; what is set shows in the rehearsal."""
    with _value(replica, "kill_timeout", "5000", "1600"):
        yield


@fault(_SETTINGS + "The process and its script")
@contextmanager
def another_script(replica: Target) -> Iterator[None]:
    """PM2-01: what runs is a copy of server.js under another name."""
    directory = replica.path(_HOST, _FILE).parent
    copy = directory / "index.js"
    try:
        shutil.copy(directory / "server.js", copy)
        with _started_with(replica, ("script: 'server.js'", "script: 'index.js'")):
            yield
    finally:
        copy.unlink()


@fault(
    _SETTINGS + "Output goes to its log",
    _SETTINGS + "All workers of a server have the same logs open",
    blinds=[_SETTINGS + "Each line of the log begins with its date"],
)
@contextmanager
def output_elsewhere(replica: Target) -> Iterator[None]:
    """PM2-09: the output goes to another file, in which nobody looks for its dates."""
    with _started_with(replica, ("dashboard-velo/out.log'", "dashboard-velo/output.log'")):
        yield


@fault(
    _SETTINGS + "Errors go to their log",
    _SETTINGS + "All workers of a server have the same logs open",
)
@contextmanager
def errors_elsewhere(replica: Target) -> Iterator[None]:
    """PM2-08: errors go to another file."""
    with _started_with(replica, ("dashboard-velo/error.log'", "dashboard-velo/errors.log'")):
        yield


@fault(
    _SETTINGS + "Cluster mode",
    _SETTINGS + "As many workers as CPUs",
    _SETTINGS + "All workers of a server have the same logs open",
    _SETTINGS + "A reload keeps the old worker until the new one has said that it is ready",
    _SETTINGS + "A worker that grows over its limit is replaced, and no request is lost",
)
@contextmanager
def one_process(replica: Target) -> Iterator[None]:
    """PM2-03: one process in fork mode; PM2 writes its logs, and a restart leaves a gap."""
    edits = (
        ("instances: 'max'", "instances: 1"),
        ("exec_mode: 'cluster'", "exec_mode: 'fork'"),
    )
    with _started_with(replica, *edits):
        yield
