"""What passes over all records see of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.counted_tables import DynamoCountedTables
from phone_vault.adapters.index_rows import index_entry_key
from phone_vault.adapters.indexed_records import DynamoIndexedRecords
from phone_vault.adapters.rows import message_key_row
from phone_vault.adapters.swept_index import DynamoSweptIndex
from phone_vault.adapters.wrapped_records import DynamoWrappedRecords
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import (
    CountedEntry,
    CountedRecord,
    CountedTables,
    Cursor,
    IndexedRecords,
    Page,
    Shard,
    SweptIndex,
    SweptRecord,
    Unreadable,
    WrappedRecords,
)
from phone_vault.domain.ports import RecordId
from phone_vault.domain.wrapped_record import WrappedRecord
from tests.unit.adapters.record_tables import DUE, NOW, SHARDS, RecordTables, names_of, passed

Pages = Callable[[Shard, Cursor | None, str | None], Page[Any]]
ALL = Shard(0, 1)
ENOUGH_FOR_PAGES = 101 * SHARDS + 60


def wrapped_records(vault: RecordTables) -> WrappedRecords:
    return DynamoWrappedRecords(vault.tables, vault.names)


def indexed_records(vault: RecordTables) -> IndexedRecords:
    return DynamoIndexedRecords(vault.tables, vault.names)


def swept_index(vault: RecordTables) -> SweptIndex:
    return DynamoSweptIndex(vault.tables, vault.names)


def counted_tables(vault: RecordTables) -> CountedTables:
    return DynamoCountedTables(vault.tables, vault.names)


def entries_swept(vault: RecordTables, table: str) -> Pages:
    return DynamoSweptIndex(vault.tables, replace(vault.names, lookup_index=table)).entries


def entries_counted(vault: RecordTables, table: str) -> Pages:
    return DynamoCountedTables(vault.tables, replace(vault.names, lookup_index=table)).entries


SCANS: Mapping[str, Callable[[RecordTables], Pages]] = {
    "wrapped": lambda vault: wrapped_records(vault).page,
    "indexed": lambda vault: indexed_records(vault).page,
    "swept": lambda vault: swept_index(vault).records,
    "counted": lambda vault: counted_tables(vault).records,
}
every_scan = pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)


def sight_of(records: WrappedRecords, tenant: str) -> str:
    """All that is brought of the tenant's only row, by the pass and by itself."""
    (row,) = passed(records.page, tenant)
    assert isinstance(row, WrappedRecord)
    return f"{row} {records.read(row)}"


@pytest.fixture(scope="module")
def many(vault: RecordTables) -> list[str]:
    """Tokens of a tenant with several pages of records in every shard."""
    tenant = vault.tenant()
    return sorted(vault.store(tenant).token for _ in range(ENOUGH_FOR_PAGES))


def test_a_pass_meets_every_record_once(vault: RecordTables, many: list[str]) -> None:
    with vault.asked() as requests:
        met = passed(wrapped_records(vault).page, None)
    assert sorted(each.name for each in met if isinstance(each, WrappedRecord) and each.name in many) == many
    assert names_of(requests)["Scan"] >= 2 * SHARDS


def test_a_pass_meets_every_entry_once(vault: RecordTables, many: list[str]) -> None:
    met = [each for each in passed(swept_index(vault).entries, None) if not isinstance(each, Unreadable)]
    assert len({tuple(each.key.items()) for each in met}) == len(met) >= len(many)


@every_scan
def test_a_page_of_records_looks_at_a_hundred_rows_and_names_its_attributes(
    vault: RecordTables, tenant: str, scan: Callable[[RecordTables], Pages]
) -> None:
    with vault.asked() as requests:
        scan(vault)(Shard(1, SHARDS), None, tenant)
    ((_, request),) = requests
    assert (request["Limit"], request["Segment"], request["TotalSegments"]) == (100, 1, SHARDS)
    assert request["ConsistentRead"]
    assert request["Select"] == "SPECIFIC_ATTRIBUTES"


@pytest.mark.parametrize("entries", [entries_swept, entries_counted])
def test_a_thousand_entries_of_a_shard_are_one_request(
    vault: RecordTables, own_index: str, entries: Callable[[RecordTables, str], Pages]
) -> None:
    """No cursor is kept among them, so that all have to be passed over in one call."""
    for number in range(1000):
        key = index_entry_key("acme", 1, number.to_bytes(32), f"ref-{number}")
        vault.put(own_index, {**key, "token": f"tok_{number:020}"})
    with vault.asked() as requests:
        met = passed(entries(vault, own_index), None, shards=1)
    assert len(met) == 1000
    assert names_of(requests) == {"Scan": 1}


@pytest.mark.parametrize("name", ["swept", "counted"])
def test_the_sweep_and_the_census_bring_no_key(vault: RecordTables, tenant: str, name: str) -> None:
    with vault.asked() as requests:
        SCANS[name](vault)(Shard(0, SHARDS), None, tenant)
    assert "wrapped_key" not in requests[0][1]["ProjectionExpression"]


