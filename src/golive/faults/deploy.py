"""Wrong scripts of deployment on the first application server; a drill takes them from there."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited
from golive.faults.nginx_reload import nginx_edited

_HOST = "app-1"
DIRECTORY = "/opt/dashboard-velo-deploy"
_RELEASE = "platform/deploy/release.feature::"
_FAILURE = "platform/deploy/failure.feature::It fails: <what is wrong>"
_VERIFIED = "platform/deploy/verification.feature::It finds that <what is wrong>"


def script(replica: Target, name: str, *edits: tuple[str, str]) -> AbstractContextManager[None]:
    """With edits of one of the scripts; nothing needs to read it anew."""
    return edited(replica, _HOST, f"{DIRECTORY}/{name}", *edits)


def _deploy(replica: Target, *edits: tuple[str, str]) -> AbstractContextManager[None]:
    return script(replica, "deploy.sh", *edits)


@fault(_RELEASE + "The first release, where nothing was deployed before")
@contextmanager
def first_refused(replica: Target) -> Iterator[None]:
    """DEP-20: the script says that it failed where it had no release to replace."""
    done = 'rm -f "$BACKUP_DIR/failed'
    with _deploy(replica, (done, f'[ -n "$LIVE" ] || exit 3\n{done}')):
        yield


@fault(
    _RELEASE + "The tag that is asked for is what is deployed",
)
@contextmanager
def another_tag(replica: Target) -> Iterator[None]:
    """DEP-18: v1.0.0 is deployed for v1.1.0 (finding 38: the tag is written in the script)."""
    with _deploy(replica, ('"tags/$TAG"', '"tags/${TAG/v1.1.0/v1.0.0}"')):
        yield


@fault(_RELEASE + "What was deployed before is archived first, for its owner alone")
@contextmanager
def readable_by_all(replica: Target) -> Iterator[None]:
    """DEP-17: no umask, so that anybody reads the secrets in an archive (finding 40)."""
    with script(replica, "common.sh", ("umask 077 ", "umask 022 ")):
        yield


@fault(_RELEASE + "What was deployed before is archived first, for its owner alone")
@contextmanager
def incomplete_archive(replica: Target) -> Iterator[None]:
    """DEP-17: the archive is without the dotfiles, the file of variables among them."""
    with _deploy(replica, ('-C "$DEPLOY_DIR/" .', '-C "$DEPLOY_DIR/" --exclude="./.*" .')):
        yield


@fault(_RELEASE + "The database is saved before production is touched")
@contextmanager
def saved_late(replica: Target) -> Iterator[None]:
    """DEP-08: the snapshot is made when the new release has started, and changed the data."""
    start = 'start "$NEXT" "$NEW"\n'
    with _deploy(replica, ("\n$SNAPSHOT\n", "\n:\n"), (start, f"{start}$SNAPSHOT\n")):
        yield


@fault(_RELEASE + "What a checkout has of its own stays behind")
@contextmanager
def everything_copied(replica: Target) -> Iterator[None]:
    """DEP-20: every .env* of the checkout is deployed, staging's secrets with it."""
    with _deploy(replica, (" --exclude='.env*'", "")):
        yield


@fault(_RELEASE + "What a checkout has of its own stays behind")
@contextmanager
def build_tools_shipped(replica: Target) -> Iterator[None]:
    """DEP-20: what only a build needs is not pruned before the release is shipped."""
    with _deploy(replica, ("npm prune --omit=dev --no-save", "true")):
        yield


@fault(_RELEASE + "What users have uploaded outlives a deployment")
@contextmanager
def uploads_in_the_release(replica: Target) -> Iterator[None]:
    """DEP-20: each release has a directory of uploads of its own (finding 39)."""
    link = 'ln -s "$SHARED_DIR/uploads" "$NEW/uploads"'
    with _deploy(replica, (link, 'mkdir "$NEW/uploads"')):
        yield


@fault(_RELEASE + "The environment's own file of variables is installed")
@contextmanager
def variables_of_staging(replica: Target) -> Iterator[None]:
    """DEP-21: staging's file is installed in production."""
    with _deploy(replica, ('cp ".env.$DEPLOY_ENV"', "cp .env.staging")):
        yield


@fault(
    _RELEASE + "No request is lost",
    _RELEASE + "To switch back takes one order, and to switch forth again",
    _RELEASE + "One server more gets its share, and leaves the others alone",
)
@contextmanager
def stopped_first(replica: Target) -> Iterator[None]:
    """DEP-09: the release that is live is stopped before the switch, so that requests are lost,
    and there is none to switch back to, nor to add.
    """
    stop = 'if [ -n "$LIVE" ]; then slot_pm2 "$LIVE" delete all; fi\n'
    with _deploy(replica, ('step "Bascule"\n', f'step "Bascule"\n{stop}')):
        yield


