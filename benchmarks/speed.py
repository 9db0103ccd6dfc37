"""How fast a replica starts and stops, and how long the gate takes with both: `make bench`.

Everything is warm: the toolchain is installed. The ratio compares, in one run, the start-up of
the whole with that of its slowest single server: 1 means that nothing waits for its turn.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from golive.replica import control

STACK = Path("environments/stack")
RUNS = 3


def main() -> None:
    """Print the median of some runs, and each of them."""
    starts, stops, ratios = [], [], []
    for _ in range(RUNS):
        began = time.monotonic()
        with control.started(STACK, lambda _: None) as owned:
            starts.append(time.monotonic() - began)
            state = owned.state
            slowest = max(state.servers, key=lambda server: server.ready_s or 0)
            ratios.append((state.ready_s or 0) / (slowest.ready_s or 1))
            began = time.monotonic()
        stops.append(time.monotonic() - began)
    gates = [_gate() for _ in range(RUNS)]
    _print("replica ready", starts, "s")
    _print("start-up / its slowest server", ratios, "")
    _print("replica stopped", stops, "s")
    _print("gate, with start and stop", gates, "s")


def _gate() -> float:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        command = [Path(sys.executable).with_name("golive"), "gate", "--fresh"]
        run = subprocess.run([*command, "--report-dir", directory], capture_output=True, text=True)
    took = time.monotonic() - began
    if run.returncode not in (0, 3):
        sys.exit(f"the gate ended with status {run.returncode}:\n{run.stdout}{run.stderr}")
    return took


def _print(what: str, values: list[float], unit: str) -> None:
    each = ", ".join(f"{value:.2f}" for value in values)
    print(f"{what:32} {statistics.median(values):6.2f} {unit:2} (of {each})")


if __name__ == "__main__":
    main()
