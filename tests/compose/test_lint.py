"""What dclint says of docker-compose.test.yml. No engine is needed; npm is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from golive import cache
from golive.toolchain import npm

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.test.yml"
LOCK = Path(__file__).with_name("dclint")


@pytest.fixture(scope="module")
def dclint():
    def make(directory):
        for file in npm.FILES:
            shutil.copyfile(LOCK / file, directory / file)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--no-update-notifier"]
        subprocess.run(command, cwd=directory, check=True, capture_output=True)

    return cache.entry(npm.entry_name("dclint", LOCK), make) / "node_modules/.bin/dclint"


def lint(dclint, file):
    command = [dclint, "-c", ROOT / ".dclintrc.yaml", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_finds_nothing(dclint):
    said = lint(dclint, FILE)

    assert (said.returncode, said.stdout.strip()) == (0, "")


def test_it_would_find_something(dclint, tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text().replace("'127.0.0.1:${GOLIVE_HTTP:-0}:80'", "'80:80'"))

    said = lint(dclint, wrong)

    assert said.returncode != 0
    assert "no-unbound-port-interfaces" in said.stdout
