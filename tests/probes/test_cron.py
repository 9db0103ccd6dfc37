"""When cron runs something, from files as people write them."""

from datetime import timedelta

import pytest

from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.cron import Job, jobs

FILE = "/etc/cron.d/backup"


@pytest.fixture
def cron(tmp_path):
    def written(text: str) -> tuple[Job, ...]:
        file = tmp_path / FILE.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return jobs(Machine("backup", Host(connection="local://", root=tmp_path)), FILE)

    return written


def test_a_file_with_comments_variables_and_jobs(cron):
    text = '# daily\nPATH="/usr/bin"\n\n30 2 * * * backup node backup.js --all\n@hourly root true\n'

    first, second = cron(text)

    assert (first.fields, first.user) == ("30 2 * * *", "backup")
    assert first.command == "node backup.js --all"
    assert first.variables == (("PATH", "/usr/bin"),)
    assert second.longest_pause == timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ("30 2 * * *", 24),
        ("*/15 * * * *", 0.25),
        ("0 0,12 * * *", 12),
        ("0 8-20/4 * * *", 12),
        ("0 3 * * 1-5", 72),  # from Friday to Monday
        ("0 3 * * 0", 168),
        ("0 3 * * 7", 168),
        ("0 3 * * sun", 168),
        ("0 3 1 * *", 31 * 24),
        ("0 3 1-31 * 1", 24),  # either is enough
        ("0 3 * JAN *", 335 * 24 + 24),  # of 2028, a leap year, to 2029
    ],
)
def test_the_longest_pause(cron, fields, hours):
    (job,) = cron(f"{fields} root true\n")

    assert job.longest_pause == timedelta(hours=hours)


@pytest.mark.parametrize("fields", ["60 2 * * *", "x * * * *", "1- * * * *", "*-3 * * * *"])
def test_what_is_no_time_proves_nothing(cron, fields):
    (job,) = cron(f"{fields} root true\n")

    with pytest.raises(Unproven, match="is not understood") as raised:
        _ = job.longest_pause

    assert raised.value.whose is Whose.TARGET


def test_a_day_that_never_comes(cron):
    (job,) = cron("0 3 30 2 * root true\n")

    with pytest.raises(Unproven, match="never runs"):
        _ = job.longest_pause


def test_a_line_that_is_no_job_is_named(cron):
    with pytest.raises(Unproven, match=r"/etc/cron\.d/backup:2: not a job of cron"):
        cron("# x\nrun it daily\n")


def test_no_file(tmp_path):
    with pytest.raises(Unproven):
        jobs(Machine("backup", Host(connection="local://", root=tmp_path)), FILE)
