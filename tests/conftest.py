"""The order of the tests."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Containers in the middle: .ci/run builds their images beside what comes before.

    Not last, for theirs is the longest file, and nobody would work beside it.
    """
    containers = [item for item in items if "compose" in item.path.parts]
    others = [item for item in items if "compose" not in item.path.parts]
    half = len(others) // 2
    items[:] = [*others[:half], *containers, *others[half:]]
