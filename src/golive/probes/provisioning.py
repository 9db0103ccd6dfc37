"""What the files of a host have Grafana load when it starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from golive.machine import Machine
from golive.outcome import Unproven, Whose
from golive.probes.dashboards import Dashboard, read


@dataclass(frozen=True)
class ProvisionedSource:
    """A data source as a file has it; `url` is where Grafana asks."""

    uid: str
    type: str
    url: str


@dataclass(frozen=True)
class Provisioning:
    """What Grafana loads when it starts: data sources, and where dashboards come from."""

    data_sources: tuple[ProvisionedSource, ...]
    paths: tuple[str, ...]


def provisioned(machine: Machine, directory: str) -> tuple[Dashboard, ...]:
    """Every dashboard of a directory of the host, by file name. Raises Unproven."""
    files = _files(machine, f"{directory}/dashboards", "*.json")
    return tuple(read(text, name) for name, text in files)


def provisioning(machine: Machine, directory: str) -> Provisioning:
    """What the provisioning files of the host say. Raises Unproven."""
    sources: list[ProvisionedSource] = []
    paths: list[str] = []
    for name, text in _files(machine, f"{directory}/provisioning", "*.y*ml"):
        try:
            given = yaml.safe_load(text)
            sources += [
                ProvisionedSource(str(e["uid"]), str(e["type"]), str(e.get("url", "")))
                for e in given.get("datasources") or ()
            ]
            paths += [str(each["options"]["path"]) for each in given.get("providers") or ()]
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            reason = f"{name}: no provisioning file of Grafana: {error!r}"
            raise Unproven(reason, Whose.TARGET) from error
    return Provisioning(tuple(sources), tuple(paths))


def _files(machine: Machine, directory: str, pattern: str) -> Iterator[tuple[str, str]]:
    found = machine.run("find %s -type f -name %s", machine.path(directory), pattern)
    for path in sorted(found.splitlines()):
        yield PurePosixPath(path).name, machine.run("cat -- %s", path)
