"""Judge what PM2 does with its settings, by a rehearsal with a small script."""

from collections.abc import Set as AbstractSet

from pytest_bdd import given, parsers, then

from golive.environment import Environment, Kind
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import Unproven, Whose
from golive.probes.own_pm2 import Scale
from golive.probes.pm2 import inspect
from golive.probes.pm2_rehearsal import Rehearsed, Replacement, rehearse
from golive.steps.expectation import require
from golive.steps.pm2 import NAME

_AHEAD = Scale(delays=10, memory_mb=150)  # what the feature says: else it is measured when needed
_HELD_MS = (2500, 10000)  # as the feature says
_CLAIMS = {"PM2-05", "PM2-12", "PM2-13", "PM2-14", "PM2-16"}
_WHERE = "a rehearsal with the settings that PM2 has on the first application server"


def pytest_golive_ahead(
    measurements: Measurements, environment: Environment, tags: AbstractSet[str]
) -> None:
    """Ten crashes take seconds. Where only some scenarios run, it is begun when one needs it."""
    if environment.kind is Kind.REPLICA and tags >= _CLAIMS:
        measurements.queue(_rehearsed, *_first(environment), _AHEAD)


def _first(environment: Environment) -> tuple[Machine, str | None]:
    return machines(environment, "app")[0], environment.pm2_home


def _rehearsed(machine: Machine, home: str | None, scale: Scale) -> Rehearsed:
    if machine.host.address is None or home is None:
        raise Unproven("a replica's hosts have an address and a PM2_HOME", Whose.OURS)
    daemon = inspect(machine, home)
    worker, tmp = daemon.named(NAME)[0], machine.path("/tmp")  # noqa: S108 (the replica's own)
    return rehearse(daemon, worker, machine.host.address, tmp, scale, _HELD_MS)


@given(
    parsers.parse(
        "a rehearsal with restart_delay divided by {delays:d} and a limit of {memory_mb:d} MiB"
    ),
    target_fixture="rehearsed",
)
def rehearsed(
    environment: Environment,
    measurements: Measurements,
    evidence: EvidenceLog,
    delays: int,
    memory_mb: int,
) -> Rehearsed:
    seen = measurements.result(_rehearsed, *_first(environment), Scale(delays, memory_mb))
    evidence.add("rehearsal", seen)
    return seen


@then(parsers.parse("a process that crashes at once is given up at the {count:d}th crash"))
def given_up(rehearsed: Rehearsed, count: int) -> None:
    crashes = rehearsed.crashes
    require(
        crashes.given_up == count,
        expected=f"given up when {count} crashes were counted",
        actual=f"given up at {crashes.given_up}"
        if crashes.given_up
        else f"not given up after {crashes.starts} starts",
        where=_WHERE,
        look="max_restarts and min_uptime in ecosystem.config.js: crashes count only in the first "
        "min_uptime x max_restarts, and the restart_delay passes meanwhile",
    )


@then("each restart waits for the delay")
def delayed(rehearsed: Rehearsed) -> None:
    crashes = rehearsed.crashes
    require(
        crashes.delay_ms > 0 and min(crashes.pauses_ms, default=0) >= crashes.delay_ms,
        expected=f"{crashes.delay_ms} ms at least between an end and the next start"
        if crashes.delay_ms
        else "a delay",
        actual=f"{min(crashes.pauses_ms, default=0)} ms at least, restart_delay {crashes.delay_ms}",
        where=_WHERE,
        look="restart_delay in ecosystem.config.js",
    )


@then("the old worker is told to stop only after the new one was ready")
def in_order(rehearsed: Rehearsed) -> None:
    seen = rehearsed.reload
    if seen.ready_ms is None or seen.told_to_stop_ms is None:
        actual = "not replaced" if seen.new is None else "ended, or begun, without a word"
    else:
        actual = f"told to stop {seen.told_to_stop_ms - seen.ready_ms} ms after the other was ready"
    require(
        seen.ready_ms is not None
        and seen.told_to_stop_ms is not None
        and seen.ready_ms <= seen.told_to_stop_ms,
        expected="first ready, then told to stop",
        actual=actual,
        where=_WHERE,
        look="wait_ready and exec_mode in ecosystem.config.js",
    )


@then("no request was lost in the reload")
def none_lost_in_reload(rehearsed: Rehearsed) -> None:
    _require_none_lost(rehearsed.reload)


@then(parsers.parse("a request that needs {ms:d} ms more is answered"))
def short_answered(rehearsed: Rehearsed, ms: int) -> None:
    _require_held(rehearsed, ms, answered=True)


@then(parsers.parse("one that needs {ms:d} ms is cut off"))
def long_cut(rehearsed: Rehearsed, ms: int) -> None:
    _require_held(rehearsed, ms, answered=False)


@then("the worker that grew was replaced by another")
def replaced(rehearsed: Rehearsed) -> None:
    seen = rehearsed.growth
    require(
        seen.new is not None,
        expected="another process",
        actual=f"process {seen.old} still",
        where=_WHERE,
        look="max_memory_restart in ecosystem.config.js",
    )


@then("no request was lost meanwhile")
def none_lost_in_growth(rehearsed: Rehearsed) -> None:
    _require_none_lost(rehearsed.growth)


def _require_none_lost(seen: Replacement) -> None:
    require(
        seen.asked > 0 and not seen.lost,
        expected=f"all of {seen.asked} requests answered",
        actual=f"{len(seen.lost)} lost: {', '.join(seen.lost[:3])}",
        where=_WHERE,
        look="exec_mode and instances in ecosystem.config.js",
    )


def _require_held(rehearsed: Rehearsed, ms: int, *, answered: bool) -> None:
    held = next((each for each in rehearsed.held if each.needs_ms == ms), None)
    if held is None:
        raise Unproven(f"it was rehearsed with {_HELD_MS} ms", Whose.OURS)
    words = {True: "answered", False: "cut off"}
    require(
        held.answered is answered,
        expected=words[answered],
        actual=words[held.answered],
        where=f"a request that needs {ms} ms more when its worker is told to stop; {_WHERE}",
        look="kill_timeout in ecosystem.config.js",
    )
