"""Judge PM2: its settings as the running daemon has them, and what it does."""

from golive.environment import Environment
from golive.gate.measurements import Measurements
from golive.machine import Machine, machines
from golive.outcome import NotRun
from golive.probes.pm2 import Daemon, inspect


def daemons(environment: Environment, measurements: Measurements) -> dict[Machine, Daemon]:
    """PM2 on every application server; all are asked at the same time, once a session."""
    home = environment.pm2_home
    if home is None:
        raise NotRun(f"{environment.name} does not say where PM2_HOME is")
    asked = {each: measurements.start(inspect, each, home) for each in machines(environment, "app")}
    return {machine: future.result() for machine, future in asked.items()}
