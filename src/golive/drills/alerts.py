"""Bring about each condition of the document's table, and see who is told of it, and when.

A Prometheus and an Alertmanager of our own run beside the replica's, with its own rules, routes
and receivers. They ask the replica's exporters and applications, with times made short (see
`Scale`); where a condition would disturb others (CPU, memory, a full Redis), an exporter and a
Redis of our own stand for those of a server.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from golive.drills import causes
from golive.drills.alert_watch import Rehearsal, Site, at, watching
from golive.drills.conditions import Condition
from golive.drills.exporter import QUIET
from golive.drills.shortened import Scale
from golive.probes import mongodb


def rehearse(site: Site, scale: Scale) -> Rehearsal:
    """Bring every condition about, await what is told, end them, and await that too.

    What is awaited is what the configuration promises, for a minute at most; what does not come
    by then is not in the result. Raises Unproven.
    """
    label = f"drill-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        drill = stack.enter_context(watching(site, scale, label))
        ends = stack.enter_context(ExitStack())
        cpu, memory = drill.cpu, drill.memory
        slow = causes.requests(site.slow, "slow?ms=800", senders=8, pause_s=0)
        failing = causes.requests(site.failing, "status?code=500", senders=2, pause_s=0.1)
        reads = causes.slow_reads(site.member, site.mongodb_login, ms=600)
        first = [
            Condition("CPU", "warning", drill.cpu_at, lambda: cpu.use(cpu=88)),
            Condition("memory", "warning", drill.memory_at, lambda: memory.use(memory=90)),
            Condition("Redis memory", "warning", drill.redis_at, lambda: drill.redis.fill(0.9)),
            Condition("response time", "warning", at(site.slow), _entering(ends, slow)),
            Condition("error rate", "critical", at(site.failing), _entering(ends, failing)),
            Condition(
                *("MongoDB response time", "warning", f"{site.member.address}:{mongodb.PORT}"),
                _entering(ends, reads),
            ),
        ]
        second = [
            Condition("CPU", "critical", drill.cpu_at, lambda: cpu.use(cpu=99.5)),
            Condition("memory", "critical", drill.memory_at, lambda: memory.use(memory=97)),
        ]
        drill.begin(first)
        drill.begin(second)
        for each in (*first, *second):
            each.ended = time.time()
        cpu.use(cpu=QUIET)
        memory.use(memory=QUIET)
        drill.redis.fill(0)
        ends.close()
        drill.await_ended([*first, *second])
        return drill.result([*first, *second])


def _entering(stack: ExitStack, cause: AbstractContextManager[None]) -> Callable[[], object]:
    return lambda: stack.enter_context(cause)
