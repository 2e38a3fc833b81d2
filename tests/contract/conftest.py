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
