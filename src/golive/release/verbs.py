"""The verbs of a release: golive release, sign, waive and dossier."""

import sys
from pathlib import Path

import click

CONTACTS = Path("environments/contacts.yaml")
COULD_NOT_RUN = 2


@click.command()
@click.argument("tag")
def release(tag: str) -> None:
    """Begin the record of a release: releases/TAG.yaml, for a tag that git has.

    \b
    Exit status: 0 written, 2 there is no such tag, or a record already.
    """
    from golive.located_yaml import FileError  # here: only this verb needs it
    from golive.release import scaffold

    try:
        path = scaffold.create(tag)
    except FileError as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    click.echo(
        f"{path} is begun. Next: put the test reports beside it, have it signed (golive sign), "
        f"and judge it:\n  golive gate --release {path}"
    )


_record = click.option(
    "--release",
    "record",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The release record; the signed statement is written into it.",
)
_key = click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="Your SSH key; a public one where an agent has its other half.",
)
_contacts = click.option(
    "--contacts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=CONTACTS,
    show_default=True,
    help="Who answers for what, and whose signature counts.",
)
_role = click.option("--role", help="For whom, where your key may sign for several roles.")


@click.command()
@_record
@_key
@_contacts
@_role
@click.option("--evidence", metavar="URL", help="Where it can be read. Asked for if not given.")
@click.option("--note", default="", help="What else is to be said.")
@click.option("--not-needed", is_flag=True, help="It is not needed; the note says why.")
@click.argument("item")
def sign(
    item: str,
    record: Path,
    key: Path,
    contacts: Path,
    role: str | None,
    evidence: str | None,
    note: str,
    not_needed: bool,
) -> None:
    """Sign an item of the checklist (08), or a statement (DEP-07), off for a release.

    \b
    Exit status: 0 signed and written, 2 not (the record is as it was).
    """
    from golive.release.desk import ERRORS, Desk  # here: only this verb needs it
    from golive.release.record import SignOff

    try:
        desk = Desk.open(record, contacts, key)
        name = _role_of(desk.roles, role)
        click.echo(f"{item} of {desk.release.record.tag}, as {name}: {desk.title(item)}")
        link = evidence or click.prompt("Evidence, a link")
        why = note or (click.prompt("Why is it not needed") if not_needed else "")
        desk.sign(
            "sign_offs",
            SignOff,
            name,
            item=item,
            applicable=False if not_needed else None,
            evidence=link,
            note=why,
        )
    except ERRORS as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    click.echo(f"Signed, and written into {record}.")


@click.command()
@_record
@_key
@_contacts
@_role
@click.option("--reason", help="Why the risk can be borne. Asked for if not given.")
@click.option("--expires", metavar="DATE", help="The last day on which it counts (2026-12-31).")
@click.option("--environment", metavar="NAME", help="Only there [default: everywhere].")
@click.argument("what", metavar="STATEMENT|SCENARIO")
def waive(
    what: str,
    record: Path,
    key: Path,
    contacts: Path,
    role: str | None,
    reason: str | None,
    expires: str | None,
    environment: str | None,
) -> None:
    """Accept that a statement, or a scenario by its id, fails in a release, for a time.

    It stays red in every report, and no longer counts for the verdict. What is tagged
    @unwaivable cannot be waived.

    \b
    Exit status: 0 signed and written, 2 not (the record is as it was).
    """
    from golive.release.desk import ERRORS, Desk  # here: only this verb needs it
    from golive.release.record import Waiver

    try:
        desk = Desk.open(record, contacts, key)
        name = _role_of(desk.roles, role)
        known = what in desk.features.statements
        click.echo(f"{what} in {desk.release.record.tag}, as {name}: {desk.title(what)}")
        desk.sign(
            "waivers",
            Waiver,
            name,
            statement=what if known else None,
            scenario=None if known else what,
            environment=environment,
            reason=reason or click.prompt("Why can the risk be borne"),
            expires=expires or click.prompt("The last day on which it counts (2026-12-31)"),
        )
    except ERRORS as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    click.echo(f"Signed, and written into {record}.")


def _role_of(roles: tuple[str, ...], asked: str | None) -> str:
    """The role to sign for, of those that a key may sign for."""
    if asked is None and len(roles) == 1:
        return roles[0]
    if asked not in roles:
        raise click.BadParameter(f"this key may sign for: {', '.join(roles)}", param_hint="--role")
    return asked


@click.command()
@click.argument(
    "reports",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="REPORT-DIR...",
)
@_contacts
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Where dossier.json, dossier.html and dossier.md go.",
)
@click.option(
    "--days", type=click.IntRange(1), default=7, show_default=True, help="How old a report may be."
)
@click.option(
    "--sign-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Sign dossier.json with this SSH key.",
)
def dossier(
    reports: tuple[Path, ...], contacts: Path, report_dir: Path, days: int, sign_key: Path | None
) -> None:
    """Join the reports of a release, from replica, staging and production, into its one verdict.

    Nothing may be left due. Each report must be signed (golive gate --sign-key) by somebody
    who is allowed to, unaltered, recent, and of the same tag and commit.

    \b
    Exit status: 0 GO, 1 NO-GO, 3 INCOMPLETE, 2 the reports cannot be joined.
    """
    from datetime import timedelta  # here: only this verb needs it

    from rich.console import Console

    from golive import dossier
    from golive.located_yaml import FileError
    from golive.release import contacts as people
    from golive.release.signature import SignatureError, sign_file
    from golive.report import files, json
    from golive.report.history import History

    try:
        signers = people.load(contacts).allowed_signers
        joined = dossier.join(dossier.read(reports, signers, timedelta(days=days)))
        path = json.write(joined, report_dir, dossier.NAME)
        if sign_key is not None:
            sign_file(path, sign_key)
    except (dossier.DossierError, FileError, SignatureError) as error:
        click.echo(f"golive: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    names = {"html": "dossier.html", "markdown": "dossier.md"}
    written = files.write(joined, report_dir, names, past=History(), names=names)
    console = Console(highlight=False)
    files.show(joined, History(), console, (path, *written.files), written.problems)
    sys.exit(joined.verdict.exit_status)
