import threading
from pathlib import Path

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes import application_log
from golive.probes.application_log import Log, log

DATE = "2026-01-01 00:00:00 +00:00: "
PATH = "/golive-0123"


def line(level: str = "info", path: str = "/") -> str:
    return f'{DATE}{{"level":"{level}","msg":"request","path":"{path}"}}\n'


def machine(root: Path, content: str) -> Machine:
    (root / "out.log").write_text(content)
    return Machine("app-1", Host(connection="local://", root=root))


def test_levels_are_counted(tmp_path: Path):
    host = machine(tmp_path, line() + line("warn") + line(path=PATH) + line())
    expected = Log(str(tmp_path / "out.log"), 4, {"info": 3, "warn": 1}, (), "info")
    assert log(host, "/out.log", PATH) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-01-01 00:00:00 +00:00: info request /\n",
        "TypeError: x is undefined\n",
        f'{DATE}["info"]\n',
        f"{DATE}{{\n",
        "\n",
        f'{DATE}words before {{"level":"info"}}\n',
    ],
)
def test_a_line_that_is_no_json_object_is_told_by_its_number(tmp_path: Path, wrong: str):
    seen = log(machine(tmp_path, line() + wrong + line(path=PATH)), "/out.log", PATH)
    assert (seen.unreadable, seen.levels) == ((2,), {"info": 2})


def test_a_line_that_is_being_written_is_none_yet(tmp_path: Path):
    seen = log(machine(tmp_path, line(path=PATH) + line()[:-9]), "/out.log", PATH)
    assert (seen.lines, seen.unreadable) == (1, ())


@pytest.mark.parametrize("date", ["", DATE, "2026-01-01T00:00:00.000Z: ", "01/01/2026, 00:00 "])
def test_whatever_date_pm2_writes_is_no_part_of_the_line(tmp_path: Path, date: str):
    host = machine(tmp_path, f'{date}{{"level":"info","path":"{PATH}"}}\n')
    assert log(host, "/out.log", PATH).asked == "info"


def test_a_request_that_is_logged_as_text_has_no_level(tmp_path: Path):
    seen = log(machine(tmp_path, f"{DATE}info {PATH}\n"), "/out.log", PATH)
    assert (seen.asked, seen.unreadable) == (None, (1,))


def test_the_beginning_of_a_long_log_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read = line() + line(path=PATH)
    monkeypatch.setattr(application_log, "LAST_BYTES", len(read) + len("xt\n"))
    seen = log(machine(tmp_path, f"no JSON\nnor this text\n{read}"), "/out.log", PATH)
    assert (seen.lines, seen.unreadable) == (2, ())


def test_a_line_that_comes_late_is_waited_for(tmp_path: Path):
    host = machine(tmp_path, line())
    with (tmp_path / "out.log").open("a", buffering=1) as file:
        late = threading.Timer(0.2, file.write, [line(path=PATH)])
        late.start()
        seen = log(host, "/out.log", PATH, within_s=30)
        late.join()
    assert (seen.lines, seen.asked) == (2, "info")


def test_a_log_without_the_request_proves_nothing(tmp_path: Path):
    with pytest.raises(Unproven, match=r"out\.log has no line of a request") as error:
        log(machine(tmp_path, line()), "/out.log", PATH, within_s=0.1)
    assert error.value.whose is Whose.TARGET


def test_no_log_proves_nothing(tmp_path: Path):
    host = Machine("app-1", Host(connection="local://", root=tmp_path))
    with pytest.raises(Unproven, match=r"out\.log"):
        log(host, "/out.log", PATH)
