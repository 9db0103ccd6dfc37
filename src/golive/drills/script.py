"""Run a script of the stack, as its schedule or a person would."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from golive.outcome import Unproven, Whose

_WITHIN_S = 120.0


@dataclass(frozen=True)
class Ran:
    """How a script ended: its exit status, the end of what it said, how long it took."""

    status: int
    said: str
    seconds: float


def run(command: Sequence[str], home: str, path: str, variables: Mapping[str, str]) -> Ran:
    """Run it in a clean environment, `path` before the system's. Raises Unproven if it hangs."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            cwd=home,
            env={"PATH": f"{path}:{os.defpath}", "HOME": home, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_WITHIN_S,
        )
    except OSError as error:
        raise Unproven(f"cannot run {command[0]}: {error}", Whose.TOOL) from error
    except subprocess.TimeoutExpired as error:
        reason = f"{' '.join(command)} did not end within {_WITHIN_S:g} s"
        raise Unproven(reason, Whose.TARGET) from error
    return Ran(done.returncode, done.stdout.strip()[-500:], round(time.monotonic() - began, 3))
