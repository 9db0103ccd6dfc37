"""Break the file of environment variables of an application server.

A server whose file has another value also differs from the other servers: so most of these turn
two scenarios red.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.application import FILE, reloaded, variables
from golive.faults.fault import Target, fault
from golive.faults.files import edited

_FEATURE = "04_environment_variables/environment_file.feature::"
SERVER, MONGODB, REDIS = f"{_FEATURE}Server", f"{_FEATURE}MongoDB", f"{_FEATURE}Redis"
TOKENS, LOGGING, SECURITY = (
    f"{_FEATURE}JSON Web Tokens",
    f"{_FEATURE}Logging",
    f"{_FEATURE}Security",
)
SAME = f"{_FEATURE}Every application server has the same values"
AS_IT_IS = f"{_FEATURE}The workers have read the file as it is"
_OPENAI = f"{_FEATURE}OpenAI"
_EXTERNAL = f"{_FEATURE}External services"
_PRIVATE = f"{_FEATURE}Only the workers' user can read the file"
_SOURCED = f"{_FEATURE}A shell that sources the file reads the same values"
_HELD_PRIVATELY = (
    "04_environment_variables/secrets.feature::"
    "Whatever file holds a secret, its owner alone can read it"
)


@fault(_PRIVATE, _HELD_PRIVATELY)
@contextmanager
def file_readable_by_all(replica: Target) -> Iterator[None]:
    """ENV-27: the file has mode 0644. It is also a file that holds secrets, like any other."""
    file = replica.path("app-2", FILE)
    mode = file.stat().st_mode
    try:
        file.chmod(0o644)
        yield
    finally:
        file.chmod(mode)


@fault(_OPENAI, SAME)
@contextmanager
def placeholder_left(replica: Target) -> Iterator[None]:
    """ENV-16: somebody has only deleted the brackets, which the application itself looks for."""
    with variables(replica, "app-1", OPENAI_API_KEY=f"CHANGEME-{secrets.token_hex(8)}"):
        yield


@fault(_EXTERNAL, SAME)
@contextmanager
def example_left(replica: Target) -> Iterator[None]:
    """ENV-24: the secret of Strava is that of somebody's example."""
    with variables(replica, "app-3", STRAVA_CLIENT_SECRET=f"example-{secrets.token_hex(8)}"):
        yield


@fault(MONGODB)
@contextmanager
def acknowledged_by_one(replica: Target) -> Iterator[None]:
    """ENV-05: the connection string asks for w=1 (the application's own code still for more)."""
    with reloaded(replica, "app-2", edited(replica, "app-2", FILE, ("&w=majority", "&w=1"))):
        yield


@fault(AS_IT_IS)
@contextmanager
def not_reloaded(replica: Target) -> Iterator[None]:
    """ENV-16: the file was changed after the workers had started."""
    file = replica.path("app-1", FILE)
    before = file.stat()
    try:
        os.utime(file, (time.time(), before.st_mtime + 3600))
        yield
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@fault(_SOURCED)
@contextmanager
def not_quoted(replica: Target) -> Iterator[None]:
    """Finding 23: the connection string is not quoted, so that a shell stops at its `&`."""
    text = replica.path("app-1", FILE).read_text()
    line = next(line for line in text.splitlines() if line.startswith("MONGO_URI="))
    change = edited(replica, "app-1", FILE, (line, line.replace('"', "")))
    with reloaded(replica, "app-1", change):
        yield
