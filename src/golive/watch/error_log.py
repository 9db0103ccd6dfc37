"""What is new in a server's error log, and when each line of it was written."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.watch.record import Position

PATH = "/var/log/dashboard-velo/error.log"
_LAST_BYTES = 2**22  # of what is new: what is older than that is not seen
# The application's own ("time", in ISO 8601 or ms since 1970), or PM2's before each write.
_OWN = re.compile(r'"time"\s*:\s*(?:"([^"]+)"|(\d+(?:\.\d+)?))')
_PM2 = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)\s*(Z|[+-]\d\d:?\d\d)")
_STAT = 3  # inode, bytes, when changed


@dataclass(frozen=True)
class News:
    """What a log holds beyond a position: when each line came, in order.

    A line without a date of its own, as of a stack trace, has that of the line before; None where
    there is none. `since` is from when on these are all lines that came, None where that is not
    known; `new` says that none of them was there when the log was read before; `position` is where
    the next reading begins.
    """

    lines: tuple[datetime | None, ...]
    since: datetime | None
    new: bool
    position: Position


def news(machine: Machine, known: Position | None, known_at: datetime) -> News:
    """What came into a log after it was read up to `known`, at `known_at`; all of it for None.

    A file that is another one, or shorter, is read from its start. Raises Unproven, NotRun.
    """
    path = machine.path(PATH)
    said = machine.run("stat -L -c '%%i %%s %%Y' -- %s", path).split()
    if len(said) != _STAT or not all(each.isdecimal() for each in said):
        raise Unproven(f"{machine.name}: stat says {said} of {path}", Whose.TOOL)
    inode, size, changed = map(int, said)
    same = known is not None and known.inode == inode and known.end <= size
    first = known.end if known is not None and same else 0
    start = max(first, size - _LAST_BYTES)
    text = b""
    if size > start:
        # One command: of a pipeline, it would not be told that reading failed.
        text = machine.run_bytes(
            "dd if=%s bs=64K iflag=skip_bytes,count_bytes skip=%s count=%s status=none",
            *(path, str(start), str(size - start)),
        )
    whole = text[: text.rfind(b"\n") + 1]  # the last line may be being written just now
    end = start + len(whole)
    if start > first:
        whole = whole.partition(b"\n")[2]  # it may be the end of one
    lines = tuple(_times(whole.decode(errors="replace").split("\n")[:-1]))
    dated = next((at for at in lines if at is not None), None)
    if known is not None and start == first:
        since: datetime | None = known_at
    elif not size:
        since = datetime.fromtimestamp(changed, UTC)  # it was made then, or emptied
    else:
        since = dated
    position = Position(server=machine.name, inode=inode, end=end)
    return News(lines, since, known is not None, position)


def counts(
    news: Sequence[News], begin: datetime, ends: Sequence[datetime]
) -> tuple[int | None, ...]:
    """How many lines came into the logs until each of `ends`, since the one before (or `begin`).

    None where the logs are not known so far back and hold none of that time; the least that it can
    be where they hold some. Of what is new each line counts: one without a date, or of a clock
    that is ahead, as of the end, and one of a clock that is behind as of the beginning.
    """
    found = [0] * len(ends)
    for each in news:
        for at in each.lines:
            if each.new:
                found[-1 if at is None else min(bisect_left(ends, at), len(ends) - 1)] += 1
            elif at is not None and begin < at <= ends[-1]:
                found[bisect_left(ends, at)] += 1
    return tuple(
        count if count or all(each.since and each.since <= start for each in news) else None
        for count, start in zip(found, (begin, *ends), strict=False)
    )


def _times(lines: Iterable[str]) -> Iterator[datetime | None]:
    last = None
    for line in lines:
        last = _time(line) or last
        yield last


def _time(line: str) -> datetime | None:
    """When a line says that it was written; None if it does not, or does not say in which zone."""
    own, pm2 = _OWN.search(line), _PM2.match(line)
    try:
        if own and own[2]:
            at = datetime.fromtimestamp(float(own[2]) / 1000, UTC)
        elif own:
            at = datetime.fromisoformat(own[1])
        elif pm2:
            at = datetime.fromisoformat(f"{pm2[1]}T{pm2[2]}{pm2[3]}")
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else None
