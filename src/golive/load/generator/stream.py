"""Send what the recorder keeps to whoever started this generator, and end when he is gone.

One line of JSON a second. Workers hand theirs to Locust's master, which passes them on: nothing
is averaged on the way, so the whole is exactly the sum of its parts. Nothing is lost either but
the last second, if a generator is killed.
"""

import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import gevent
import gevent.socket
from locust import runners
from locust.env import Environment
from locust.rpc.protocol import Message
from locust.runners import MasterRunner, WorkerRunner

from golive.load.generator.recorder import Recorder
from golive.load.plan import Plan, Stage

EVERY_S = 1.0
_KEY = "golive"
_HEARTBEAT_S = 0.02  # how often it is looked whether we are late
_SENT_S = 0.3  # who reads the last line kills us: what was sent must be on its way by then
_LATE_S = 30  # after the planned end: something hangs


class Stream:
    """Connects a recorder with Locust's events, and with the descriptors of the plan."""

    def __init__(self, plan: Plan, recorder: Recorder, environment: Environment) -> None:
        self._plan, self._recorder = plan, recorder
        self._environment = environment
        self._runner = environment.runner
        self._self: dict[str, list[int]] = {}
        self._over = False
        # Workers by id, not their number: one that waits for the others goes on to report.
        self._done: set[str] = set()
        self._own: list[int] = []
        self._cpu = _cpu_s()
        self._cpu_at = time.perf_counter()
        self._waited = _waited_s()
        self._arrived: list[dict[str, Any]] = []
        self._ended = False
        events = environment.events
        events.test_start.add_listener(lambda **_: recorder.begin())
        events.request.add_listener(recorder.on_request)
        events.user_error.add_listener(
            lambda exception, **_: recorder.trouble(f"{type(exception).__name__}: {exception}")
        )
        runners.WORKER_REPORT_INTERVAL = EVERY_S
        gevent.spawn(self._watch_self)
        if plan.life is not None:
            gevent.spawn(self._until_abandoned)
        if isinstance(self._runner, MasterRunner):
            told = asdict(plan)
            options = vars(environment.parsed_options)  # of these Locust tells its workers
            options[_KEY] = {each: told[each] for each in ("stages", "people", "visit", "workers")}
        if isinstance(self._runner, WorkerRunner):
            events.report_to_master.add_listener(self._report)
        else:
            events.worker_report.add_listener(self._collect)
            events.quitting.add_listener(lambda **_: self.end("done"))
            gevent.spawn(self._write)

    def shared(self) -> Plan:
        """The plan with what a master says of it: how much, when, and by how many."""
        options = vars(self._environment.parsed_options)
        told = options.get(_KEY)
        if told is None or not isinstance(self._runner, WorkerRunner):
            return self._plan
        stages = tuple(Stage(**each) for each in told["stages"])
        return replace(self._plan, **(told | {"stages": stages}))

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """What fails in the block ends the run, and is told: Locust would only log it."""
        try:
            yield
        except Exception as error:
            self._recorder.trouble(f"{type(error).__name__}: {error}")
            self.done()
            raise

    def done(self) -> None:
        """This process has nothing more to send."""
        if isinstance(self._runner, WorkerRunner):
            self._over = True
            self._runner._send_stats()
        else:
            self.end("done")

    def end(self, why: str) -> None:
        """Write the last line; workers go with their master."""
        if self._ended:
            return
        self._ended = True
        if isinstance(self._runner, MasterRunner):
            for client in self._runner.clients.values():
                self._runner.server.send_to_client(Message("quit", None, client.id))
            gevent.sleep(_SENT_S)
        self._line({"end": why})

    def _take(self) -> dict[str, Any]:
        samples, trouble = self._recorder.take()
        own, self._own = self._own, []
        return {"samples": samples, "trouble": trouble, "self": own}

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data[_KEY] = json.dumps(self._take() | {"done": self._over})

    def _collect(self, client_id: str, data: dict[str, Any]) -> None:
        text = data.get(_KEY)
        if text is None:
            return
        part = json.loads(text)
        if part.pop("done"):
            self._done.add(client_id)
        self._line(part | {"worker": client_id})
        if len(self._done) >= self._plan.workers:
            self.end("done")

    def _write(self) -> None:
        while not self._ended:
            gevent.sleep(EVERY_S)
            self._line({"worker": "master"})
            if self._recorder.elapsed() > self._plan.seconds + _LATE_S:
                self._recorder.trouble(f"not over {_LATE_S} s after its end")
                self.end("late")

    def _line(self, data: dict[str, Any]) -> None:
        if self._plan.output is None:
            return
        own = {} if isinstance(self._runner, MasterRunner) else self._take()
        line = own | data
        line["t"] = round(self._recorder.elapsed(), 3)
        line["users"] = self._runner.user_count if self._runner else 0
        if isinstance(self._runner, MasterRunner) and self._recorder.origin is None:
            line["t"] = 0
        text = json.dumps(line).encode() + b"\n"
        while text:
            text = text[os.write(self._plan.output, text) :]

    def _watch_self(self) -> None:
        """Lag: how much later than asked we are woken (µs). In thousandths: the CPU that we use, of
        one core, and the time during which anybody on this machine waited for one.
        """
        worst, until = 0.0, time.perf_counter() + EVERY_S
        while True:
            due = time.perf_counter() + _HEARTBEAT_S
            gevent.sleep(_HEARTBEAT_S)
            now = time.perf_counter()
            worst = max(worst, now - due)
            if now < until:
                continue
            used, waited, spent = _cpu_s(), _waited_s(), now - self._cpu_at
            if self._recorder.origin is not None:
                second = max(0, int(self._recorder.elapsed() - EVERY_S / 2))
                busy, starved = (
                    round(1000 * each / spent) for each in (used - self._cpu, waited - self._waited)
                )
                self._own += [second, round(worst * 1e6), busy, starved]
            self._cpu, self._cpu_at, self._waited = used, now, waited
            worst, until = 0.0, now + EVERY_S

    def _until_abandoned(self) -> None:
        """Who started us holds the other end of a pipe: when it closes, all is over."""
        life = self._plan.life or 0
        gevent.socket.wait_read(life)
        if isinstance(self._runner, WorkerRunner):
            self._runner._send_stats()
            gevent.sleep(0.2)
        elif isinstance(self._runner, MasterRunner):
            gevent.sleep(0.4)  # what workers had
        try:
            self.end("stopped")
        finally:
            os._exit(0)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _waited_s() -> float:
    """How long some process of this machine has waited for a core (Linux's pressure stall
    information); 0 where the kernel does not say.
    """
    try:
        with open("/proc/pressure/cpu") as file:  # noqa: PTH123 (once a second)
            return int(file.readline().rpartition("total=")[2]) / 1e6
    except (OSError, ValueError):
        return 0.0
