"""Make the edge's nginx read its files anew, and wait until nothing serves the old ones."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from golive.faults.fault import FaultError, Target
from golive.faults.files import edited
from golive.replica.reload import ReloadError, reload

NGINX_CONF = "/etc/nginx/nginx.conf"


@contextmanager
def nginx_edited(
    replica: Target, *edits: tuple[str, str], file: str = NGINX_CONF
) -> Iterator[None]:
    """With (before, after) edits in a file of the edge served; afterwards the file as it was.

    The key of a limit_req_zone cannot be changed so: nginx refuses another key for a zone that
    it has. Change the map that makes the key.
    """
    with nginx_serving(replica, edited(replica, "edge", file, *edits)):
        yield


@contextmanager
def nginx_serving(replica: Target, *changes: AbstractContextManager[None]) -> Iterator[None]:
    """With `changes` made and served; afterwards they are undone, and that is served."""
    try:
        with ExitStack() as made:
            for change in changes:
                made.enter_context(change)
            reload_nginx(replica)
            yield
    finally:
        reload_nginx(replica)


def reload_nginx(replica: Target) -> None:
    """Return when all requests are answered by workers that have read the files as they are.

    Raises FaultError with nginx's own words where it refuses them.
    """
    try:
        reload(
            replica.root("edge"),
            replica.pid("edge"),
            Path(replica.inside("edge", "/")),
            replica.command("edge"),
        )
    except ReloadError as error:
        raise FaultError(str(error)) from error
