"""Deployments that must fail, each at another step, and must leave everything as it was."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from golive.drills import releases
from golive.drills.rehearsal import Rehearsal, Run
from golive.outcome import NotRun, Unproven, Whose

# Long enough for what fails anyway; a good release on a busy machine gets the usual time.
_IN_VAIN_S = 2


def _refused(
    rehearsal: Rehearsal,
    *arguments: str,
    broken: Callable[[Rehearsal], AbstractContextManager[None]] = lambda _: nullcontext(),
    within: tuple[str, ...] = (),
) -> Run:
    rehearsal.ensure(releases.SECOND)
    with broken(rehearsal):
        return rehearsal.run("deploy.sh", *arguments, within=within)


@contextmanager
def _impatient(rehearsal: Rehearsal) -> Iterator[None]:
    rehearsal.host.configure(HEALTH_WITHIN=_IN_VAIN_S)
    try:
        yield
    finally:
        rehearsal.host.configure()


@contextmanager
def _away(path: str, rehearsal: Rehearsal) -> Iterator[None]:
    """With a file or directory of the server somewhere else."""
    file = rehearsal.host.path(path)
    elsewhere = file.with_name(f"{file.name}.away")
    file.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(file)


@contextmanager
def _changed_by_hand(rehearsal: Rehearsal) -> Iterator[None]:
    file = rehearsal.repository.workspace / "server.js"
    text = file.read_text()
    file.write_text(f"{text}// changed by hand\n")
    try:
        yield
    finally:
        file.write_text(text)


@contextmanager
def _tag_moved(rehearsal: Rehearsal) -> Iterator[None]:
    """With the second release's tag moved to another commit, since it was fetched."""
    repository = rehearsal.repository
    repository.fetch()
    commit = repository.commit(releases.SECOND)
    repository.move_tag(releases.SECOND, repository.commit(releases.FIRST))
    try:
        yield
    finally:
        repository.move_tag(releases.SECOND, commit)


def edge_away(rehearsal: Rehearsal) -> Run:
    """With nginx out of reach. The slot that is live is the one that a first deployment takes."""
    rehearsal.ensure(releases.FIRST)
    host = rehearsal.host
    if host.live_address() != host.addresses["blue"]:
        raise Unproven("the first of the two slots is not live", Whose.OURS)
    host.configure(ON_EDGE="false")
    try:
        return rehearsal.run("deploy.sh", "production", releases.SECOND)
    finally:
        host.configure()


def _read_only(rehearsal: Rehearsal) -> Run:
    """With /var/www read-only for the script, in a mount namespace of its own."""
    place = str(rehearsal.host.path("/var/www"))
    bind = f"mount --bind '{place}' '{place}' && mount -o remount,ro,bind '{place}'"
    require_mounts()
    within = (*UNSHARE, "sh", "-c", f'{bind} && exec "$@"', "sh")
    return _refused(rehearsal, "production", releases.FIRST, within=within)


UNSHARE = ("unshare", "--mount", "--propagation", "private")
"""Runs a command whose mounts nobody else sees, and that end with it (of util-linux)."""


def require_mounts() -> None:
    """Raise NotRun where this user may not mount, even where nobody else sees it."""
    command = [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRun(f"a full or read-only disk needs the right to mount: {done.stderr.strip()}")


FAILURES: Mapping[str, Callable[[Rehearsal], Run]] = {
    "another environment": lambda r: _refused(r, "test", releases.FIRST),
    "no environment": lambda r: _refused(r),
    "no tag": lambda r: _refused(r, "production"),
    "staging, on a server of production": lambda r: _refused(r, "staging", releases.FIRST),
    "nginx is out of reach": edge_away,
    "fetch": lambda r: _refused(
        r, "production", releases.FIRST, broken=partial(_away, "/srv/origin.git")
    ),
    "checkout": lambda r: _refused(r, "production", "v9.9.9"),
    "a checkout changed by hand": lambda r: _refused(
        r, "production", releases.FIRST, broken=_changed_by_hand
    ),
    "a tag that was moved": lambda r: _refused(r, "production", releases.SECOND, broken=_tag_moved),
    "npm ci": lambda r: _refused(r, "production", releases.UNINSTALLABLE),
    "build": lambda r: _refused(r, "production", releases.UNBUILDABLE),
    "copy": _read_only,
    "no environment file": lambda r: _refused(
        r, "production", releases.FIRST, broken=partial(_away, "/srv/workspace/.env.production")
    ),
    "no snapshot": lambda r: _refused(
        r, "production", releases.FIRST, broken=partial(_away, "/bin/snapshot")
    ),
    "reload": lambda r: _refused(r, "production", releases.UNLOADABLE),
    "it crashes": lambda r: _refused(r, "production", releases.CRASHING, broken=_impatient),
    "it is unwell": lambda r: _refused(r, "production", releases.UNHEALTHY, broken=_impatient),
}
"""By the step that fails: a deployment that must end so that everything is as before."""
