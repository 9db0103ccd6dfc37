"""The order of the tests."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Containers last: .ci/run builds their images beside the other tests."""
    items.sort(key=lambda item: "compose" in item.path.parts)