@fault(_RELEASE + "To switch back takes one order, and to switch forth again")
@contextmanager
def switched_to_itself(replica: Target) -> Iterator[None]:
    """DEP-09: switch.sh switches to the release that is live already."""
    order = 'switch_to "$NEXT"'
    with script(replica, "switch.sh", (order, 'switch_to "$LIVE"')):
        yield


@fault(_RELEASE + "One server more gets its share, and leaves the others alone")
@contextmanager
def clients_stick(replica: Target) -> Iterator[None]:
    """ARC-04: nginx chooses the server by the client's address, whoever else is there."""
    file = replica.path("edge", "/etc/nginx/upstream.conf")
    include = f"include {file};"
    with nginx_edited(replica, (include, f"hash $remote_addr;\n{include}")):
        yield


@fault(
    f"{_FAILURE}[another environment]",
    f"{_FAILURE}[no environment]",
    f"{_FAILURE}[no tag]",
)
@contextmanager
def usage_is_no_error(replica: Target) -> Iterator[None]:
    """DEP-16: after its usage the script ends with status 0, so that CI takes it for done."""
    with _deploy(replica, ('TAG"\n  exit 1', 'TAG"\n  exit 0')):
        yield


@fault("platform/deploy/failure.feature::It says how it is used")
@contextmanager
def usage_not_told(replica: Target) -> Iterator[None]:
    """DEP-16: a wrong environment is refused without a word."""
    with _deploy(replica, ('echo "Usage: $0 [staging|production] TAG"', ":")):
        yield


@fault(f"{_FAILURE}[staging, on a server of production]")
@contextmanager
def any_environment(replica: Target) -> Iterator[None]:
    """DEP-16: a server takes whichever environment it is told (finding 39)."""
    check = '[ -n "$LIVE" ] && [ "$(release "$DEPLOY_DIR" environment)" != "$DEPLOY_ENV" ]'
    with _deploy(replica, (check, "false")):
        yield


@fault(f"{_FAILURE}[a tag that was moved]")
@contextmanager
def moved_tags_fetched(replica: Target) -> Iterator[None]:
    """DEP-18: a tag that was moved is deployed, though nobody has tested that commit."""
    with _deploy(replica, ("--all --tags", "--all --tags --force")):
        yield


@fault(
    f"{_FAILURE}[a tag that was moved]",
    f"{_FAILURE}[fetch]",
    f"{_FAILURE}[checkout]",
    f"{_FAILURE}[npm ci]",
    f"{_FAILURE}[build]",
    f"{_FAILURE}[copy]",
    f"{_FAILURE}[no snapshot]",
)
@contextmanager
def goes_on(replica: Target) -> Iterator[None]:
    """DEP-19: without `set -e` the script goes on after whatever fails (finding 36)."""
    with script(replica, "common.sh", ("set -Eeuo pipefail", "set -uo pipefail")):
        yield


@fault(f"{_FAILURE}[a checkout changed by hand]")
@contextmanager
def any_checkout(replica: Target) -> Iterator[None]:
    """DEP-19: what somebody has changed in the checkout is deployed with the tag."""
    with _deploy(replica, ('[ -z "$(git status --porcelain)" ]', "true")):
        yield


@fault(f"{_FAILURE}[no environment file]")
@contextmanager
def old_variables(replica: Target) -> Iterator[None]:
    """DEP-21: where there is no file of variables, the one of before is taken."""
    install = 'cp ".env.$DEPLOY_ENV" "$NEW/.env"'
    with _deploy(
        replica,
        ('[ -r ".env.$DEPLOY_ENV" ]', "true"),
        (install, f'{install} || cp "$DEPLOY_DIR/.env" "$NEW/.env"'),
    ):
        yield


@fault(f"{_FAILURE}[reload]", f"{_FAILURE}[it crashes]", f"{_FAILURE}[it is unwell]")
@contextmanager
def in_place(replica: Target) -> Iterator[None]:
    """DEP-22: a release takes the place of the live one before anybody knows whether it starts
    (finding 41), so that whatever keeps it from starting is an outage.
    """
    with _deploy(replica, ('NEXT=$(other "${LIVE:-green}")', "NEXT=${LIVE:-blue}")):
        yield


_ASK_NGINX = """\
  for colour in blue green; do
    if [ -e "$(slot "$colour")/RELEASE" ] && $ON_EDGE grep -qF "$(address "$colour"):" "$UPSTREAM"
    then echo "$colour"; fi
  done
  return
"""


