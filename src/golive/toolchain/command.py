"""Run one installer's command, and say clearly why it failed."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

DEADLINE_S = 1800
"""An installer that says nothing for so long is stuck; a slow line still downloads 300 MB."""

TAIL = 15
"""Lines of an installer's output that an error quotes."""


class ToolchainError(Exception):
    """A tool is missing and could not be installed: which, the command, and what it said."""


def run(
    tool: str,
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    dies_with_us: bool = True,
) -> str:
    """The standard output and error of a command; ToolchainError where it does not exit 0.

    With `dies_with_us` the kernel kills it when we are killed (setpriv, of Debian's
    essential util-linux). Not for dpkg: a package half configured is worse than a late one.
    """
    words = [str(word) for word in argv]
    shown = shlex.join(words)
    guard = ["setpriv", "--pdeathsig", "KILL", "--"] if dies_with_us else []
    try:
        done = subprocess.run(
            [*guard, *words],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=DEADLINE_S,
            check=False,
        )
    except OSError as error:
        raise ToolchainError(f"{tool}: could not run `{shown}`: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(f"{tool}: `{shown}` was still running after {DEADLINE_S} s") from error
    if done.returncode != 0:
        last = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-TAIL:])
        raise ToolchainError(
            f"{tool}: `{shown}` ended with status {done.returncode}; its last lines:\n{last}"
        )
    return done.stdout
