"""What is verified of a release once it is live: `verify.sh`, with something wrong, and without."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from golive.drills import releases
from golive.drills.rehearsal import Rehearsal
from golive.probes.http import request

NOTHING = "nothing is wrong"
_OBSERVE_S = 2  # for what is provoked meanwhile, on a machine that is busy


@dataclass(frozen=True)
class Verified:
    """`verify.sh` on the release that runs: what it said, with something wrong or not."""

    status: int
    said: str


def _verified(rehearsal: Rehearsal, provoke: Callable[[Rehearsal], None] | None = None) -> Verified:
    """Run it; `provoke` something once it has begun to observe."""
    rehearsal.ensure(releases.SECOND)

    def meanwhile() -> None:
        if provoke and rehearsal.until_said("Observation"):
            provoke(rehearsal)

    if provoke:
        rehearsal.host.configure(OBSERVE=_OBSERVE_S)
    try:
        run = rehearsal.run("verify.sh", meanwhile=meanwhile)
    finally:
        rehearsal.host.configure()
    return Verified(run.status, run.said)


def _ask_at_once(rehearsal: Rehearsal, path: str, count: int) -> None:
    # A client of its own: the edge allows 20 requests at once.
    site = replace(rehearsal.host.https, source=rehearsal.host.addresses["client"])

    def ask() -> None:
        request(site, path)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _errors(rehearsal: Rehearsal) -> None:
    _ask_at_once(rehearsal, "/__replica/status?code=500", 15)


def _slow(rehearsal: Rehearsal) -> None:
    _ask_at_once(rehearsal, "/__replica/slow?ms=700", 15)


def _logged(rehearsal: Rehearsal) -> None:
    """Write what the application logs of an exception that nobody caught."""
    line = {"level": "error", "msg": "uncaught", "error": "written by a drill"}
    with rehearsal.host.path("/var/log/dashboard-velo/error.log").open("a") as log:
        log.write(f"2026-01-01 00:00:00 +00:00: {json.dumps(line)}\n")


def _data_lost(rehearsal: Rehearsal) -> Verified:
    """With the weather of Lyon gone from the database, and from the cache."""
    rehearsal.ensure(releases.SECOND)  # first: a release that starts brings what it needs
    with rehearsal.host.database() as found:
        lyon = found.weather.find_one_and_delete({"_id": "lyon"})
        rehearsal.host.forget_cache()
        try:
            return _verified(rehearsal)
        finally:
            if lyon:
                found.weather.insert_one(lyon)
            rehearsal.host.forget_cache()


def _site_away(rehearsal: Rehearsal) -> Verified:
    """Where nobody listens at the site, though the release answers."""
    rehearsal.ensure(releases.SECOND)
    host = rehearsal.host
    host.configure(SITE=f"http://{host.addresses['client']}:3000")
    try:
        return _verified(rehearsal)
    finally:
        host.configure()


CHECKS: Mapping[str, Callable[[Rehearsal], Verified]] = {
    NOTHING: _verified,
    "15 requests end with status 500": lambda r: _verified(r, _errors),
    "15 requests take 700 ms": lambda r: _verified(r, _slow),
    "an error is logged": lambda r: _verified(r, _logged),
    "a page is not found": _data_lost,
    "the site does not answer": _site_away,
}
"""By what happens on the server meanwhile."""
