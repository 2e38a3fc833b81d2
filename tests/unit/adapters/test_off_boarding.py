"""What off-boarding keeps in Operations and does to RecordKeys, on the embedded AWS."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.adapters.attribute_values import deserialized, serialized
from phone_vault.adapters.key_ring import DynamoKeyRingStore
from phone_vault.adapters.off_boarding import DynamoOffBoardingStore
from phone_vault.adapters.receipts import DynamoReceiptStore
from phone_vault.adapters.tables import TableNames, Tables
from phone_vault.adapters.tenant_records import DynamoTenantRecords
from phone_vault.domain.audit import BEGINNING, Entry
from phone_vault.domain.errors import StoreUnavailable, TamperedStore
from phone_vault.domain.inventory import Kind
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.receipt_ports import KeyFate, SealedOffBoarding, TenantRecord
from phone_vault.local import LocalCloud
from tests.fake_signer import MemorySigner
from tests.fakes import NEW_YEAR
from tests.unit.receipts import PURGED, receipt_of

RECEIPT = receipt_of(PURGED, MemorySigner())
REF = "r" * 43
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud() as opened:
        yield opened


@pytest.fixture
def dynamodb(cloud: LocalCloud) -> Any:
    return cloud.client("dynamodb")


@pytest.fixture
def tables(dynamodb: Any) -> Tables:
    return Tables(dynamodb)


@pytest.fixture
def names(cloud: LocalCloud) -> TableNames:
    outputs = cloud.outputs
    return TableNames(
        key_ring=outputs["KeyRingTable"],
        record_keys=outputs["RecordKeysTable"],
        lookup_index=outputs["LookupIndexTable"],
        subjects=outputs["SubjectsTable"],
        numbers=outputs["NumbersTable"],
        audit_trail=outputs["AuditTrailTable"],
        operations=outputs["OperationsTable"],
    )


@pytest.fixture
def tenant() -> str:
    return f"tenant-{next(_NUMBERS)}"


@pytest.fixture
def records(tables: Tables, names: TableNames) -> DynamoTenantRecords:
    return DynamoTenantRecords(tables, names)


def new_entry() -> Entry:
    return Entry(f"Offboard#{next(_NUMBERS)}", 1, "2026-01-01T00:00:00Z", None, "{}", BEGINNING.encode())


class TestReceipts:
    @pytest.fixture
    def store(self, tables: Tables, names: TableNames) -> DynamoReceiptStore:
        return DynamoReceiptStore(tables, names)

    def test_there_is_none_before_it_is_stored(self, store: DynamoReceiptStore, tenant: str) -> None:
        assert store.read(f"offboard#{tenant}") is None

    def test_it_is_read_as_it_was_stored(self, store: DynamoReceiptStore, tenant: str) -> None:
        store.add(f"offboard#{tenant}", RECEIPT, new_entry())
        assert store.read(f"offboard#{tenant}") == RECEIPT

    def test_it_is_never_overwritten(self, store: DynamoReceiptStore, tenant: str) -> None:
        store.add(f"offboard#{tenant}", RECEIPT, new_entry())
        with pytest.raises(Contended):
            store.add(f"offboard#{tenant}", {**RECEIPT, "reason": "another"}, new_entry())
        assert store.read(f"offboard#{tenant}") == RECEIPT

    def test_it_is_stored_with_its_entry_or_not_at_all(self, store: DynamoReceiptStore, tenant: str) -> None:
        entry = new_entry()
        store.add(f"offboard#{tenant}-before", RECEIPT, entry)
        with pytest.raises(StoreUnavailable):
            store.add(f"offboard#{tenant}", RECEIPT, entry)
        assert store.read(f"offboard#{tenant}") is None

    def test_it_never_goes(self, store: DynamoReceiptStore, dynamodb: Any, names: TableNames, tenant: str) -> None:
        store.add(f"offboard#{tenant}", RECEIPT, new_entry())
        key = serialized({"operation_id": f"receipt#offboard#{tenant}"})
        row = dynamodb.get_item(TableName=names.operations, Key=key)["Item"]
        assert row.keys() == {"operation_id", "receipt"}

    @pytest.mark.parametrize("content", [{}, {"receipt": "["}, {"receipt": "[]"}, {"receipt": 7}])
    def test_what_is_none_is_a_tampered_store(
        self, store: DynamoReceiptStore, dynamodb: Any, names: TableNames, tenant: str, content: dict[str, Any]
    ) -> None:
        row = {"operation_id": f"receipt#offboard#{tenant}", **content}
        dynamodb.put_item(TableName=names.operations, Item=serialized(row))
        with pytest.raises(TamperedStore):
            store.read(f"offboard#{tenant}")


class TestOffBoardings:
    @pytest.fixture
    def store(self, tables: Tables, names: TableNames) -> DynamoOffBoardingStore:
        return DynamoOffBoardingStore(tables, names)

    def test_it_is_read_as_it_was_written(self, store: DynamoOffBoardingStore, tenant: str) -> None:
        assert store.read(tenant) is None
        first, second = SealedOffBoarding("{}", b"seal", 1), SealedOffBoarding("[]", b"other", 2)
        store.write(tenant, first)
        assert store.read(tenant) == first
        store.write(tenant, second)
        assert store.read(tenant) == second

    def test_nobody_writes_over_what_another_has_written(self, store: DynamoOffBoardingStore, tenant: str) -> None:
        first = SealedOffBoarding("{}", b"seal", 1)
        store.write(tenant, first)
        for revision in (1, 3):
            with pytest.raises(Contended):
                store.write(tenant, SealedOffBoarding("[]", b"mine", revision))
        assert store.read(tenant) == first

    @pytest.mark.parametrize(
        "content",
        [
            {"state": "done", "counts": {"stored_numbers": 1}, "revision": 1},
            {"content": "{}", "revision": 1},
            {"seal": b"seal", "revision": 1},
            {"content": "{}", "seal": b"seal"},
            {"content": b"{}", "seal": b"seal", "revision": 1},
            {"content": "{}", "seal": "seal", "revision": 1},
        ],
    )
    def test_what_does_not_read_is_a_tampered_store(
        self, store: DynamoOffBoardingStore, dynamodb: Any, names: TableNames, tenant: str, content: dict[str, Any]
    ) -> None:
        row = {"operation_id": f"offboard#{tenant}", **content}
        dynamodb.put_item(TableName=names.operations, Item=serialized(row))
        with pytest.raises(TamperedStore):
            store.read(tenant)


class TestRecords:
    @pytest.fixture(autouse=True)
    def rows(self, dynamodb: Any, names: TableNames, tenant: str) -> None:
        for owner in (tenant, f"{tenant}-other"):
            for name, version in {"tok_1": 1, "tok_2": 0, f"m#{REF}#security": 2, f"m#{REF}#delivery": 0}.items():
                row = {"record_id": f"{owner}#{name}", "wrapped_key": b"key", "branch_key_version": version}
                own = {"kms_key": "arn"} if version == 0 else {}
                self.put(dynamodb, names, {**row, **own, "revision": 3, "subject_ref": REF, "due": "2026-01-01#1"})

    def put(self, dynamodb: Any, names: TableNames, row: dict[str, Any]) -> None:
        dynamodb.put_item(TableName=names.record_keys, Item=serialized(row))

    def row(self, dynamodb: Any, names: TableNames, record_id: str) -> dict[str, Any]:
        answer = dynamodb.get_item(TableName=names.record_keys, Key=serialized({"record_id": record_id}))
        return deserialized(answer["Item"])

    def all(self, records: DynamoTenantRecords, tenant: str) -> dict[str, TenantRecord]:
        found: dict[str, TenantRecord] = {}
        cursor = None
        while True:
            page = records.page(tenant, cursor)
            found |= {each.record_id.token: each for each in page.records}
            cursor = page.next_cursor
            if cursor is None:
                return found

    def test_a_page_tells_which_keys_do_not_go_with_branch_keys(
        self, records: DynamoTenantRecords, tenant: str
    ) -> None:
        assert self.all(records, tenant) == {
            name: TenantRecord(RecordId(tenant, name), kind, fate)
            for name, kind, fate in (
                ("tok_1", Kind.STORED_NUMBER, KeyFate.GOES),
                ("tok_2", Kind.STORED_NUMBER, KeyFate.STAYS),
                (f"m#{REF}#security", Kind.MESSAGE_KEY, KeyFate.GOES),
                (f"m#{REF}#delivery", Kind.MESSAGE_KEY, KeyFate.STAYS),
            )
        }

    def test_a_row_that_does_not_say_what_wraps_it_has_a_key_to_destroy(
        self, records: DynamoTenantRecords, dynamodb: Any, names: TableNames, tenant: str
    ) -> None:
        odd_ones: list[dict[str, Any]] = [{}, {"branch_key_version": "1"}, {"branch_key_version": b"1"}]
        for number, odd in enumerate(odd_ones):
            self.put(dynamodb, names, {"record_id": f"{tenant}#odd-{number}", "wrapped_key": b"key", **odd})
        found = self.all(records, tenant)
        assert all(found[f"odd-{number}"].fate is KeyFate.STAYS for number in range(3))

    def test_a_destroyed_key_leaves_a_tombstone(
        self, records: DynamoTenantRecords, dynamodb: Any, names: TableNames, tenant: str
    ) -> None:
        before = self.row(dynamodb, names, f"{tenant}#tok_2")
        records.destroy_key(RecordId(tenant, "tok_2"), NEW_YEAR, NEW_YEAR + timedelta(days=90))
        after = self.row(dynamodb, names, f"{tenant}#tok_2")
        expires_ttl = int((NEW_YEAR + timedelta(days=90)).timestamp())
        kept = {name: value for name, value in before.items() if name not in ("wrapped_key", "kms_key")}
        made = {"revision": 4, "erased_at": "2026-01-01T00:00:00Z", "off_boarded": 1, "expires_ttl": expires_ttl}
        assert after == {**kept, **made}
        assert self.all(records, tenant)["tok_2"].fate is KeyFate.WENT

    def test_a_tombstone_stays_as_it_is(
        self, records: DynamoTenantRecords, dynamodb: Any, names: TableNames, tenant: str
    ) -> None:
        records.destroy_key(RecordId(tenant, "tok_2"), NEW_YEAR, NEW_YEAR + timedelta(days=90))
        before = self.row(dynamodb, names, f"{tenant}#tok_2")
        records.destroy_key(RecordId(tenant, "tok_2"), NEW_YEAR + timedelta(days=1), NEW_YEAR + timedelta(days=91))
        assert self.row(dynamodb, names, f"{tenant}#tok_2") == before

    def test_a_row_that_is_gone_does_not_come_back(
        self, records: DynamoTenantRecords, dynamodb: Any, names: TableNames, tenant: str
    ) -> None:
        records.destroy_key(RecordId(tenant, "tok_9"), NEW_YEAR, NEW_YEAR)
        key = serialized({"record_id": f"{tenant}#tok_9"})
        assert "Item" not in dynamodb.get_item(TableName=names.record_keys, Key=key)

    def test_a_key_goes_whatever_was_written_since_it_was_read(
        self, records: DynamoTenantRecords, dynamodb: Any, names: TableNames, tenant: str
    ) -> None:
        found = self.all(records, tenant)["tok_2"]
        row = self.row(dynamodb, names, f"{tenant}#tok_2")
        self.put(dynamodb, names, {**row, "revision": 9, "wrapped_key": b"another"})
        records.destroy_key(found.record_id, NEW_YEAR, NEW_YEAR)
        after = self.row(dynamodb, names, f"{tenant}#tok_2")
        assert ("wrapped_key" in after, after["revision"]) == (False, 10)

    @pytest.mark.parametrize("erased_at", ["2026-01-01T00:00:00Z", "yesterday"])
    def test_what_was_erased_before_has_no_key(
        self, records: DynamoTenantRecords, dynamodb: Any, names: TableNames, tenant: str, erased_at: str
    ) -> None:
        self.put(dynamodb, names, {"record_id": f"{tenant}#tok_3", "erased_at": erased_at})
        assert self.all(records, tenant)["tok_3"].fate is KeyFate.NONE

    @pytest.mark.parametrize("more", [{}, {"off_boarded": 1}])
    @pytest.mark.parametrize("name", ["tok_1", "tok_2"])
    def test_what_says_that_it_was_erased_and_has_its_key_has_one_to_destroy(
        self,
        records: DynamoTenantRecords,
        dynamodb: Any,
        names: TableNames,
        tenant: str,
        name: str,
        more: dict[str, Any],
    ) -> None:
        row = self.row(dynamodb, names, f"{tenant}#{name}")
        self.put(dynamodb, names, {**row, "erased_at": "2025-01-01T00:00:00Z", **more})
        assert self.all(records, tenant)[name].fate is KeyFate.STAYS
        records.destroy_key(RecordId(tenant, name), NEW_YEAR, NEW_YEAR + timedelta(days=90))
        assert "wrapped_key" not in self.row(dynamodb, names, f"{tenant}#{name}")
        assert self.all(records, tenant)[name].fate is KeyFate.WENT


def test_a_tenant_is_noted_as_gone_once_and_its_entry_with_it(tables: Tables, names: TableNames, tenant: str) -> None:
    store = DynamoKeyRingStore(tables, names)
    first, second = new_entry(), new_entry()
    store.off_board(tenant, NEW_YEAR, first)
    with pytest.raises(Contended):
        store.off_board(tenant, NEW_YEAR + timedelta(days=1), second)
    assert store.keys_of(tenant).off_boarded_at == NEW_YEAR
    assert len(tables.query(names.audit_trail, "chain", first.chain)) == 1
    assert tables.query(names.audit_trail, "chain", second.chain) == []
