"""The checklist: golive gate, smoke, prove, report, statements, steps."""

import signal
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from golive.cli.common import COULD_NOT_RUN, REPORT_DIR, environment_option, say, stack_option
from golive.cli.interrupt import Interrupted

CHECKLIST = Path("tests/checklist")


@click.command(context_settings={"ignore_unknown_options": True})
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


@click.command(context_settings={"ignore_unknown_options": True})
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
        except Interrupted:
            run.send_signal(signal.SIGINT)
            run.wait()
    try:
        # A run that did not begin has removed the report of the last one.
        verdict = read(Path(str(options["report_dir"] or REPORT_DIR))).verdict
    except ReportFileError:
        return COULD_NOT_RUN
    return verdict.exit_status


@click.command()
@environment_option
@stack_option
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
        proof = prove.main(names, environment, stack, subnet, report_dir, say, thorough, verbose)
    except prove.ERRORS as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    sys.exit(0 if proof.complete else 1)


@click.command()
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


@click.command()
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


@click.command()
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
