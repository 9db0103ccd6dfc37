"""The verbs of golive; each a few lines that call the rest."""

import signal

import click

from golive.cli import checklist, replicas, running
from golive.cli.common import COULD_NOT_RUN
from golive.cli.interrupt import Interrupted, interruptible
from golive.release import verbs
from golive.replica import control
from golive.scratch import scratch


class _Verbs(click.Group):
    """Says what went wrong in one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            with interruptible(), scratch():
                return super().invoke(ctx)
        except control.ReplicaError as error:
            click.echo(f"golive: {error}", err=True)
            ctx.exit(COULD_NOT_RUN)
        except Interrupted as interrupted:
            number = signal.Signals(interrupted.args[0])
            click.echo(f"golive: {number.name}: what this command began is stopped", err=True)
            ctx.exit(128 + number)  # as a shell says it


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="golive")
def main() -> None:
    """The go-live gate of Dashboard-Velo.

    golive measures a deployment, or a replica of it made of the real servers on this
    machine, against the production checklist, and answers GO, NO-GO or INCOMPLETE.

    \b
    golive gate          start a replica, judge it, stop it
    golive up            start a replica and keep it, to look at or to gate again
    golive down          stop it
    golive load PROFILE  put it under load, and judge what people would see
    golive prove         break one thing after the other: each check must turn red
    golive watch         watch a deployment in the hours after a release
    """


for _verb in (
    *(replicas.up, replicas.down, replicas.status, replicas.images),
    *(checklist.gate, checklist.smoke, checklist.prove, checklist.report),
    *(checklist.statements, checklist.steps),
    *(running.watch, running.load),
    *(verbs.release, verbs.sign, verbs.waive, verbs.dossier),
):
    main.add_command(_verb)
