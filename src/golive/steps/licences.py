"""Judge licences, and write bills of materials."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, then

from golive import sbom
from golive.environment import Environment
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.machine import machines
from golive.outcome import Unproven, Whose
from golive.probes.licences import (
    Lock,
    Package,
    accepted,
    npm_installed,
    npm_locked,
    python_installed,
    python_locked,
)
from golive.steps.application import DIRECTORY
from golive.steps.expectation import column, listed, require

APPLICATION, GOLIVE = "sbom-application.cdx.json", "sbom-golive.cdx.json"


@dataclass(frozen=True)
class Installed:
    """The packages of one place, and how a person sees one of them."""

    where: str
    packages: tuple[Package, ...]
    look: str


@given(
    "the npm packages that are installed on every application server", target_fixture="installed"
)
def npm_packages(
    environment: Environment, measurements: Measurements, evidence: EvidenceLog
) -> tuple[Installed, ...]:
    servers = machines(environment, "app")
    begun = [measurements.start(npm_installed, each, DIRECTORY) for each in servers]
    look = f"npm query '*' --prefix {DIRECTORY} | jq '.[] | [.name, .license]'"
    found = [
        Installed(server.name, future.result(), look)
        for server, future in zip(servers, begun, strict=True)
    ]
    return _counted(tuple(found), evidence)


@given("the Python packages that golive runs with", target_fixture="installed")
def python_packages(measurements: Measurements, evidence: EvidenceLog) -> tuple[Installed, ...]:
    found = measurements.result(python_installed)
    return _counted((Installed("golive", found, "pip show --verbose NAME"),), evidence)


@given(
    "these licences, which stand in no package's metadata but in its licence file",
    target_fixture="installed",
)
def read_by_hand(
    installed: tuple[Installed, ...], datatable: list[list[str]]
) -> tuple[Installed, ...]:
    """Of exactly these versions: another one is to be read again."""
    known = {(name, version): licence for name, version, licence in datatable}
    return tuple(
        replace(
            place,
            packages=tuple(
                replace(each, licence=each.licence or known.get((each.name, each.version)))
                for each in place.packages
            ),
        )
        for place in installed
    )


@then("each says that it is under one of these licences")
def under_licences(
    installed: tuple[Installed, ...], evidence: EvidenceLog, datatable: list[list[str]]
) -> None:
    names = column(datatable)
    for place in installed:
        evidence.add(f"licences in {place.where}", _census(place))
        wrong = [
            f"{each.name} {each.version} ({each.licence})"
            for each in place.packages
            if each.licence is not None and not accepted(each.licence, names)
        ]
        require(
            not wrong,
            expected=f"each of {len(place.packages)} packages under {' or '.join(names)}",
            actual=listed(wrong),
            where=place.where,
            look=place.look,
        )
    silent = {f"{p.name} {p.version}" for i in installed for p in i.packages if p.licence is None}
    if silent:
        raise Unproven(f"no licence is named by {listed(sorted(silent))}", Whose.TARGET)


@then(parsers.parse('its bill of materials, made of "{file}", has each of them and no other'))
def application_bill(
    environment: Environment,
    measurements: Measurements,
    installed: tuple[Installed, ...],
    evidence: EvidenceLog,
    pytestconfig: pytest.Config,
    file: str,
) -> None:
    for machine, place in zip(machines(environment, "app"), installed, strict=True):
        locked = measurements.result(npm_locked, machine, f"{DIRECTORY}/{file}")
        _write(pytestconfig, APPLICATION, locked, place, evidence)
        _require_listed(place, locked, file)
        there = {each.purl for each in place.packages}
        wanted = [each.package.purl for each in locked.parts if not each.optional]
        missing = [purl for purl in wanted if purl not in there]
        require(
            not missing,
            expected=f"each package of {file} installed",
            actual=f"not there: {listed(missing)}",
            where=place.where,
            look=f"npm ls --prefix {DIRECTORY}",
        )


@then(parsers.parse('its bill of materials, made of "{file}", has each of them'))
def golive_bill(
    installed: tuple[Installed, ...], evidence: EvidenceLog, pytestconfig: pytest.Config, file: str
) -> None:
    locked = python_locked(pytestconfig.rootpath / file)
    (place,) = installed
    _write(pytestconfig, GOLIVE, locked, place, evidence)
    _require_listed(place, locked, file)


def _counted(found: tuple[Installed, ...], evidence: EvidenceLog) -> tuple[Installed, ...]:
    evidence.add("packages", {place.where: len(place.packages) for place in found})
    if not all(place.packages for place in found):
        raise Unproven("no package was found", Whose.OURS)
    return found


def _census(place: Installed) -> dict[str, int]:
    """How many packages are under each licence."""
    said = [each.licence or "says nothing" for each in place.packages]
    return {name: said.count(name) for name in sorted(set(said))}


def _require_listed(place: Installed, locked: Lock, file: str) -> None:
    known = {each.package.purl for each in locked.parts}
    missing = [each.purl for each in place.packages if each.purl not in known]
    require(
        not missing,
        expected=f"each of {len(place.packages)} packages in {file}",
        actual=f"installed, and not in it: {listed(missing)}",
        where=place.where,
        look=place.look,
    )


def _write(
    config: pytest.Config, name: str, locked: Lock, place: Installed, evidence: EvidenceLog
) -> None:
    licences = {each.purl: each.licence for each in place.packages if each.licence}
    path = Path(config.getoption("report_dir")) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sbom.render(locked, licences, datetime.now(UTC)), encoding="utf-8")
    evidence.add("bill of materials", [name, len(locked.parts)])
