"""Rows of leaves beside receipts, on the embedded AWS."""

import pytest

from phone_vault.adapters.receipts import DynamoReceiptStore
from phone_vault.adapters.tables import ConditionsFailed
from phone_vault.crypto.receipts import salted
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import TamperedStore
from tests.unit.adapters.record_tables import RecordTables

TOKENS = [f"tok_{number:025}" for number in range(1_000)]
ENTRY = Entry("Purge#leaves", 1, "2026-01-01T00:00:00Z", None, "{}", b"mac")


@pytest.fixture(scope="module")
def store(vault: RecordTables) -> DynamoReceiptStore:
    return DynamoReceiptStore(vault.tables, vault.names)


def test_1000_leaves_are_read_as_they_were_written(store: DynamoReceiptStore) -> None:
    leaves = salted(TOKENS)
    store.add_leaves("purge#1", 0, leaves)
    assert store.leaves("purge#1", 0) == leaves


def test_a_row_that_is_written_again_has_the_later_leaves(store: DynamoReceiptStore) -> None:
    first, later = salted(TOKENS[:2]), salted(TOKENS[:2])
    store.add_leaves("purge#2", 0, first)
    store.add_leaves("purge#2", 0, later)
    assert store.leaves("purge#2", 0) == later


def test_no_leaves_overwrite_a_receipt(store: DynamoReceiptStore) -> None:
    store.add("purge#3#leaves#0", {"id": "rcpt_1"}, ENTRY)
    with pytest.raises(ConditionsFailed):
        store.add_leaves("purge#3", 0, salted(TOKENS[:1]))
    assert store.read("purge#3#leaves#0") == {"id": "rcpt_1"}


@pytest.mark.parametrize("content", [None, b"short", "text"])
def test_leaves_that_do_not_read_are_refused(vault: RecordTables, store: DynamoReceiptStore, content: object) -> None:
    if content is not None:
        key = {"operation_id": "receipt#purge#4#leaves#0"}
        vault.put(vault.names.operations, {**key, "leaves": content})
    with pytest.raises(TamperedStore):
        store.leaves("purge#4", 0)
