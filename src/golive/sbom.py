"""A bill of materials: every package of something, in CycloneDX 1.6 (ECMA-424), as JSON."""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from golive.probes.licences import Lock, Locked, Package

_EXPRESSION = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def render(lock: Lock, licences: Mapping[str, str], made: datetime) -> str:
    """The bill of a lock; `licences` are names or SPDX expressions, by package URL."""
    unique = {each.package.purl: each for each in lock.parts}
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": made.astimezone(UTC).isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "golive"}]},
            "component": {"type": "application", **_about(lock.subject)},
        },
        "components": [_component(unique[purl], licences.get(purl)) for purl in sorted(unique)],
    }
    return json.dumps(bill, indent=1, ensure_ascii=False) + "\n"


def _about(package: Package) -> dict[str, Any]:
    about = {"name": package.name, "version": package.version, "purl": package.purl}
    return {"bom-ref": package.purl, **about}


def _component(locked: Locked, licence: str | None) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "library", **_about(locked.package)}
    if locked.sha512:
        component["hashes"] = [{"alg": "SHA-512", "content": locked.sha512}]
    if licence and _EXPRESSION.fullmatch(licence):
        component["licenses"] = [{"expression": licence}]
    elif licence:
        component["licenses"] = [{"license": {"name": licence}}]
    return component
