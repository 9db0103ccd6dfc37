"""What golive says where it cannot start containers. No engine is needed."""

import os
import shutil
from pathlib import Path

import pytest

from golive.compose import engine, images
from golive.environment import Host
from golive.machine import Machine
from golive.outcome import Unproven, Whose

from ..replica.commands import golive

WITHOUT_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


@pytest.fixture
def without_docker(tmp_path):
    """A PATH on which everything is that golive needs, and no docker."""
    for directory in os.environ["PATH"].split(":"):
        for program in Path(directory).glob("*"):
            link = tmp_path / program.name
            if program.name != "docker" and not link.exists():
                link.symlink_to(program)
    return {**os.environ, "PATH": str(tmp_path)}


@pytest.mark.parametrize("verb", ["up", "down", "status"])
def test_without_docker_it_says_what_to_install(verb, without_docker):
    assert shutil.which("docker", path=without_docker["PATH"]) is None

    said = golive(verb, "--environment", "compose", env=without_docker)

    assert said.returncode == 2
    assert "There is no docker command" in said.stderr
    assert "apt-get install docker.io" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.skipif(shutil.which("docker") is None, reason="not run: no docker command here")
@pytest.mark.parametrize("verb", ["up", "status", "images"])
def test_without_an_engine_it_says_so(verb):
    where = () if verb == "images" else ("--environment", "compose")

    said = golive(verb, *where, env={**os.environ, **WITHOUT_ENGINE})

    assert said.returncode == 2
    assert "No container engine answers" in said.stderr
    assert "docs/compose.md" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.skipif(shutil.which("docker") is None, reason="not run: no docker command here")
def test_a_gate_without_an_engine_could_not_run(tmp_path):
    said = golive(
        *("gate", "--environment", "compose", "--report-dir", tmp_path),
        env={**os.environ, **WITHOUT_ENGINE},
    )

    assert said.returncode == 2
    assert "No container engine answers" in said.stdout + said.stderr
    assert not (tmp_path / "report.json").exists()


def test_without_docker_nobody_can_look_into_a_container(monkeypatch, without_docker):
    monkeypatch.setenv("PATH", without_docker["PATH"])

    with pytest.raises(Unproven) as unproven:
        Machine("app-1", Host(connection="docker://any")).run("true")

    assert unproven.value.whose is Whose.TOOL


def test_what_is_deployed_is_not_started():
    said = golive("up", "--environment", "production")

    assert said.returncode == 2
    assert "production is deployed: golive neither starts nor stops it" in said.stderr


def test_an_environment_that_is_not_there_is_named_with_those_that_are():
    said = golive("down", "--environment", "compsoe")

    assert said.returncode == 2
    assert "compsoe.yaml: no such file; environments in environments: compose, " in said.stderr


def test_an_engine_that_does_not_answer_is_none(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", WITHOUT_ENGINE["DOCKER_HOST"])

    assert not engine.answers()


def test_an_image_has_another_name_when_it_is_made_otherwise():
    one = images.Image("GOLIVE_IMAGE_ONE", ("one",))

    assert one.tag == images.Image("GOLIVE_IMAGE_ONE", ("one",)).tag
    assert one.tag.startswith("golive/one:")
    others = (
        images.Image("GOLIVE_IMAGE_ONE", ("two",)),
        images.Image("GOLIVE_IMAGE_ONE", ("one",), user="node"),
        images.Image("GOLIVE_IMAGE_ONE", ("one",), versions="2"),
        images.Image("GOLIVE_IMAGE_ONE", ("one",), commands=(("/one", "/bin/one"),)),
    )
    assert len({one.tag, *(each.tag for each in others)}) == 5
