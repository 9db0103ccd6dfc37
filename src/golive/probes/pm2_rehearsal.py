"""Rehearse what PM2 does with its settings: a crash, a reload, a worker that grows."""

import http.client
import re
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from golive.outcome import Unproven, Whose
from golive.probes.own_pm2 import GUARD, OwnPm2, Scale, alive, for_a_start_ms, running
from golive.probes.pm2 import Daemon, Worker

_RELOAD = Path(__file__).with_name("pm2_reload.js")
_MAX_RESTARTS = 16  # PM2's own, where none is set
# In PM2's log. Its status says `errored` too, but `online` again once listen_timeout has passed.
_GIVEN_UP = re.compile(r"had too many unstable restarts \((\d+)\)")


@dataclass(frozen=True)
class Crashes:
    """A process that crashes at once, each time.

    It was started so often; PM2 gave it up when it had counted `given_up` crashes, each soon
    after a start (None: it did not). `pauses_ms` lie between an end and the next start;
    `delay_ms` is the pause that was to be kept.
    """

    starts: int
    given_up: int | None
    pauses_ms: tuple[int, ...]
    delay_ms: int


@dataclass(frozen=True)
class Replacement:
    """A worker that was replaced while it was asked all the time, or was not (`new` is None).

    `lost` are the reasons why requests were not answered, of `asked` in all. The times, in ms
    of one clock, are those at which the new worker said that it was ready, and the old one was
    told to stop.
    """

    old: int
    new: int | None
    asked: int
    lost: tuple[str, ...]
    ready_ms: int | None
    told_to_stop_ms: int | None


@dataclass(frozen=True)
class Held:
    """A request in flight when its worker was told to stop, and that then needed so long."""

    needs_ms: int
    answered: bool


@dataclass(frozen=True)
class Rehearsed:
    """What was seen."""

    crashes: Crashes
    reload: Replacement
    held: tuple[Held, ...]
    growth: Replacement


def rehearse(
    daemon: Daemon,
    worker: Worker,
    address: str,
    directory: str,
    scale: Scale,
    held_ms: tuple[int, ...],
) -> Rehearsed:
    """See what becomes of a crash, a reload and a worker that grows, with `worker`'s settings.

    At the reload requests are in flight that need `held_ms` from the order to stop. The
    applications listen on `address`, on free ports; what is written is removed from `directory`.
    Raises Unproven.
    """
    with running(daemon, worker, address, directory, scale) as pm2:
        pm2.until(
            "ready", lambda: all(pm2.events(name, "ready") for name in ("reloaded", "growing"))
        )
        reload, held = _reload(pm2, held_ms)
        limited = worker.setting("max_memory_restart") is not None
        growth = _grow(pm2, scale.memory_mb, limited=limited)
        crashes = _crashes(pm2, worker, scale)
    return Rehearsed(crashes, reload, held, growth)


def _reload(pm2: OwnPm2, held_ms: tuple[int, ...]) -> tuple[Replacement, tuple[Held, ...]]:
    """Reload with requests in flight."""
    name = "reloaded"
    with ExitStack() as opened:
        sent = {ms: opened.enter_context(pm2.send(name, f"/hold?n={ms}")) for ms in held_ms}
        log = opened.enter_context((pm2.directory / "reload.log").open("w"))
        reload = subprocess.Popen(
            [*GUARD, pm2.program, "-e", _RELOAD.read_text(), pm2.pm2, pm2.rpc, name],
            env=pm2.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            seen = _replaced(pm2, name, lambda: reload.poll() is not None)
        finally:
            reload.kill()
            reload.wait()
        held = tuple(Held(ms, b"200 OK" in _received(each)) for ms, each in sent.items())
    return seen, held


def _grow(pm2: OwnPm2, limit_mb: int, *, limited: bool) -> Replacement:
    """Make a worker grow over its limit. Without one, do not wait for what will not come."""
    pm2.ask("growing", f"/grow?n={limit_mb}")
    return _replaced(pm2, "growing", lambda: not limited)


def _replaced(pm2: OwnPm2, name: str, over: Callable[[], bool]) -> Replacement:
    """Ask all the time until the worker has been replaced and is gone, or it is `over`."""
    (old,) = pm2.events(name, "started")
    asked = 0
    lost: list[str] = []

    def done() -> bool:
        nonlocal asked
        finished = over() or (_new(pm2, name, old) is not None and not alive(old))
        asked += 1
        try:
            pm2.ask(name, "/pid")
        except (OSError, http.client.HTTPException) as error:
            lost.append(f"{type(error).__name__}: {error}")
        return finished

    pm2.until(f"{name} replaced", done)
    new = _new(pm2, name, old)
    return Replacement(
        old=old,
        new=new,
        asked=asked,
        lost=tuple(lost),
        ready_ms=None if new is None else pm2.events(name, "ready").get(new),
        told_to_stop_ms=pm2.events(name, "told to stop").get(old),
    )


def _new(pm2: OwnPm2, name: str, old: int) -> int | None:
    return next((pid for pid in pm2.events(name, "started") if pid != old), None)


def _crashes(pm2: OwnPm2, worker: Worker, scale: Scale) -> Crashes:
    """Wait until PM2 has given up, or has started it oftener than it was told to."""
    restarts = int(worker.setting("max_restarts") or _MAX_RESTARTS)

    def decided() -> bool:
        too_often = len(pm2.events("crashing", "started")) > restarts + 2
        return too_often or _GIVEN_UP.search(pm2.said) is not None

    pm2.until("given up, nor started too often", decided)
    given_up = _GIVEN_UP.search(pm2.said)
    started = list(pm2.events("crashing", "started").values())
    ended = list(pm2.events("crashing", "ended").values())
    pauses = tuple(start - end for end, start in zip(ended, started[1:], strict=False))
    delay_ms = scale.delay_ms(worker)
    if not given_up and for_a_start_ms(worker) > 0:
        raise Unproven(
            f"rehearsal of PM2: a start took {max(pauses) - delay_ms} ms: this machine is too "
            "busy to tell whether PM2 gives up",
            Whose.OURS,
        )
    return Crashes(len(started), int(given_up[1]) if given_up else None, pauses, delay_ms)


def _received(connection: socket.socket) -> bytes:
    """What came before the end of the connection, however it ended."""
    received = b""
    try:
        while part := connection.recv(4096):
            received += part
    except OSError:
        pass
    return received
