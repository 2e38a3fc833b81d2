from collections.abc import Iterator

import pytest

from phone_vault.local import LocalCloud
from tests.unit.adapters.record_tables import RecordTables


@pytest.fixture(scope="module")
def vault() -> Iterator[RecordTables]:
    """One for a module's tests: each takes a tenant of its own."""
    with LocalCloud() as cloud:
        yield RecordTables(cloud)


@pytest.fixture
def tenant(vault: RecordTables) -> str:
    return vault.tenant()
