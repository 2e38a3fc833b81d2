"""What passes over all records write, and what they leave alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.adapters.index_rows import index_entry_key
from phone_vault.adapters.indexed_records import DynamoIndexedRecords
from phone_vault.adapters.rows import record_of
from phone_vault.adapters.swept_index import DynamoSweptIndex
from phone_vault.adapters.tables import Tables
from phone_vault.adapters.wrapped_records import DynamoWrappedRecords
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.job_ports import Indexed, ReEncrypted, SweptEntry, SweptRecord
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.wrapped_record import WrappedRecord, WrappedRecordKey
from tests.unit.adapters.record_tables import NOW, RecordTables, names_of, passed, position

NEWLY_WRAPPED = WrappedRecordKey(b"wrapped anew", 2)
LATER = NOW + timedelta(days=1)
ADDED = position(0, 2)
ENTRY = SweptEntry("acme", 1, {"index_position": "acme#1#x", "subject_ref": "ref"})

Ending = Callable[[RecordTables, StoredNumber], None]
every_change = pytest.mark.parametrize(
    "meanwhile", [RecordTables.use, RecordTables.shred, RecordTables.erase], ids=["used", "shredded", "erased"]
)


def rewrap(vault: RecordTables, record: StoredNumber) -> None:
    scan = DynamoWrappedRecords(vault.tables, vault.names)
    scan.rewrap(wrapped(record), NEWLY_WRAPPED)


def index(vault: RecordTables, *records: StoredNumber) -> None:
    changes = [Indexed(record, {2: ADDED}) for record in records]
    DynamoIndexedRecords(vault.tables, vault.names).index(changes)


def re_encrypt(vault: RecordTables, record: StoredNumber) -> None:
    change = ReEncrypted(record, NEWLY_WRAPPED, b"message anew", LATER)
    DynamoIndexedRecords(vault.tables, vault.names).re_encrypt(change)


def take_out(vault: RecordTables, record: StoredNumber, *versions: int) -> None:
    DynamoSweptIndex(vault.tables, vault.names).take_out(swept(record), versions or (1,))


WRITES: dict[str, Callable[[RecordTables, StoredNumber], None]] = {
    "rewrap": rewrap,
    "index": index,
    "re-encrypt": re_encrypt,
    "take-out": take_out,
}
every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


def wrapped(record: StoredNumber) -> WrappedRecord:
    return WrappedRecord(
        record.tenant_id,
        record.token,
        record.wrapped_key,
        record.branch_key_version,
        record.kms_key,
        record.revision,
    )


def swept(record: StoredNumber) -> SweptRecord:
    positions = {version: each.blind_index for version, each in record.index_positions.items()}
    return SweptRecord(RecordId(record.tenant_id, record.token), record.subject_ref, record.revision, positions)


def rows(vault: RecordTables, record: StoredNumber) -> list[Any]:
    """All rows of a record, and the entry that it may get."""
    entries = [vault.entry(record, version, each.blind_index) for version, each in record.index_positions.items()]
    return [vault.row(record), vault.message(record), *entries, vault.entry(record, 2, ADDED.blind_index)]


@every_write
@every_change
def test_a_record_that_has_changed_since_is_left_as_it_is(
    vault: RecordTables, tenant: str, write: Ending, meanwhile: Ending
) -> None:
    record = vault.store(tenant)
    meanwhile(vault, record)
    before = rows(vault, record)
    with pytest.raises(Contended):
        write(vault, record)
    assert rows(vault, record) == before


@every_write
def test_a_record_that_an_application_changes_afterwards_has_the_next_revision(
    vault: RecordTables, tenant: str, write: Ending
) -> None:
    record = vault.store(tenant)
    write(vault, record)
    assert vault.row(record)["revision"] == record.revision + 1
    with pytest.raises(Contended):
        write(vault, record)


@pytest.mark.parametrize("write", [rewrap, index, re_encrypt])
def test_a_row_without_a_key_gets_none_whatever_its_revision(vault: RecordTables, tenant: str, write: Ending) -> None:
    record = vault.store(tenant)
    vault.shred(record)
    with pytest.raises(Contended):
        write(vault, replace(record, revision=record.revision + 1))
    assert "wrapped_key" not in vault.row(record)


def test_rewrapping_writes_the_wrapping_and_nothing_else(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant, branch_key_version=None, kms_key="arn")
    with vault.asked() as requests:
        rewrap(vault, record)
    changed = replace(record, wrapped_key=b"wrapped anew", branch_key_version=2, kms_key=None, revision=2)
    assert record_of(vault.row(record)) == changed
    assert names_of(requests) == {"UpdateItem": 1}
    assert "ReturnValues" not in requests[0][1]


def test_rewrapping_can_be_by_kms(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    scan = DynamoWrappedRecords(vault.tables, vault.names)
    scan.rewrap(wrapped(record), WrappedRecordKey(b"by kms", None, "arn"))
    row = record_of(vault.row(record))
    assert (row.wrapped_key, row.branch_key_version, row.kms_key) == (b"by kms", None, "arn")


def test_a_message_key_is_rewrapped_alike(vault: RecordTables, tenant: str) -> None:
    key = vault.store_message_key(tenant)
    scan = DynamoWrappedRecords(vault.tables, vault.names)
    (record,) = passed(scan.page, tenant)
    assert isinstance(record, WrappedRecord)
    scan.rewrap(record, NEWLY_WRAPPED)
    assert vault.row(key)["wrapped_key"] == b"wrapped anew"


def test_a_record_gets_an_entry_and_a_position_beside_those_it_has(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    index(vault, record)
    positions = {**record.index_positions, 2: ADDED}
    assert record_of(vault.row(record)) == replace(record, index_positions=positions, revision=2)
    assert vault.entry(record, 2, ADDED.blind_index) == record.token


def test_many_records_are_indexed_in_one_transaction(vault: RecordTables, tenant: str) -> None:
    records = [vault.store(tenant) for _ in range(25)]
    with vault.asked() as requests:
        index(vault, *records)
    assert names_of(requests) == {"TransactWriteItems": 1}
    assert all("2" in vault.row(record)["index_positions"] for record in records)


def test_nothing_to_index_is_no_request(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    with vault.asked() as requests:
        index(vault)
        DynamoIndexedRecords(vault.tables, vault.names).index([Indexed(record, {})])
    assert requests == []


def test_one_record_that_has_changed_keeps_all_from_being_indexed(vault: RecordTables, tenant: str) -> None:
    records = [vault.store(tenant) for _ in range(3)]
    vault.use(records[1])
    with pytest.raises(Contended):
        index(vault, *records)
    assert [vault.entry(record, 2, ADDED.blind_index) for record in records] == [None] * 3


def test_an_entry_that_is_there_already_is_no_obstacle(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    key = index_entry_key(tenant, 2, ADDED.blind_index, record.subject_ref)
    vault.put(vault.names.lookup_index, {**key, "token": record.token})
    index(vault, record)
    assert "2" in vault.row(record)["index_positions"]


@pytest.mark.parametrize("token", ["tok_of_another_record", 7], ids=["another", "unreadable"])
def test_the_entry_of_another_record_is_left_as_it_is(vault: RecordTables, tenant: str, token: object) -> None:
    record = vault.store(tenant)
    key = index_entry_key(tenant, 2, ADDED.blind_index, record.subject_ref)
    vault.put(vault.names.lookup_index, {**key, "token": token})
    with pytest.raises(Contended):
        index(vault, record)
    assert vault.item(vault.names.lookup_index, key)["token"] == token
    assert record_of(vault.row(record)) == record


def test_an_entry_of_no_form_of_the_vault_is_contended_too(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    key = index_entry_key(tenant, 2, ADDED.blind_index, record.subject_ref)
    item = {name: {"S": value} for name, value in key.items()} | {"token": {"NULL": True}}
    vault.client.put_item(TableName=vault.names.lookup_index, Item=item)
    with pytest.raises(Contended):
        index(vault, record)


def test_two_records_with_one_place_between_them_are_contended(vault: RecordTables, tenant: str) -> None:
    first = vault.store(tenant)
    second = vault.store(tenant, subject_ref=first.subject_ref)
    with pytest.raises(Contended):
        index(vault, first, second)
    index(vault, first)
    with pytest.raises(Contended):
        index(vault, second)
    assert vault.entry(first, 2, ADDED.blind_index) == first.token


def test_a_new_record_key_comes_with_its_message(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant, branch_key_version=None, kms_key="arn")
    with vault.asked() as requests:
        re_encrypt(vault, record)
    assert vault.message(record) == b"message anew"
    assert record_of(vault.row(record)) == replace(
        record, wrapped_key=b"wrapped anew", branch_key_version=2, kms_key=None, key_made_at=LATER, revision=2
    )
    assert names_of(requests) == {"TransactWriteItems": 1}


def test_a_message_that_is_gone_is_not_brought_back(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    vault.client.delete_item(TableName=vault.names.numbers, Key={"record_id": {"S": f"{tenant}#{record.token}"}})
    with pytest.raises(Contended):
        re_encrypt(vault, record)
    assert vault.message(record) is None
    assert record_of(vault.row(record)) == record


def test_what_is_taken_out_leaves_entry_and_position(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant, (1, 2, 3))
    with vault.asked() as requests:
        take_out(vault, record, 1, 2, 9)
    remaining = {3: record.index_positions[3]}
    assert record_of(vault.row(record)) == replace(record, index_positions=remaining, revision=2)
    found = [vault.entry(record, version, each.blind_index) for version, each in record.index_positions.items()]
    assert found == [None, None, record.token]
    assert names_of(requests) == {"TransactWriteItems": 1}


def test_nothing_to_take_out_is_no_request(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    with vault.asked() as requests:
        take_out(vault, record, 2)
    assert requests == []


def test_the_sweep_of_a_record_names_no_key(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    with vault.asked() as requests:
        take_out(vault, record)
    assert "wrapped_key" not in repr(requests)


def test_a_position_whose_entry_is_gone_is_taken_out(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    key = index_entry_key(tenant, 1, record.index_positions[1].blind_index, record.subject_ref)
    vault.client.delete_item(
        TableName=vault.names.lookup_index, Key={name: {"S": value} for name, value in key.items()}
    )
    take_out(vault, record)
    assert vault.row(record)["index_positions"] == {}


def test_the_entry_of_another_record_is_not_taken_out(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    key = index_entry_key(tenant, 1, record.index_positions[1].blind_index, record.subject_ref)
    vault.put(vault.names.lookup_index, {**key, "token": "tok_of_another_record"})
    with pytest.raises(Contended):
        take_out(vault, record)
    assert vault.item(vault.names.lookup_index, key)["token"] == "tok_of_another_record"
    assert record_of(vault.row(record)) == record


def test_entries_that_no_record_knows_of_are_deleted(vault: RecordTables, tenant: str) -> None:
    for _ in range(3):
        vault.store(tenant)
    kept = vault.store(tenant, (2,))
    sweep = DynamoSweptIndex(vault.tables, vault.names)
    entries = [each for each in passed(sweep.entries, tenant) if isinstance(each, SweptEntry)]
    with vault.asked() as requests:
        sweep.delete_entries([each for each in entries if each.version == 1])
    (left,) = passed(sweep.entries, tenant)
    assert isinstance(left, SweptEntry)
    assert left.key["subject_ref"] == kept.subject_ref
    assert names_of(requests) == {"DeleteItem": 3}


class HeldByATransaction:
    """A client whose row another transaction holds for some calls; the embedded AWS has none that overlap."""

    def __init__(self, calls: int) -> None:
        self.left = calls
        self.calls = 0

    def delete_item(self, **_parameters: Any) -> Any:
        """As AWS answers."""
        self.calls += 1
        self.left -= 1
        if self.left >= 0:
            raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "DeleteItem")
        return {}

    update_item = delete_item


def test_a_single_write_to_a_row_that_a_transaction_holds_is_contended(vault: RecordTables, tenant: str) -> None:
    record = wrapped(vault.store(tenant))
    with pytest.raises(Contended):
        DynamoWrappedRecords(Tables(HeldByATransaction(1)), vault.names).rewrap(record, NEWLY_WRAPPED)


def test_an_entry_that_a_transaction_holds_is_deleted_afterwards(vault: RecordTables) -> None:
    client = HeldByATransaction(2)
    DynamoSweptIndex(Tables(client), vault.names).delete_entries([ENTRY])
    assert client.calls == 3


def test_an_entry_that_transactions_hold_for_good_is_given_up(vault: RecordTables) -> None:
    with pytest.raises(StoreUnavailable):
        DynamoSweptIndex(Tables(HeldByATransaction(100)), vault.names).delete_entries([ENTRY])


def test_an_entry_that_is_gone_already_is_no_fault(vault: RecordTables, tenant: str) -> None:
    vault.store(tenant)
    sweep = DynamoSweptIndex(vault.tables, vault.names)
    entries = [each for each in passed(sweep.entries, tenant) if isinstance(each, SweptEntry)]
    sweep.delete_entries(entries)
    sweep.delete_entries(entries)
    assert passed(sweep.entries, tenant) == []
