"""What `golive up`, `down`, `status` and `images` do where the environment is of containers."""

import os
import shlex
import time
from pathlib import Path

import click

from golive.compose import control, images
from golive.compose import engine as engines
from golive.compose.engine import SERVICE_LABEL
from golive.compose.hosts import ContainerHosts
from golive.compose.networks import Networks
from golive.compose.state import ContainersState
from golive.replica.control import Say
from golive.replica.substitution import Secrets


def up(stack: Path, number: int | None, verbose: bool, say: Say) -> None:
    """Start a compose replica and keep it; say how to look at it. Raises ReplicaError."""
    began = time.monotonic()
    engine = engines.ensure(say)
    with control.started(engine, stack, say, number) as owned:
        state = owned.state
        if verbose:
            place = control.directory(state.number)
            hosts = ContainerHosts(place, Path(state.stack), Networks(state.number), Secrets())
            for change in hosts.substitutions():
                click.echo(change)
        owned.keep()
    place = control.directory(state.number)
    compose = " ".join((*engine.compose, "--env-file", str(place / control.VARIABLES)))
    click.echo(
        f"Compose replica {state.number} is ready after {time.monotonic() - began:.1f} s.\n"
        f"Try it:  curl --cacert {place}/hosts/authority/root.pem "
        f"--connect-to ::{state.subnet.site}:443 https://api.dashboard-velo.com/health\n"
        f"Look:    {compose} -f {control.FILE} -p {control.project(state.number)} ps\n"
        f"Gate it: golive gate --environment compose\n"
        f"Stop it: golive down --environment compose {state.number}"
    )


def down(numbers: tuple[int, ...], say: Say) -> None:
    """Remove compose replicas: these, or all of this user's. Raises ReplicaError."""
    engine = engines.ensure(say)
    running = [state.number for state in control.running(engine)]
    for number in numbers or running:
        if control.stop(engine, number):
            click.echo(f"Compose replica {number} stopped.")
        else:
            click.echo(f"Compose replica {number} does not run.")
    if not numbers and not running:
        click.echo("No compose replica runs.")


def status(say: Say) -> bool:
    """Show which compose replicas run, and each container; whether all is well."""
    engine = engines.ensure(say)
    states = control.running(engine)
    if not states:
        click.echo("No compose replica runs. Start one: golive up --environment compose")
    well = bool(states)
    for state in states:
        click.echo(f"compose replica {state.number} of {state.stack}, since {state.started}")
        for service, how, good in sorted(_containers(engine, state)):
            click.echo(f"  {service:<22}  {how if good else click.style(how, fg='red')}")
            well = well and good
        well = well and state.ready_s is not None
    return well


def _containers(engine: engines.Engine, state: ContainersState) -> list[tuple[str, str, bool]]:
    """Of each container its service, how it is, and whether that is well."""
    found = []
    for each in engine.containers(control.project(state.number)):
        now = each["State"]
        how = str(now["Status"])
        if health := now.get("Health", {}).get("Status"):
            how = f"{how}, {health}"
        elif now["Status"] == "exited":
            how = f"exited, status {now['ExitCode']}"
        good = now["Status"] == "running" and health != "unhealthy"
        found.append((each["Config"]["Labels"][SERVICE_LABEL], how, good))
    return found


def build(say: Say) -> None:
    """Build all images that are missing, and print what the compose file's variables are."""
    engine = engines.ensure(say)
    images.ensure(engine, say)
    for name, tag in images.names(engine).items():
        click.echo(f"{name}={shlex.quote(tag)}")
    if left := sorted({"GOLIVE_IMAGE_GRAFANA"} - os.environ.keys()):
        click.echo(f"{left[0]}: no Debian, npm or PyPI package has Grafana", err=True)
