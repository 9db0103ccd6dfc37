"""Places where secrets are searched for: files of hosts, processes, a repository."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.secrets import Place

LAST_BYTES = 4 * 2**20
"""How much of each file is searched: its end."""

# Each file in base64 on a line of its own; `!` for one that is there and cannot be read.
_READ = (
    "set -o pipefail; n=$1; shift; "
    'for f; do if c=$(tail -c "$n" -- "$f" 2>/dev/null | base64 -w0); then echo "$c"; '
    'elif [ -e "$f" ]; then echo "!"; else echo; fi; done'
)
# detect-secrets takes a comparison with a type's name for a password.
_COMPARISON = r"typeof "
# Checksums; golive itself, which is not deployed, and names secrets on every page; and what tests
# make up. Actual secrets are searched for in all of them.
_NOT_DEPLOYED = r"package-lock\.json|requirements\.txt|^(\./)?(src|tests)/"
# Detectors for services that this deployment does not use: each reads every line.
_NOT_USED = (
    *(
        "ArtifactoryDetector",
        "AzureStorageKeyDetector",
        "CloudantDetector",
        "DiscordBotTokenDetector",
    ),
    *("GitLabTokenDetector", "IbmCloudIamDetector", "IbmCosHmacDetector", "IPPublicDetector"),
    *("MailchimpDetector", "SendGridDetector", "SoftlayerDetector", "SquareOAuthDetector"),
    *("StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector"),
)


@dataclass(frozen=True)
class Suspect:
    """What detect-secrets takes for a secret: its kind and where, not its text."""

    file: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} ({self.kind})"


def files(machine: Machine, directory: str) -> tuple[Place, ...]:
    """The files below `directory` (a path of this machine), without node_modules.

    None where there is no such directory. Raises Unproven where one cannot be read.
    """
    listed = machine.run(
        "if [ -e %s ]; then find %s -name node_modules -prune -o -type f -printf '%%m %%p\\0'; fi",
        directory,
        directory,
    )
    found = [line.split(" ", 1) for line in listed.split("\0") if line]
    contents = _contents(machine, [path for _, path in found])
    return tuple(
        Place(f"{path} on {machine.name}", content, int(mode, 8))
        for (mode, path), content in zip(found, contents, strict=True)
    )


def arguments(machine: Machine) -> tuple[Place, ...]:
    """The command line of every process of the host."""
    lines = machine.run("ps -e -ww -o pid=,user:64=,args=").splitlines()
    processes = [line.split(maxsplit=2) for line in lines]
    return tuple(
        Place(f"the arguments of process {pid} of {user} on {machine.name}", rest[0].encode())
        for pid, user, *rest in processes
        if rest
    )


def environments(machine: Machine, user: str) -> tuple[Place, ...]:
    """The environment, as it was at its start, of each process of any other user than `user`.

    Raises Unproven where one cannot be read: that takes root.
    """
    listed = machine.run(
        "find /proc -mindepth 2 -maxdepth 2 -name environ ! -user %s -printf '%%u %%p\\0'"
        " 2>/dev/null || true",
        user,
    )
    found = [line.split(" ", 1) for line in listed.split("\0") if line]
    contents = _contents(machine, [path for _, path in found])
    return tuple(
        Place(f"{path} of {owner} on {machine.name}", content)
        for (owner, path), content in zip(found, contents, strict=True)
    )


def tracked(repository: Path) -> tuple[Place, ...]:
    """The files that the repository tracks, as they are now. Raises Unproven where it is none."""
    try:
        listed = subprocess.run(
            ["git", "-C", repository, "ls-files", "-z"], capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unproven(f"{repository}: its tracked files: {error}", Whose.OURS) from error
    paths = [repository / name for name in listed.split("\0") if name]
    if not paths:
        raise Unproven(f"{repository} tracks no file", Whose.OURS)
    return tuple(below(path, repository) for path in paths if path.is_file())


def below(path: Path, directory: Path) -> Place:
    """A file of this machine, by its name below `directory`."""
    return Place(str(path.relative_to(directory)), path.read_bytes())


def suspects(repository: Path, *, all_files: bool = False) -> tuple[Suspect, ...]:
    """What detect-secrets finds in a repository's tracked files, or in all of a directory.

    Of what is deployed and what configures it: not of golive and its tests.

    Raises Unproven where it does not run, or answers garbage.
    """
    command = ["-m", "detect_secrets", "scan", "--no-verify"]
    command += ["--exclude-lines", _COMPARISON, "--exclude-files", _NOT_DEPLOYED]
    command += [option for name in _NOT_USED for option in ("--disable-plugin", name)]
    command += ["--all-files"] if all_files else []
    scan = subprocess.run(
        ["nice", sys.executable, *command, "."],  # seconds of CPU: what is timed goes first
        cwd=repository,
        capture_output=True,
        text=True,
    )
    try:
        results = json.loads(scan.stdout)["results"]
    except (ValueError, KeyError) as error:
        reason = f"detect-secrets, status {scan.returncode}: {scan.stderr.strip()[-300:]}"
        raise Unproven(reason, Whose.TOOL) from error
    return tuple(
        Suspect(each["filename"], each["line_number"], each["type"])
        for found in results.values()
        for each in found
    )


def _contents(machine: Machine, paths: Sequence[str]) -> Iterator[bytes]:
    if not paths:
        return
    quoted = " ".join(["%s"] * len(paths))
    read = machine.run(f"bash -c %s _ {LAST_BYTES} {quoted}", _READ, *paths).splitlines()
    for path, content in zip(paths, read, strict=True):
        if content == "!":
            raise Unproven(f"{machine.name}: {path} cannot be read", Whose.TARGET)
        yield b64decode(content)
