"""Bills of materials are CycloneDX 1.6, by its own schema."""

import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from golive import sbom
from golive.probes.licences import Lock, Locked, Package

SCHEMAS = files("cyclonedx.schema") / "_res"
LOCK = Lock(
    Package("npm", "a-service", "1.2.3"),
    (
        Locked(Package("npm", "@scope/z", "2.0.0"), sha512="ab" * 64),
        Locked(Package("npm", "b", "1.0.0")),
        Locked(Package("npm", "b", "1.0.0")),  # installed in two places
        Locked(Package("npm", "c", "1.0.0-rc.1+build")),
    ),
)


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    documents = {
        name: json.loads((SCHEMAS / f"{name}.SNAPSHOT.schema.json").read_text())
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    resources = (Resource(each, DRAFT7) for each in documents.values())
    registry = Registry().with_resources((str(each.id()), each) for each in resources)
    return Draft7Validator(documents["bom-1.6"], registry=registry)


def bill(licences: dict[str, str]) -> dict:
    return json.loads(sbom.render(LOCK, licences, datetime(2025, 4, 5, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("licence", "shown"),
    [
        ("MIT", [{"expression": "MIT"}]),
        ("MIT OR Apache-2.0", [{"expression": "MIT OR Apache-2.0"}]),
        ("BSD License", [{"license": {"name": "BSD License"}}]),
    ],
)
def test_it_is_valid_and_says_the_licence(validator, licence: str, shown: object):
    made = bill({"pkg:npm/b@1.0.0": licence})
    assert [error.message for error in validator.iter_errors(made)] == []
    assert made["components"][1]["licenses"] == shown


def test_each_package_is_in_it_once():
    made = bill({})
    assert [each["purl"] for each in made["components"]] == [
        "pkg:npm/%40scope/z@2.0.0",
        "pkg:npm/b@1.0.0",
        "pkg:npm/c@1.0.0-rc.1+build",
    ]
    assert made["components"][0]["hashes"] == [{"alg": "SHA-512", "content": "ab" * 64}]
    assert "licenses" not in made["components"][0]
    assert made["metadata"]["component"]["purl"] == "pkg:npm/a-service@1.2.3"


def test_the_validator_can_say_no(validator):
    made = bill({})
    del made["components"][0]["name"]
    assert list(validator.iter_errors(made))
