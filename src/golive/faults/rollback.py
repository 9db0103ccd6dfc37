"""Wrong scripts of rollback on the first application server; a drill takes them from there."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from golive.faults.deploy import script
from golive.faults.fault import Target, fault

_ROLLBACK = "07_rollback_plan/rollback.feature::"
_MONGO = """\
. "$DEPLOY_DIR/.env"
NODE_PATH=$(dirname "$DEPLOY_DIR")/node_modules node -e "
  const { MongoClient } = require('mongodb');
  const client = new MongoClient('$MONGO_URI');
  client.db().%s.then(() => client.close());"
"""


def _rollback(replica: Target, *edits: tuple[str, str]) -> AbstractContextManager[None]:
    return script(replica, "rollback.sh", *edits)


_ANOTHER = (
    _ROLLBACK + "It takes the newest good backup",
    _ROLLBACK + "It gives back exactly the earlier files",
    _ROLLBACK + "The earlier version serves again within a minute, and no request is lost",
    _ROLLBACK + "A second rollback goes further back, not forward to what was left",
)


@fault(*_ANOTHER)
@contextmanager
def newest_whatever_it_is(replica: Target) -> Iterator[None]:
    """RBK-03: the newest archive is taken, though it is damaged; so nothing comes back at all, and
    the second rollback is what the first should have been.
    """
    check = '(cd "$BACKUP_DIR" && sha256sum --check --status "$archive.sha256")'
    with script(replica, "common.sh", (check, "true")):
        yield


@fault(*_ANOTHER)
@contextmanager
def oldest_first(replica: Target) -> Iterator[None]:
    """RBK-03: the oldest good archive is taken; only the one after it is left to go back to."""
    with script(replica, "common.sh", ("'%f\\n' | sort -r; }", "'%f\\n' | sort; }")):
        yield


@fault(*_ANOTHER)
@contextmanager
def by_the_files_time(replica: Target) -> Iterator[None]:
    """RBK-03: the newest is that of the file, though it may have been copied since (finding 44);
    only the one before it is left to go back to.
    """
    named = "-printf '%f\\n' | sort -r; }"
    timed = "-printf '%T@ %f\\n' | sort -rn | cut -d' ' -f2; }"
    with script(replica, "common.sh", (named, timed)):
        yield


@fault(_ROLLBACK + "It gives back exactly the earlier files")
@contextmanager
def dotfiles_left(replica: Target) -> Iterator[None]:
    """RBK-05: the dotfiles of the release that failed stay (finding 44)."""
    unpack = 'tar -xzf "$BACKUP_DIR/$LATEST_BACKUP" -C "$NEW"\n'
    stay = 'cp -a "$DEPLOY_DIR"/.[!.]* "$NEW/"\n'
    with _rollback(replica, (unpack, unpack + stay)):
        yield


@fault(
    _ROLLBACK + "It takes the newest good backup",
    _ROLLBACK + "The earlier version serves again within a minute, and no request is lost",
    _ROLLBACK + "A second rollback goes further back, not forward to what was left",
)
@contextmanager
def stopped_first(replica: Target) -> Iterator[None]:
    """RBK-06: the release that runs is stopped before the earlier one is started, each time.

    Then verify.sh counts what nobody answered, and the script says that it failed.
    """
    start = 'start "$NEXT" "$NEW"\n'
    with _rollback(replica, (start, f'slot_pm2 "$LIVE" delete all\n{start}')):
        yield


@fault(_ROLLBACK + "The earlier version reads what the newer one has stored")
@contextmanager
def data_put_back(replica: Target) -> Iterator[None]:
    """RBK-06: the database, too, is what it was; what was stored since is lost."""
    start = 'start "$NEXT" "$NEW"\n'
    with _rollback(replica, (start, _MONGO % "dropDatabase()" + start)):
        yield


@fault(_ROLLBACK + "The earlier version reads what the newer one has stored")
@contextmanager
def data_made_to_fit(replica: Target) -> Iterator[None]:
    """RBK-06: fields are taken from the documents that the newer version has stored, more of them
    than the earlier one does not know.
    """
    start = 'start "$NEXT" "$NEW"\n'
    less = "collection('activities').updateMany({}, { \\$unset: { device: 1, elevationM: 1 } })"
    with _rollback(replica, (start, _MONGO % less + start)):
        yield


@fault(_ROLLBACK + "A second rollback goes further back, not forward to what was left")
@contextmanager
def forth_again(replica: Target) -> Iterator[None]:
    """RBK-03: nobody notes what was rolled back from, so a second rollback restores it
    (finding 42).
    """
    with _rollback(replica, ('touch "$BACKUP_DIR/failed-$FAILED"', ":")):
        yield


@fault(_ROLLBACK + "Without a backup", _ROLLBACK + "With backups that are all damaged")
@contextmanager
def nothing_is_no_error(replica: Target) -> Iterator[None]:
    """RBK-04: a rollback to nothing ends with status 0."""
    with _rollback(replica, ('trouvé!"\n  exit 1', 'trouvé!"\n  exit 0')):
        yield


@fault(
    _ROLLBACK + "Without a backup",
    _ROLLBACK + "With backups that are all damaged",
    _ROLLBACK + "On a full disk",
)
@contextmanager
def removed_first(replica: Target) -> Iterator[None]:
    """RBK-07: the release that runs is removed before there is another (finding 43)."""
    with _rollback(replica, ("\nNEXT=", '\nrm -f "$DEPLOY_DIR/server.js"\nNEXT=')):
        yield


@fault(_ROLLBACK + "On a full disk")
@contextmanager
def full_disk_is_no_error(replica: Target) -> Iterator[None]:
    """RBK-07: what cannot be unpacked is left, and the script ends with status 0."""
    unpack = 'tar -xzf "$BACKUP_DIR/$LATEST_BACKUP" -C "$NEW"\n'
    with _rollback(replica, (unpack, unpack.replace("\n", " || exit 0\n"))):
        yield