def test_rewrapping_sees_of_a_stored_number_nothing_of_whom_it_belongs_to(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant)
    seen = sight_of(wrapped_records(vault), tenant)
    assert record.token in seen
    assert record.subject_id not in seen
    assert record.subject_ref not in seen


def test_rewrapping_sees_of_a_message_key_whose_it_is_by_the_subject_ref_alone(
    vault: RecordTables, tenant: str
) -> None:
    key = vault.store_message_key(tenant)
    seen = sight_of(wrapped_records(vault), tenant)
    assert key.key_id.subject_ref in seen
    assert key.subject_id not in seen


@every_scan
def test_a_pass_over_a_tenant_meets_no_other(
    vault: RecordTables, tenant: str, scan: Callable[[RecordTables], Pages]
) -> None:
    vault.store(tenant)
    vault.store(f"{tenant}-b")
    assert len(passed(scan(vault), tenant)) == 1


def test_a_pass_over_the_entries_of_a_tenant_meets_no_other(vault: RecordTables, tenant: str) -> None:
    vault.store(tenant, (1, 2))
    vault.store(f"{tenant}-b")
    entries = passed(counted_tables(vault).entries, tenant)
    assert sorted(entries, key=str) == [CountedEntry(tenant, 1), CountedEntry(tenant, 2)]


@every_scan
def test_what_has_lost_its_key_is_no_record(
    vault: RecordTables, tenant: str, scan: Callable[[RecordTables], Pages]
) -> None:
    vault.shred(vault.store(tenant))
    vault.shred(vault.store_message_key(tenant))
    assert passed(scan(vault), tenant) == []


@every_scan
@pytest.mark.parametrize("value", [{"NULL": True}, {"S": "x"}], ids=["of-no-type-of-rows", "of-another-type"])
def test_a_row_that_does_not_read_stops_no_other(
    vault: RecordTables, tenant: str, scan: Callable[[RecordTables], Pages], value: Mapping[str, Any]
) -> None:
    vault.store(tenant)
    spoiled = vault.store(tenant)
    for attribute in ("branch_key_version", "index_positions"):
        vault.spoil(spoiled, attribute, value)
    met = passed(scan(vault), tenant)
    assert len(met) == 2
    assert met.count(Unreadable(tenant)) == 1


@pytest.mark.parametrize("record_id", ["#vault#x", "nobody", "a b#tok_00000000000000000000"])
def test_a_row_of_no_tenant_is_told_apart(vault: RecordTables, record_id: str) -> None:
    key = {"record_id": record_id}
    vault.put(vault.names.record_keys, {**key, "wrapped_key": b"wrapped"})
    assert Unreadable(None) in passed(counted_tables(vault).records, None)
    vault.client.delete_item(TableName=vault.names.record_keys, Key={"record_id": {"S": record_id}})


@pytest.mark.parametrize("place", ["{}#one#x", "{}#1", "{}#01#x", "{}#1#x#y"])
def test_an_entry_that_does_not_read_stops_no_other(vault: RecordTables, tenant: str, place: str) -> None:
    vault.store(tenant)
    entry = {"index_position": place.format(tenant), "subject_ref": "ref", "token": "tok_x"}
    vault.put(vault.names.lookup_index, entry)
    met = passed(swept_index(vault).entries, tenant)
    assert len(met) == 2
    assert Unreadable(tenant) in met


def test_rewrapping_meets_message_keys_too(vault: RecordTables, tenant: str) -> None:
    key = vault.store_message_key(tenant)
    assert passed(wrapped_records(vault).page, tenant) == [WrappedRecord(tenant, key.name, b"wrapped", 1, None, 1)]


def test_reindexing_meets_whole_records_and_no_message_key(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant, (1, 2), kms_key="arn", branch_key_version=None, key_made_at=NOW)
    vault.store_message_key(tenant)
    assert passed(indexed_records(vault).page, tenant) == [record]


def test_the_sweep_meets_what_stands_in_the_index(vault: RecordTables, tenant: str) -> None:
    record = vault.store(tenant, (1, 2))
    vault.store(tenant, ())
    vault.store_message_key(tenant)
    positions = {version: each.blind_index for version, each in record.index_positions.items()}
    swept = SweptRecord(RecordId(tenant, record.token), record.subject_ref, 1, positions)
    assert passed(swept_index(vault).records, tenant) == [swept]
    assert swept_index(vault).read(swept.record_id) == swept


