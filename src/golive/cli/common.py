"""What the verbs share: options, and how they speak."""

from pathlib import Path

import click

from golive.replica import control

STACK = Path("environments/stack")
REPORT_DIR = Path("report")
COULD_NOT_RUN = 2

stack_option = click.option(
    "--stack",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=STACK,
    show_default=True,
    help="Directory of the production files; a changed copy is tried this way.",
)

environment_option = click.option(
    "--environment",
    default="replica",
    show_default=True,
    metavar="NAME|FILE",
    help="replica: processes; compose: containers.",
)


def say(message: str) -> None:
    """Tell of progress, on standard error."""
    click.echo(f"  {message}", err=True)


def of_containers(environment: str) -> bool:
    """Whether the environment is one of containers. Raises ReplicaError for one that is up."""
    if environment == "replica":
        return False
    from golive.environment import EnvironmentFileError, Kind, load

    try:
        kind = load(environment).kind
    except EnvironmentFileError as error:
        raise control.ReplicaError(str(error)) from None
    if kind is Kind.DEPLOYED:
        raise control.ReplicaError(f"{environment} is deployed: golive neither starts nor stops it")
    return kind is Kind.COMPOSE
