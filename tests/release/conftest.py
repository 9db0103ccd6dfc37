"""A signed example of a release of a small stack; each test has a copy of its own to spoil."""

import shutil
from dataclasses import replace

import pytest

from golive.release import contacts, example, record


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    stack = tmp_path_factory.mktemp("stack")
    (stack / "app").mkdir()
    (stack / "app/package.json").write_text('{"name": "x", "version": "1.2.3"}')
    (stack / "nginx").mkdir()
    (stack / "nginx/nginx.conf").write_text("events {}\n")
    made = example.make(tmp_path_factory.mktemp("release"), stack)
    example.keygen(made.directory / "keys/stranger")
    return made


@pytest.fixture
def signed(template, tmp_path):
    """The example, in a directory of this test."""
    directory = tmp_path / "release"
    shutil.copytree(template.directory, directory)
    return replace(template, directory=directory)


@pytest.fixture
def load():
    """The release of an example, as the gate would load it."""

    def loaded(signed, **known):
        return record.load(signed.record, contacts.load(signed.contacts), **known)

    return loaded