def test_the_census_meets_whatever_has_a_key(vault: RecordTables, tenant: str) -> None:
    vault.store(tenant, (1, 2), branch_key_version=None)
    vault.store_message_key(tenant)
    expected = [
        CountedRecord(tenant, Kind.MESSAGE_KEY, 1, frozenset(), NOW),
        CountedRecord(tenant, Kind.STORED_NUMBER, None, frozenset({1, 2}), NOW),
    ]
    met = passed(counted_tables(vault).records, tenant)
    assert sorted(met, key=str) == sorted(expected, key=str)


@pytest.fixture
def own_table(vault: RecordTables) -> Iterator[str]:
    """In place of RecordKeys, for what depends on how many rows there are in all."""
    name = "OwnRecordKeys"
    vault.client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "record_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "record_id", "KeyType": "HASH"}],
    )
    yield name
    vault.client.delete_table(TableName=name)


@pytest.fixture
def own_index(vault: RecordTables) -> Iterator[str]:
    """In place of LookupIndex, likewise."""
    name = "OwnLookupIndex"
    keys = {"index_position": "HASH", "subject_ref": "RANGE"}
    vault.client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
    )
    yield name
    vault.client.delete_table(TableName=name)


def scan_of(vault: RecordTables, table: str) -> WrappedRecords:
    return DynamoWrappedRecords(vault.tables, replace(vault.names, record_keys=table))


def fill(vault: RecordTables, table: str, count: int) -> list[str]:
    """The names of message keys' rows."""
    keys = [vault.message_key("acme") for _ in range(count)]
    for key in keys:
        vault.put(table, message_key_row(key, DUE))
    return sorted(key.name for key in keys)


def test_a_page_that_ends_where_the_shard_ends_is_followed_by_nothing(vault: RecordTables, own_table: str) -> None:
    names = fill(vault, own_table, 100)
    scan = scan_of(vault, own_table)
    page = scan.page(ALL, None, None)
    after = scan.page(ALL, page.next_cursor, None) if page.next_cursor else None
    assert sorted(each.name for each in page.rows if isinstance(each, WrappedRecord)) == names
    assert after is None or (after.rows, after.next_cursor) == ([], None)


def test_a_pass_goes_on_behind_a_record_that_is_gone_since(vault: RecordTables, own_table: str) -> None:
    names = fill(vault, own_table, 150)
    scan = scan_of(vault, own_table)
    page = scan.page(ALL, None, None)
    assert page.next_cursor is not None
    vault.client.delete_item(TableName=own_table, Key=serialized(page.next_cursor))
    rest = scan.page(ALL, page.next_cursor, None)
    assert sorted(each.name for each in (*page.rows, *rest.rows) if isinstance(each, WrappedRecord)) == names


def test_a_table_without_rows_is_passed_in_a_page(vault: RecordTables, own_table: str) -> None:
    page = scan_of(vault, own_table).page(ALL, None, None)
    assert (page.rows, page.next_cursor) == ([], None)


def test_a_record_reads_as_it_is_now(vault: RecordTables, tenant: str) -> None:
    scan = wrapped_records(vault)
    record = vault.store(tenant)
    (read,) = passed(scan.page, tenant)
    assert isinstance(read, WrappedRecord)
    vault.use(record)
    assert scan.read(read) == WrappedRecord(tenant, record.token, b"wrapped", 1, None, 2)


@pytest.mark.parametrize("end", [RecordTables.shred, RecordTables.erase])
def test_a_record_without_a_key_is_not_read_again(
    vault: RecordTables, tenant: str, end: Callable[[RecordTables, Any], None]
) -> None:
    record = vault.store(tenant)
    (read,) = passed(wrapped_records(vault).page, tenant)
    assert isinstance(read, WrappedRecord)
    end(vault, record)
    record_id = RecordId(tenant, record.token)
    assert wrapped_records(vault).read(read) is None
    assert swept_index(vault).read(record_id) is None
    records, _ = indexed_records(vault).records_and_messages([record_id])
    assert records == {}


def test_records_and_messages_are_read_together(vault: RecordTables, tenant: str) -> None:
    stored = [vault.store(tenant) for _ in range(3)]
    ids = [RecordId(tenant, each.token) for each in stored]
    with vault.asked() as requests:
        records, messages = indexed_records(vault).records_and_messages(ids)
    assert records == dict(zip(ids, stored, strict=True))
    assert messages == dict.fromkeys(ids, b"message")
    assert names_of(requests) == {"BatchGetItem": 1}


def test_a_record_or_message_that_does_not_read_is_left_out(vault: RecordTables, tenant: str) -> None:
    sound, spoiled, garbled = (vault.store(tenant) for _ in range(3))
    vault.spoil(spoiled, "revision", {"NULL": True})
    vault.put(vault.names.numbers, {"record_id": f"{tenant}#{garbled.token}", "message": "text"})
    ids = [RecordId(tenant, each.token) for each in (sound, spoiled, garbled)]
    records, messages = indexed_records(vault).records_and_messages(ids)
    assert records.keys() == {ids[0], ids[2]}
    assert messages.keys() == {ids[0], ids[1]}
