"""How records are changed and destroyed on the embedded AWS, and on which conditions they are not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.adapters.index_rows import index_entry_key
from phone_vault.adapters.numbers import DynamoNumberStore
from phone_vault.adapters.retained import DynamoRetainedStore
from phone_vault.adapters.rows import message_key_of, record_of
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.ports import Contended, NewMessageKey, RecordId
from phone_vault.domain.retention import Retained, bucket_on
from phone_vault.domain.rights_ports import Because
from phone_vault.domain.standing import Erasure, Ground, Hold, Level, Restriction, Standing
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone
from tests.unit.adapters.record_tables import DUE, NOW, RecordTables, names_of

AT = NOW + timedelta(days=40)
EXPIRES_AT = AT + timedelta(days=90)
HELD = Standing(holds=frozenset({Hold("case 7", Level.TOKEN)}))
RESTRICTED = Standing(restrictions=frozenset({Restriction(Ground.CLAIMS, Level.SUBJECT)}))
LEFT = {"record_id", "subject_ref", "revision", "erased_at", "expires_ttl"}
UNTIL_SWEPT = {"index_positions", "purpose_names", "due"}
ENTRY = Entry("Erase#writer", 1, "2026-01-01T00:00:00Z", None, "{}", b"mac")


class Store:
    """The adapter over a vault, with memberships as applications write them."""

    def __init__(self, vault: RecordTables) -> None:
        self.vault = vault
        self.retained = DynamoRetainedStore(vault.tables, vault.names)

    def number(self, tenant: str, versions: tuple[int, ...] = (1,), **changes: Any) -> Any:
        record = self.vault.store(tenant, versions, **changes)
        self.vault.put(self.vault.names.subjects, member_of(record))
        return record

    def message_key(self, tenant: str) -> Any:
        key = self.vault.store_message_key(tenant)
        self.vault.put(self.vault.names.subjects, member_of(key))
        return key

    def shred(self, record: Retained, because: Because = Because.ERASURE) -> Tombstone:
        return self.retained.shred(record, because, AT, EXPIRES_AT)

    def destroy(self, record: Retained) -> Tombstone:
        tombstone = self.shred(record)
        self.retained.clear(tombstone)
        self.retained.close(tombstone)
        return tombstone

    def read(self, record: Retained) -> Retained | Tombstone | None:
        record_id = RecordId(record.tenant_id, record.name)
        return self.retained.read([record_id]).get(record_id)

    def is_member(self, record: Retained) -> bool:
        return bool(self.vault.item(self.vault.names.subjects, member_of(record)))


def member_of(record: Retained) -> dict[str, str]:
    name = record.name
    member = f"m#{name.rpartition('#')[2]}" if name.startswith("m#") else f"t#{name}"
    return {"subject": f"{record.tenant_id}#{record.subject_ref}", "member": member}


@pytest.fixture(scope="module")
def store(vault: RecordTables) -> Store:
    return Store(vault)


# Phase 1.


def test_shredding_leaves_what_a_tombstone_keeps_and_what_sweeping_needs(store: Store, tenant: str) -> None:
    record = store.number(tenant, branch_key_version=None, kms_key="arn", key_made_at=NOW, last_used={"delivery": NOW})
    tombstone = store.shred(record)
    assert store.vault.row(record).keys() == LEFT | UNTIL_SWEPT
    assert store.read(record) == tombstone
    assert (tombstone.erased_at, tombstone.revision, tombstone.purposes) == (AT, record.revision + 1, ("delivery",))
    assert tombstone.positions == {1: record.index_positions[1].blind_index}
    assert store.vault.row(record)["expires_ttl"] == int(EXPIRES_AT.timestamp())


def test_shredding_is_one_conditional_update(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    with store.vault.asked() as requests:
        store.shred(record)
    assert names_of(requests) == {"UpdateItem": 1}
    assert "ReturnValues" not in requests[0][1]


def test_a_row_that_says_it_was_shredded_and_has_its_key_is_a_tampered_store(store: Store, tenant: str) -> None:
    number, key = store.number(tenant), store.message_key(tenant)
    for record in (number, key):
        store.vault.spoil(record, "erased_at", {"S": "2025-01-01T00:00:00Z"})
        with pytest.raises(TamperedStore):
            store.read(record)
    numbers = DynamoNumberStore(store.vault.tables, store.vault.names)
    with pytest.raises(TamperedStore):
        numbers.records([RecordId(tenant, number.token)])
    with pytest.raises(TamperedStore):
        numbers.records_and_messages([RecordId(tenant, number.token)])
    with pytest.raises(TamperedStore):
        numbers.message_keys([key.key_id])


def test_a_message_key_keeps_its_generation(store: Store, tenant: str) -> None:
    key = store.message_key(tenant)
    tombstone = store.shred(key)
    assert store.vault.row(key).keys() == (LEFT | UNTIL_SWEPT | {"generation"}) - {"index_positions"}
    assert store.read(key) == tombstone
    assert (tombstone.generation, tombstone.positions) == (1, {})


def test_what_an_erasure_shreds_is_due_on_that_day_and_what_a_purge_shreds_stays_where_it_is(
    store: Store, tenant: str
) -> None:
    erased, purged = store.number(tenant), store.number(tenant)
    store.shred(erased)
    store.shred(purged, Because.PURGE)
    assert store.vault.row(erased)["due"] == bucket_on(erased, AT)
    assert store.vault.row(purged)["due"] == DUE


def test_an_erasure_that_waited_is_known_until_it_is_swept(store: Store, tenant: str) -> None:
    record = store.number(tenant, standing=Standing(erasure=Erasure("e-1", NOW)))
    tombstone = store.shred(record)
    assert tombstone.erasure == Erasure("e-1", NOW)
    assert store.read(record) == tombstone


Change = Callable[[RecordTables, Any], None]


@pytest.mark.parametrize("meanwhile", [RecordTables.use, RecordTables.shred, RecordTables.erase])
@pytest.mark.parametrize("because", Because)
def test_a_record_that_has_changed_since_is_not_shredded(
    store: Store, tenant: str, because: Because, meanwhile: Change
) -> None:
    record = store.number(tenant)
    meanwhile(store.vault, record)
    before = store.vault.row(record)
    with pytest.raises(Contended):
        store.shred(record, because)
    assert store.vault.row(record) == before


@pytest.mark.parametrize(
    ("standing", "because"),
    [(HELD, Because.ERASURE), (HELD, Because.PURGE), (RESTRICTED, Because.PURGE)],
    ids=["held, erased", "held, purged", "restricted, purged"],
)
def test_what_is_kept_is_not_shredded_whatever_its_reader_believes(
    store: Store, tenant: str, standing: Standing, because: Because
) -> None:
    """The condition is in the write itself: that the revision is right is not enough."""
    record = store.number(tenant, standing=standing)
    with pytest.raises(Contended):
        store.shred(replace(record, standing=Standing()), because)
    assert record_of(store.vault.row(record)) == record


def test_what_is_restricted_is_erased(store: Store, tenant: str) -> None:
    assert store.shred(store.number(tenant, standing=RESTRICTED)).erased_at == AT


def test_a_hold_that_is_placed_after_the_read_keeps_the_record(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    store.retained.change(record, replace(record, standing=HELD), DUE, [])
    with pytest.raises(Contended):
        store.shred(record)
    with pytest.raises(Contended):
        store.shred(replace(record, revision=record.revision + 1))
    assert "wrapped_key" in store.vault.row(record)


# Phase 2.


@pytest.mark.parametrize("versions", [(), (1,), (1, 2)])
def test_of_a_swept_number_nothing_is_left_but_the_tombstone(
    store: Store, tenant: str, versions: tuple[int, ...]
) -> None:
    record = store.number(tenant, versions)
    store.destroy(record)
    assert store.vault.row(record).keys() == LEFT | {"swept"}
    assert store.vault.message(record) is None
    assert [store.vault.entry(record, each, record.index_positions[each].blind_index) for each in versions] == [
        None for _ in versions
    ]
    assert not store.is_member(record)
    read = store.read(record)
    assert isinstance(read, Tombstone)
    assert (read.is_swept, read.positions, read.purposes, read.erasure) == (True, {}, (), None)


def test_sweeping_again_writes_nothing(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    tombstone = store.destroy(record)
    swept = store.vault.row(record)
    store.retained.clear(tombstone)
    store.retained.close(tombstone)
    assert store.vault.row(record) == swept
    read = store.read(record)
    assert isinstance(read, Tombstone)
    with store.vault.asked() as requests:
        store.retained.close(read)
    assert requests == []


def test_an_entry_that_another_token_has_taken_over_stays(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    tombstone = store.shred(record)
    blind_index = record.index_positions[1].blind_index
    key = index_entry_key(tenant, 1, blind_index, record.subject_ref)
    store.vault.put(store.vault.names.lookup_index, {**key, "token": "tok_" + "1" * 25})
    store.retained.clear(tombstone)
    assert store.vault.entry(record, 1, blind_index) == "tok_" + "1" * 25


def test_many_are_closed_in_one_transaction(store: Store, tenant: str) -> None:
    records = [store.number(tenant) for _ in range(50)]
    tombstones = [store.shred(record) for record in records]
    with store.vault.asked() as requests:
        store.retained.close(*tombstones)
    assert names_of(requests) == {"TransactWriteItems": 1}
    assert not any(store.is_member(record) for record in records)


def test_one_of_many_that_is_closed_already_does_not_stop_the_others(store: Store, tenant: str) -> None:
    records = [store.number(tenant) for _ in range(3)]
    tombstones = [store.shred(record) for record in records]
    store.retained.close(tombstones[1])
    store.retained.close(*tombstones)
    assert all(store.vault.row(record).keys() >= {"swept"} for record in records)


def test_a_message_key_made_anew_keeps_its_membership(store: Store, tenant: str) -> None:
    key = store.message_key(tenant)
    tombstone = store.shred(key)
    read = store.read(key)
    assert isinstance(read, Tombstone)
    anew = replace(key, generation=2)
    subject = Subject(SubjectId(tenant, key.subject_ref))
    numbers = DynamoNumberStore(store.vault.tables, store.vault.names)
    numbers.add_message_key(NewMessageKey(anew, DUE, subject, read), replace(ENTRY, chain=f"Encrypt#{tenant}"))
    store.retained.clear(tombstone)
    store.retained.close(replace(tombstone, revision=tombstone.revision))
    assert store.is_member(key)
    assert message_key_of(key.key_id, store.vault.row(key)).generation == 2


def test_a_message_key_is_swept_with_its_membership(store: Store, tenant: str) -> None:
    key = store.message_key(tenant)
    store.destroy(key)
    assert store.vault.row(key).keys() == LEFT | {"generation", "swept"}
    assert not store.is_member(key)


# Changes.


def test_a_change_is_written_with_its_entry_or_not_at_all(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    entry = replace(ENTRY, chain=f"Hold#{tenant}")
    held = replace(record, standing=HELD)
    store.retained.change(record, held, "2026-03-01#00", [entry])
    assert store.read(record) == replace(held, revision=record.revision + 1)
    assert store.vault.row(record)["due"] == "2026-03-01#00"
    key = {"chain": entry.chain, "sequence": 1}
    assert store.vault.item(store.vault.names.audit_trail, key)["entry"] == "{}"
    with pytest.raises(Contended):
        store.retained.change(record, record, DUE, [replace(entry, sequence=2)])
    assert not store.vault.item(store.vault.names.audit_trail, {**key, "sequence": 2})


def test_what_was_shredded_is_not_changed(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    store.shred(record)
    with pytest.raises(Contended):
        store.retained.change(replace(record, revision=record.revision + 1), record, DUE, [])


def test_more_than_100_are_read_at_once_numbers_keys_and_tombstones(store: Store, tenant: str) -> None:
    records = [store.number(tenant) for _ in range(101)]
    key = store.message_key(tenant)
    store.shred(records[0])
    record_ids = [RecordId(tenant, each.name) for each in [*records, key]]
    found = store.retained.read([*record_ids, RecordId(tenant, "tok_" + "0" * 25)])
    assert found.keys() == set(record_ids)
    assert isinstance(found[record_ids[0]], Tombstone)
    assert found[record_ids[-1]] == key


# Figures.


def test_a_record_is_destroyed_in_four_requests(store: Store, tenant: str) -> None:
    record = store.number(tenant)
    with store.vault.asked() as requests:
        store.destroy(record)
    assert names_of(requests) == {"UpdateItem": 1, "DeleteItem": 2, "TransactWriteItems": 1}