@fault(f"{_FAILURE}[nginx is out of reach]")
@contextmanager
def nothing_is_live(replica: Target) -> Iterator[None]:
    """DEP-19: where nginx cannot be asked which slot is live, none is, so that the first is taken
    for the new release: the live one is cleared.
    """
    live = '  if [ ! -L "$DEPLOY_DIR" ]; then\n'
    asked = "  live=$(live)\n  check_upstream\n"
    with script(replica, "common.sh", (live, _ASK_NGINX + live), (asked, "  live=$(live)\n")):
        yield


_TOGETHER = "platform/deploy/failure.feature::Of several at once, the first goes on"


@fault(_TOGETHER)
@contextmanager
def no_lock(replica: Target) -> Iterator[None]:
    """DEP-19: nothing keeps two deployments apart (finding 41)."""
    with script(replica, "common.sh", ("flock --nonblock 9 ||", "true ||")):
        yield


@fault(_TOGETHER)
@contextmanager
def lock_for_deployments(replica: Target) -> Iterator[None]:
    """DEP-19: a rollback does not wait for a deployment to end."""
    with script(
        replica, "rollback.sh", ("\nalone\n", '\nLOCK_FILE="$LOCK_FILE.rollback"\nalone\n')
    ):
        yield


_BACK = "platform/deploy/verification.feature::A release that does not pass is switched back"
_NOT_FORTH = "platform/deploy/verification.feature::Nor is it switched forth again"


@fault(_BACK, _NOT_FORTH)
@contextmanager
def left_as_it_is(replica: Target) -> Iterator[None]:
    """DEP-11: a release that fails its smoke tests stays live, so that switch.sh leaves it."""
    with _deploy(replica, ('\n  switch_to "$LIVE"\n', "\n")):
        yield


@fault(_NOT_FORTH)
@contextmanager
def failure_not_noted(replica: Target) -> Iterator[None]:
    """DEP-09: nobody notes that a release has failed: one order, and it is live again."""
    with _deploy(replica, ('  touch "$BACKUP_DIR/failed-', '  : "$BACKUP_DIR/failed-')):
        yield


@fault(_BACK, _NOT_FORTH)
@contextmanager
def another_server_smoked(replica: Target) -> Iterator[None]:
    """DEP-11: only the site is asked, where another server answers with another release; so the
    new one stays live though it lacks a page.
    """
    with script(replica, "verify.sh", ('  smoke "$ITSELF$path"', "  :")):
        yield


@fault(f"{_VERIFIED}[the site does not answer]")
@contextmanager
def site_not_smoked(replica: Target) -> Iterator[None]:
    """DEP-11: only the release itself is asked, and not through nginx, as users do."""
    with script(replica, "verify.sh", ('  smoke "${CURL[@]}" "$SITE$path"\n', "")):
        yield


@fault(f"{_VERIFIED}[15 requests end with status 500]")
@contextmanager
def errors_ignored(replica: Target) -> Iterator[None]:
    """DEP-10: whatever share of the requests ends with an error is good enough."""
    with script(replica, "verify.sh", ("failed * 100 <= asked", "failed >= 0")):
        yield


@fault(
    f"{_VERIFIED}[a page is not found]",
    f"{_VERIFIED}[the site does not answer]",
    _BACK,
    _NOT_FORTH,
)
@contextmanager
def any_status(replica: Target) -> Iterator[None]:
    """DEP-11: a smoke test takes any status for an answer, so a release that lacks a page stays."""
    with script(replica, "verify.sh", ('[ "$code" = 200 ]', '[ -n "$code" ]')):
        yield


@fault(f"{_VERIFIED}[an error is logged]")
@contextmanager
def logs_unread(replica: Target) -> Iterator[None]:
    """DEP-13: what is written to the error log is shown, and does not count."""
    with script(replica, "verify.sh", ('report KO "logs: $errors', 'report OK "logs: $errors')):
        yield


@fault(f"{_VERIFIED}[15 requests take 700 ms]")
@contextmanager
def slowness_ignored(replica: Target) -> Iterator[None]:
    """DEP-14: whatever share of the answers is slow is good enough."""
    with script(replica, "verify.sh", ("slow * 20 <= asked", "slow >= 0")):
        yield


@fault(
    *(
        f"{_VERIFIED}[{each}]"
        for each in (
            "15 requests end with status 500",
            "a page is not found",
            "the site does not answer",
            "an error is logged",
            "15 requests take 700 ms",
        )
    )
)
@contextmanager
def never_content(replica: Target) -> Iterator[None]:
    """DEP-10, 11, 13, 14: verify.sh fails whatever it finds, so that it tells nothing."""
    with script(replica, "verify.sh", ("\nexit $STATUS\n", "\nexit 1\n")):
        yield
