"""The gate: binds the features to the steps. `pytest tests/checklist` runs it."""

from pathlib import Path

from pytest_bdd import scenarios
from pytest_bdd.utils import CONFIG_STACK

_chosen = CONFIG_STACK[-1].getoption("features_dir")

scenarios(str(Path(_chosen).absolute()) if _chosen else ".")
