"""How many records are on a key version, on the embedded AWS."""

from dataclasses import replace
from typing import cast

import pytest

from phone_vault.adapters.attribute_values import Row
from phone_vault.adapters.scans import ScanPage, ScanPart
from phone_vault.adapters.tables import Tables
from phone_vault.adapters.version_uses import MOST_PAGES, DynamoVersionUses
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.keys import KeyId, KeyUse
from tests.unit.adapters.record_tables import RecordTables, names_of


@pytest.fixture
def uses(vault: RecordTables) -> DynamoVersionUses:
    return DynamoVersionUses(vault.tables, vault.names)


def test_a_version_of_the_branch_key_has_stored_numbers_and_message_keys(
    vault: RecordTables, uses: DynamoVersionUses, tenant: str
) -> None:
    vault.store(tenant)
    vault.store(tenant, branch_key_version=2)
    vault.store_message_key(tenant)
    assert [uses.count(KeyId(tenant, KeyUse.BRANCH, version)) for version in (1, 2, 3)] == [2, 1, 0]


def test_a_version_of_the_index_has_the_records_that_stand_in_it(
    vault: RecordTables, uses: DynamoVersionUses, tenant: str
) -> None:
    for versions in ((1,), (1, 2), (2, 11), ()):
        vault.store(tenant, versions)
    vault.store_message_key(tenant)
    counted = [uses.count(KeyId(tenant, KeyUse.INDEX, version)) for version in (1, 2, 3, 11)]
    assert counted == [2, 2, 0, 1]


def test_records_that_kms_itself_wraps_are_on_no_version(
    vault: RecordTables, uses: DynamoVersionUses, tenant: str
) -> None:
    vault.store(tenant, branch_key_version=None, kms_key="arn:aws:kms:eu-west-1:123456789012:key/1")
    assert uses.count(KeyId(tenant, KeyUse.BRANCH, 1)) == 0


def test_a_tenant_s_records_are_counted_and_not_those_of_another_whose_name_begins_alike(
    vault: RecordTables, uses: DynamoVersionUses, tenant: str
) -> None:
    vault.store(tenant)
    vault.store(f"{tenant}-2")
    assert uses.count(KeyId(tenant, KeyUse.BRANCH, 1)) == 1


def test_a_record_that_is_gone_is_on_no_version(vault: RecordTables, uses: DynamoVersionUses, tenant: str) -> None:
    vault.erase(vault.store(tenant))
    assert uses.count(KeyId(tenant, KeyUse.BRANCH, 1)) == 0


def test_rows_are_counted_by_dynamodb_and_not_read(vault: RecordTables, uses: DynamoVersionUses, tenant: str) -> None:
    vault.store(tenant)
    with vault.asked() as requests:
        uses.count(KeyId(tenant, KeyUse.INDEX, 1))
    assert names_of(requests) == {"Scan": 1}
    assert [parameters["Select"] for _, parameters in requests] == ["COUNT"]


class EndlessTables:
    """Each page has a row and is followed by another one."""

    def scan_page(self, table: str, part: ScanPart, start: Row | None) -> ScanPage:
        """As `Tables`."""
        assert (table, part.segments) == ("RecordKeys", 1)
        return ScanPage([], 1, {"record_id": str(int(start["record_id"]) + 1 if start else 0)})


def test_it_looks_at_so_many_pages_and_no_more(vault: RecordTables) -> None:
    tables = cast(Tables, EndlessTables())
    uses = DynamoVersionUses(tables, replace(vault.names, record_keys="RecordKeys"))
    assert uses.count(KeyId("acme", KeyUse.BRANCH, 1)) == MOST_PAGES


def test_a_table_that_does_not_answer_is_not_an_empty_one(vault: RecordTables) -> None:
    uses = DynamoVersionUses(vault.tables, replace(vault.names, record_keys="none"))
    with pytest.raises(StoreUnavailable):
        uses.count(KeyId("acme", KeyUse.BRANCH, 1))
