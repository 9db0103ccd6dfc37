"""Use secrets that are none, and let secrets out of their file."""

import base64
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golive.faults.application import (
    DIRECTORY,
    FILE,
    OUT_LOG,
    pm2,
    variable,
    variables,
)
from golive.faults.environment_file import SAME
from golive.faults.fault import FaultError, Target, fault
from golive.faults.files import edited, replaced

_FEATURE = "04_environment_variables/secrets.feature::"
_GUESSED = f"{_FEATURE}Nobody guesses a secret"
_HELD_PRIVATELY = f"{_FEATURE}Whatever file holds a secret, its owner alone can read it"
_REPOSITORY = f"{_FEATURE}No secret is in the repository"
_LOGGED = f"{_FEATURE}No secret is in a log, nor in what PM2 keeps"
_ARGUMENTS = f"{_FEATURE}No secret is in a command line"
_ENVIRONMENT = f"{_FEATURE}No process of another user has a secret in its environment"
_ANSWERED = f"{_FEATURE}No answer holds a secret"
_GIVEN = f"{_FEATURE}PM2 gives the workers no secret"

_BACKUP = "/var/backups"
_LOCK = Path("requirements.txt")
_NOBODY = 65534
# Waits for the end of its input, which comes when whoever started it ends.
_WAIT = "import sys; sys.stdin.read()"


@fault(_GUESSED, SAME)
@contextmanager
def password_of_words(replica: Target) -> Iterator[None]:
    """ENV-12: JWT_SECRET is long, and made of words and a number that anybody would try."""
    number = random.randrange(10**6)  # noqa: S311 (not to be strong is its purpose)
    with variables(replica, "app-1", JWT_SECRET=f"dashboard-velo-production-secret-{number}"):
        yield


@fault(_REPOSITORY, SAME)
@contextmanager
def value_of_the_repository(replica: Target) -> Iterator[None]:
    """ENV-27: the key of OpenAI stands in a file of the repository."""
    found = re.search(r"sha256:([0-9a-f]{64})", _LOCK.read_text())
    if found is None:
        raise FaultError(f"{_LOCK}: has no checksum to take for a key")
    with variables(replica, "app-1", OPENAI_API_KEY=found[1]):
        yield


@fault(_LOGGED)
@contextmanager
def secret_logged(replica: Target) -> Iterator[None]:
    """ENV-27: the application's log quotes a connection string, as an error of a driver may."""
    log = replica.path("app-2", OUT_LOG)
    uri = variable(replica, "app-2", "MONGO_URI")
    size = log.stat().st_size
    date = "2026-01-01 00:00:00 +00:00"
    try:
        with log.open("a") as file:
            file.write(f'{date}: {{"level":"warn","msg":"cannot connect to {uri}"}}\n')
        yield
    finally:
        with log.open("r+b") as file:
            file.truncate(size)


@fault(_HELD_PRIVATELY)
@contextmanager
def backup_readable_by_all(replica: Target) -> Iterator[None]:
    """ENV-27: a backup has the file of variables in base64, and everybody can read it."""
    directory = replica.path("app-3", _BACKUP)
    if directory.exists():
        raise FaultError(f"{directory} is there already")
    try:
        directory.mkdir()
        backup = directory / "configuration.b64"
        backup.write_bytes(base64.b64encode(replica.path("app-3", FILE).read_bytes()))
        backup.chmod(0o644)
        yield
    finally:
        shutil.rmtree(directory)


@fault(_ARGUMENTS)
@contextmanager
def secret_in_arguments(replica: Target) -> Iterator[None]:
    """ENV-27: a password is given on a command line, where every user of the host sees it."""
    password = variable(replica, "app-1", "REDIS_PASSWORD")
    command = [sys.executable, "-c", _WAIT, password]
    with _running(subprocess.Popen(command, stdin=subprocess.PIPE)):
        yield


@fault(_ENVIRONMENT)
@contextmanager
def secret_of_another_user(replica: Target) -> Iterator[None]:
    """ENV-27: a job of another user was given a secret of the application."""
    environment = {"JOB_SECRET": variable(replica, "app-1", "JWT_SECRET")}
    try:
        process = subprocess.Popen(
            ["/bin/cat"], stdin=subprocess.PIPE, env=environment, user=_NOBODY, cwd="/"
        )
    except PermissionError as error:
        raise FaultError("it takes root to start a process of another user") from error
    with _running(process):
        yield


@fault(_ANSWERED, _HELD_PRIVATELY)
@contextmanager
def secret_on_a_page(replica: Target) -> Iterator[None]:
    """ENV-27: a page has a key in it. Its file, which everybody can read, holds it too."""
    page = f"{DIRECTORY}/public/index.html"
    key = variable(replica, "app-1", "OPENWEATHERMAP_API_KEY")
    content = replica.path("app-1", page).read_text() + f"<!-- {key} -->\n"
    with replaced(replica, "app-1", page, content.encode()):
        yield


@fault(_GIVEN)
@contextmanager
def secret_given_by_pm2(replica: Target) -> Iterator[None]:
    """Finding 29: PM2 carries a secret in its settings, and so into each worker."""
    file, place = f"{DIRECTORY}/ecosystem.config.js", "env_production: { "
    secret = variable(replica, "app-1", "JWT_SECRET")
    reload = ("reload", "ecosystem.config.js", "--env", "production")
    try:
        with edited(replica, "app-1", file, (place, f"{place}LEFT_OVER: '{secret}', ")):
            pm2(replica, "app-1", *reload)
            yield
    finally:
        # A variable that is left out stays (finding 29): so it is given another value.
        with edited(replica, "app-1", file, (place, f"{place}LEFT_OVER: '', ")):
            pm2(replica, "app-1", *reload)


@contextmanager
def _running(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    with process:
        try:
            yield
        finally:
            process.kill()
