"""What is done to a deployment that runs: golive watch, load."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from golive.cli.common import COULD_NOT_RUN, REPORT_DIR, say


@click.command()
@click.option("--environment", "name", metavar="NAME|FILE", required=True, help="What to watch.")
@click.option("--replica", type=int, metavar="N", help="The running replica N is that environment.")
@click.option(
    "--release",
    metavar="TAG|FILE",
    help="What is watched: a tag, or a release's record  [default: the tag at HEAD]",
)
@click.option(
    "--since", metavar="TIME", help="When it was released: 2026-01-31T12:00Z, or 10m ago [now]."
)
@click.option("--for", "length", default="24h", show_default=True, help="How long.")
@click.option("--every", default="1m", show_default=True, help="How often to look.")
@click.option(
    "--before",
    default="24h",
    show_default=True,
    help="Time before the release to compare with; 0: none.",
)
@click.option(
    "--times", default=2.0, show_default=True, help="How much higher than before is a breach."
)
@click.option(
    "--restarts", default=0, show_default=True, help="How many restarts of workers are none."
)
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPORT_DIR,
    show_default=True,
    help="Where watch-ENVIRONMENT.json and .html go.",
)
def watch(
    name: str,
    replica: int | None,
    release: str | None,
    since: str | None,
    length: str,
    every: str,
    before: str,
    times: float,
    restarts: int,
    report_dir: Path,
) -> None:
    """Watch a deployment after a release: end early with NO-GO when something is wrong.

    Looks at alerts, the API's requests, error rate and response time, restarts of workers and
    error lines of their logs, by the environment's Prometheus and, where it gives connections, on
    its servers; and compares with the hours before the release. A breach is an alert that did not
    fire before, a worker that was started again, or an error rate, response time, log or traffic
    that is out of its limits in two looks one after the other, or in three of ten.

    It may be interrupted: the same command goes on where it was, until the watch has ended, and
    looks at the time between too. The watch of another release is put aside.

    \b
    Exit status: 0 GO, 1 NO-GO, 3 INCOMPLETE (not all could be seen),
                 2 it could not run (usage, environment, no Prometheus).
    """
    from golive.outcome import NotRun, Unproven  # here: only this verb needs it
    from golive.probes.alert_rules import seconds
    from golive.watch import command
    from golive.watch.record import Limits

    try:
        for_s, every_s, before_s = (seconds(each) for each in (length, every, before))
    except ValueError as error:
        raise click.BadParameter(f"{error}: 24h, 90s, 1h30m") from None
    if not (for_s > 0 and every_s > 0):
        raise click.BadParameter("--for and --every must be more than 0")
    options = command.Options(
        environment=name,
        replica=replica,
        release=release,
        since=None if since is None else _instant(since),
        for_s=for_s,
        every_s=every_s,
        before_s=before_s,
        limits=Limits(times=times, restarts=restarts),
        directory=report_dir,
    )
    try:
        verdict = command.main(options, click.echo)
    except (*command.ERRORS, NotRun, Unproven) as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    sys.exit(command.EXIT_STATUS[verdict])


def _instant(text: str) -> datetime:
    """A time in the past: an instant with its zone, or how long ago."""
    from golive.probes.alert_rules import seconds

    now = datetime.now(UTC)
    try:
        at = now - timedelta(seconds=seconds(text))
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = datetime.max  # has no zone either
    if at.tzinfo is None:
        raise click.BadParameter(f"--since: {text!r} is no time: 2026-01-31T12:00Z, or 10m")
    if at > now:
        raise click.BadParameter(f"--since: {text} has not come yet")
    return at.astimezone(UTC)


@click.command()
@click.argument("profile", required=False, metavar="[PROFILE]")
@click.option("--environment", default="replica", show_default=True, metavar="NAME|FILE")
@click.option("--replica", type=int, metavar="N", help="Load the running replica N.")
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Generators here."
)
@click.option("--workers", type=click.IntRange(1, 1000), help="Generators elsewhere to wait for.")
@click.option("--worker", is_flag=True, help="Be one of them.")
@click.option(
    "--master-host",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    help="Where --workers listens, and --worker goes.",
)
@click.option("--master-port", default=5557, show_default=True, type=click.IntRange(1, 65535))
@click.option("--accept", is_flag=True, help="Later runs are compared with this one.")
@click.option("--yes-load-production", "yes", is_flag=True, help="Needed besides the permit.")
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPORT_DIR,
    show_default=True,
    help="Where load-PROFILE.json and load-PROFILE.html go.",
)
def load(profile: str | None, **options: Any) -> None:  # noqa: ANN401 (as declared above)
    """Put an environment under load, and judge what it shows by the values of item 12.

    PROFILE is one of loadtests/profiles.yaml; without it they are listed. People come from an
    address each. Ctrl-C ends the load within a second, and keeps what was measured.

    \b
    Exit status: 0 all holds, 1 something does not, 3 something is unproven,
                 2 it could not run (not permitted, no such profile, no replica),
                 130 it was interrupted.
    """
    from golive.load import command  # here: only this verb needs it

    try:
        if profile is None:
            command.show_profiles()
            return
        sys.exit(command.main(command.Options(profile, **options), say))
    except command.ERRORS as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
