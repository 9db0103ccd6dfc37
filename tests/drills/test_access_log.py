"""Who answered what, from the lines that nginx appends."""

import json
import time

import pytest

from golive.drills.access_log import AccessLog
from golive.outcome import Unproven

WITHIN_S = 10


def line(upstream):
    return json.dumps({"time": "2026-11-22T14:00:00+00:00", "upstream": upstream}) + "\n"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "access.log"
    file.write_text(line("127.84.1.9:3000"))  # of before
    return file


def write(file, text):
    with file.open("a") as log:
        log.write(text)


def until(holds):
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_last_that_was_tried_has_answered(file):
    with AccessLog(file, time.monotonic) as log:
        write(file, line("127.84.1.1:3000") + line("127.84.1.2:3000, 127.84.1.3:3000"))
        write(file, line("127.84.1.4:3000 : 127.84.1.1:3000") + line("-"))
        until(lambda: log.answered(0, time.monotonic()).total() == 3)
        assert log.answered(0, time.monotonic()) == {"127.84.1.1": 2, "127.84.1.3": 1}


def test_a_line_that_is_being_written_is_awaited(file):
    whole = line("127.84.1.1:3000")
    with AccessLog(file, time.monotonic) as log:
        write(file, line("127.84.1.2:3000") + whole[:20])
        until(lambda: log.first("127.84.1.2", 0) is not None)
        assert log.first("127.84.1.1", 0) is None
        write(file, whole[20:])
        until(lambda: log.first("127.84.1.1", 0) is not None)


def test_times(file):
    with AccessLog(file, time.monotonic) as log:
        write(file, line("127.84.1.1:3000"))
        until(lambda: log.first("127.84.1.1", 0) is not None)
        seen = log.first("127.84.1.1", 0)
        assert log.first("127.84.1.1", seen) is None
        assert log.answered(seen, seen + 1).total() == 1
        assert log.answered(0, seen).total() == 0


@pytest.mark.parametrize("text", ["127.0.0.1 - - [x] GET /\n", "{}\n", '"text"\n'])
def test_another_format_proves_nothing(file, text):
    with AccessLog(file, time.monotonic) as log:
        write(file, text)
        with pytest.raises(Unproven, match="not JSON lines that say which upstream"):
            until(lambda: log.first("127.84.1.1", 0) is not None)


def test_no_log(tmp_path):
    with pytest.raises(Unproven), AccessLog(tmp_path / "absent.log", time.monotonic):
        pytest.fail("entered")


def test_what_was_written_before_a_moment_is_known_at_it(file):
    with AccessLog(file, time.monotonic) as log:
        for count in range(1, 20):
            write(file, line("127.84.1.1:3000"))
            moment = log.now()
            assert log.answered(0, moment).total() == count
