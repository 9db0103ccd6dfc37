"""Error lines of a real file, by a local connection: counted, and when they came."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven
from golive.watch import error_log
from golive.watch.error_log import counts, news

AT = datetime(2025, 4, 5, 12, tzinfo=UTC)
ENDS = tuple(AT + timedelta(minutes=n) for n in (1, 2, 3))
TRACE = "Error: broken\n    at one (/a.js:1:2)\n    at two (/b.js:3:4)\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    host = Machine("app-1", Host(connection="local://", root=tmp_path))
    file(host).parent.mkdir(parents=True)
    file(host).write_text("")
    return host


def file(machine: Machine) -> Path:
    return Path(machine.path(error_log.PATH))


def write(machine: Machine, text: str | bytes) -> None:
    with file(machine).open("ab") as log:
        log.write(text if isinstance(text, bytes) else text.encode())


def json_line(seconds: float) -> str:
    at = (AT + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return f'{{"time":"{at}","level":"error","msg":"déjà"}}\n'


def counted(machine: Machine, text: str | bytes) -> tuple[int | None, ...]:
    """The lines until each of ENDS, of what came after the log was read at AT."""
    known = news(machine, None, AT).position
    write(machine, text)
    return counts([news(machine, known, AT)], AT, ENDS)


@pytest.mark.parametrize(
    "dated",
    [
        json_line(70),
        '{"time":1743854470000,"level":50,"msg":"of pino"}\n',
        "2025-04-05 14:01:10 +0200: Error: as PM2 dates it\n",
        "2025-04-05T12:01:10.123+00:00: Error: with milliseconds\n",
    ],
)
def test_a_line_counts_when_it_was_written(machine: Machine, dated: str):
    assert counted(machine, dated) == (0, 1, 0)


@pytest.mark.parametrize(
    "undated",
    [
        "plain\n",
        '{"time":"2025-04-05T12:00:10","msg":"of no zone"}\n',
        '{"time":"yesterday"}\n',
        '{"time":"2025-02-30T12:00:00Z"}\n',
        '{"time":99999999999999999999999}\n',
        "2025-04-05 25:61:00 +0000: never\n",
        b"\xff\xfe\x00 no text\n",
    ],
)
def test_a_line_without_a_date_counts_all_the_same(machine: Machine, undated: str | bytes):
    assert counted(machine, undated) == (0, 0, 1)


def test_a_stack_trace_has_the_time_of_the_line_before(machine: Machine):
    assert counted(machine, f"{json_line(10)}{TRACE}{json_line(130)}") == (4, 0, 1)


def test_lines_of_other_clocks_count(machine: Machine):
    assert counted(machine, json_line(-3600) + json_line(3600)) == (1, 0, 1)


def test_what_was_there_before_does_not_count(machine: Machine):
    write(machine, f"{TRACE}{json_line(10)}")
    assert counted(machine, "") == (0, 0, 0)


def test_a_line_that_is_being_written_counts_once(machine: Machine):
    first = news(machine, None, AT)
    write(machine, "one\nha")
    second = news(machine, first.position, AT)
    write(machine, "lf\n")
    third = news(machine, second.position, AT)
    assert (len(second.lines), len(third.lines)) == (1, 1)


@pytest.mark.parametrize("how", ["renamed", "emptied"])
def test_a_log_that_was_rotated_is_read_from_its_start(machine: Machine, how: str):
    write(machine, json_line(-60) * (1 if how == "renamed" else 10))
    known = news(machine, None, AT).position
    if how == "renamed":  # and the new one is longer by now
        file(machine).rename(file(machine).with_suffix(".1"))
        write(machine, TRACE * 2)
    else:
        os.truncate(file(machine), 0)
        write(machine, TRACE)
    lines = 6 if how == "renamed" else 3
    assert counts([news(machine, known, AT)], AT, ENDS) == (0, 0, lines)


def test_a_flood_is_no_blank(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(error_log, "_LAST_BYTES", 10_000)
    lines = "".join(json_line(seconds) for seconds in range(0, 180, 1) for _ in range(3))
    flood = counted(machine, lines)
    assert flood[0] is None
    assert flood[2] is not None
    assert flood[2] > 100


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (json_line(-60) + json_line(130), (0, 0, 1)),
        (json_line(70), (None, 1, 0)),  # it may have been rotated at that moment
        (TRACE, (None, None, None)),
        (json_line(-60) + TRACE + json_line(3600), (0, 0, 0)),
    ],
)
def test_of_a_log_that_was_never_read_what_has_a_date_counts(
    machine: Machine, text: str, seen: tuple[int | None, ...]
):
    write(machine, text)
    assert counts([news(machine, None, AT)], AT, ENDS) == seen


@pytest.mark.parametrize(("changed", "seen"), [(-60, (0, 0, 0)), (70, (None, None, 0))])
def test_an_empty_log_has_no_lines_since_it_was_emptied(
    machine: Machine, changed: float, seen: tuple[int | None, ...]
):
    at = (AT + timedelta(seconds=changed)).timestamp()
    os.utime(file(machine), (at, at))
    assert counts([news(machine, None, AT)], AT, ENDS) == seen


def test_a_log_that_cannot_be_read_is_unproven(machine: Machine):
    file(machine).unlink()
    with pytest.raises(Unproven, match="No such file"):
        news(machine, None, AT)
    file(machine).mkdir()
    with pytest.raises(Unproven, match="Is a directory"):
        news(machine, None, AT)
