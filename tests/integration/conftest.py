from collections.abc import Iterator

import pytest

from tests.integration.support.vault import Vault, open_vault


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """One for a module's tests: each takes a tenant of its own."""
    with open_vault() as opened:
        yield opened


@pytest.fixture
def tenant(vault: Vault) -> str:
    return vault.tenant()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The leak sweep comes after everything that it sweeps up."""
    items.sort(key=lambda item: item.path.name == "test_leaks.py" and item.path.parent.name == "integration")
