"""pytest options and hooks of the gate: wiring only; the gate itself is golive.gate.

Every run of pytest where golive is installed loads this module, so it imports nothing heavy, and
does nothing unless the checklist is what is run: `pytest tests/checklist`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from golive.environment import Environment
    from golive.gate.clients import Clients
    from golive.gate.measurements import Measurements

CHECKLIST = Path("tests/checklist")


class Hooks:
    """What modules of steps may implement."""

    @staticmethod
    def pytest_golive_ahead(
        measurements: Measurements,
        environment: Environment,
        clients: Clients,
        tags: AbstractSet[str],
        ahead: AbstractSet[str],
        slow: bool,
    ) -> None:
        """Start slow measurements, to run while others do.

        Called once, when the environment is ready and before the first scenario. `tags` are the
        statements (NGX-26) of the scenarios that will run here, `ahead` the ids of those tagged
        @ahead; `slow` allows minutes. Not called under xdist, where nobody knows which worker
        will want the result.
        """


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks for modules of steps."""
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of the gate."""
    group = parser.getgroup("golive", "go-live gate (pytest tests/checklist)")
    group.addoption(
        "--environment",
        default="replica",
        metavar="NAME-or-FILE",
        help="what to look at: a file of environments/, or any other (default: replica)",
    )
    group.addoption(
        "--stack",
        type=Path,
        metavar="DIR",
        help="start the environment from this copy of environments/stack",
    )
    group.addoption(
        "--fresh", action="store_true", help="start a replica of its own, even where one is up"
    )
    group.addoption(
        "--replica",
        type=int,
        metavar="N",
        help="look at the running replica N, whatever files it was started from",
    )
    group.addoption(
        "--scenario",
        action="append",
        metavar="ID",
        help="run only the scenario with this id of report.json; may be given several times",
    )
    group.addoption(
        "--slow", action="store_true", help="measure too what takes a minute or two by its nature"
    )
    group.addoption(
        "--smoke",
        action="store_true",
        help="run the smoke tests only: seconds, and single requests that change nothing",
    )
    group.addoption("--release", type=Path, metavar="FILE", help="record of the release")
    group.addoption(
        "--contacts",
        type=Path,
        metavar="FILE",
        help="who answers for what, whose signature counts (default: environments/contacts.yaml)",
    )
    group.addoption(
        "--sign-key",
        type=Path,
        metavar="KEY",
        help="SSH key that report.json is signed with, into report.json.sig, for golive dossier",
    )
    group.addoption(
        "--report-dir",
        type=Path,
        default=Path("report"),
        metavar="DIR",
        help="where to write report.json, report.html and the others (default: report)",
    )
    group.addoption(
        "--features",
        dest="features_dir",
        type=Path,
        metavar="DIR",
        help="a checklist of features of your own (default: features)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set the gate up if the checklist is what is run."""
    if _is_gate(config):
        from golive.gate.setup import set_up

        set_up(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the checklist out of a run of other tests: it needs a deployment."""
    checklist = config.rootpath / CHECKLIST
    return True if collection_path == checklist and not _is_gate(config) else None


def _is_gate(config: pytest.Config) -> bool:
    checklist = config.rootpath / CHECKLIST
    directory = config.invocation_params.dir
    named = [(directory / argument.partition("::")[0]).resolve() for argument in config.args]
    inside = [path.is_relative_to(checklist) for path in named]
    if any(inside) and not all(inside):
        raise pytest.UsageError(f"{CHECKLIST} is the gate: run it apart from other tests")
    return any(inside)
