"""The KeyRing table on the embedded AWS: every write conditional on what was read, together with its audit entry."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.key_ring import DynamoKeyRingStore, tenant_row_key
from phone_vault.domain.audit import BEGINNING, Entry
from phone_vault.domain.errors import StoreUnavailable, TamperedStore
from phone_vault.domain.keys import VAULT, KeyId, KeyState, KeyUse, RotationReason, WrappedKey
from phone_vault.domain.ports import Contended, KeyChange
from tests.unit.adapters.record_tables import NOW, RecordTables

BRANCH, INDEX = KeyUse.BRANCH, KeyUse.INDEX
PENDING, ACTIVE, DECRYPT_ONLY = KeyState.PENDING, KeyState.ACTIVE, KeyState.DECRYPT_ONLY
LATER = NOW + timedelta(days=1)
THE_KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
_CHAINS = itertools.count(1)


@pytest.fixture
def store(vault: RecordTables) -> DynamoKeyRingStore:
    return DynamoKeyRingStore(vault.tables, vault.names)


def key(tenant: str, use: KeyUse = BRANCH, version: int = 1, state: KeyState = ACTIVE, **more: Any) -> WrappedKey:
    """A version whose bytes tell which it is."""
    key_id = KeyId(tenant, use, version)
    return WrappedKey(key_id, key_id.path.encode(), state, NOW, THE_KMS_KEY, **more)


def entry() -> Entry:
    """The first one of a chain of its own."""
    return Entry(
        f"RotateKeys#{next(_CHAINS)}", 1, "2026-01-01T00:00:00Z", None, f'{{"previous":"{BEGINNING}"}}', b"mac"
    )


def is_written(vault: RecordTables, made: Entry) -> bool:
    """Whether the audit entry is in the table."""
    return bool(vault.item(vault.names.audit_trail, {"chain": made.chain, "sequence": made.sequence}))


class TestRows:
    """What was written reads back."""

    @pytest.mark.parametrize("use", list(KeyUse))
    def test_of_every_use(self, store: DynamoKeyRingStore, tenant: str, use: KeyUse) -> None:
        store.add_keys([key(tenant, use)])
        assert store.keys_of(tenant).keys == (key(tenant, use),)

    @pytest.mark.parametrize("state", list(KeyState))
    def test_of_every_state(self, store: DynamoKeyRingStore, tenant: str, state: KeyState) -> None:
        told: Any = {"compromised": True, "made_for": RotationReason.COMPROMISE, "moved_at": LATER}
        row = key(tenant, state=state, proof=b"\0proof", changed_at=LATER, **told)
        store.add_keys([row])
        assert store.keys_of(tenant).keys == (row,)

    def test_of_a_destroyed_version_without_bytes(self, store: DynamoKeyRingStore, tenant: str) -> None:
        row = replace(key(tenant, state=KeyState.DESTROYED), wrapped=b"")
        store.add_keys([row])
        assert store.keys_of(tenant).keys == (row,)

    def test_of_versions_beyond_one_digit(self, store: DynamoKeyRingStore, tenant: str) -> None:
        store.add_keys([key(tenant, version=version) for version in (2, 9, 10)])
        assert [row.key_id.version for row in store.keys_of(tenant).of_use(BRANCH)] == [2, 9, 10]

    def test_a_tenant_that_was_never_used_has_none(self, store: DynamoKeyRingStore, tenant: str) -> None:
        found = store.keys_of(tenant)
        assert (found.keys, found.off_boarded_at) == ((), None)

    @pytest.mark.parametrize(
        ("attribute", "value"),
        [
            ("state", {"S": "odd"}),
            ("state", {"B": b"active"}),
            ("created_at", {"S": "yesterday"}),
            ("created_at", {"N": "1"}),
            ("wrapped_key", {"S": "text"}),
            ("proof", {"S": "text"}),
            ("changed_at", {"S": ""}),
            ("moved_at", {"N": "1"}),
            ("kms_key", None),
            ("wrapped_key", None),
            ("state", None),
            ("created_at", None),
        ],
    )
    def test_a_row_that_does_not_read_is_tampered_with(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str, attribute: str, value: Any
    ) -> None:
        store.add_keys([key(tenant)])
        spoil(vault, {"tenant_id": tenant, "key_version": "branch#1"}, attribute, value)
        with pytest.raises(TamperedStore):
            store.keys_of(tenant)

    @pytest.mark.parametrize("name", ["branch", "odd#1", "branch#x", "branch#"])
    def test_a_row_of_another_name_is_tampered_with(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str, name: str
    ) -> None:
        vault.put(vault.names.key_ring, {"tenant_id": tenant, "key_version": name, "wrapped_key": b"x"})
        with pytest.raises(TamperedStore):
            store.keys_of(tenant)

    @pytest.mark.parametrize("value", [{"S": "gone"}, {"N": "1"}])
    def test_a_tenant_s_own_row_that_does_not_read_is_tampered_with(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str, value: Any
    ) -> None:
        vault.put(vault.names.key_ring, {**tenant_row_key(tenant), "off_boarded_at": "2026-01-01T00:00:00Z"})
        spoil(vault, tenant_row_key(tenant), "off_boarded_at", value)
        with pytest.raises(TamperedStore):
            store.keys_of(tenant)


class TestAdd:
    """All or none."""

    def test_several_with_their_entry(self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str) -> None:
        made = entry()
        store.add_keys([key(tenant), key(tenant, INDEX)], [made])
        assert len(store.keys_of(tenant).keys) == 2
        assert is_written(vault, made)

    def test_none_where_one_exists(self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str) -> None:
        store.add_keys([key(tenant)])
        made = entry()
        with pytest.raises(Contended):
            store.add_keys([key(tenant, INDEX), replace(key(tenant), wrapped=b"other")], [made])
        assert store.keys_of(tenant).keys == (key(tenant),)
        assert not is_written(vault, made)

    def test_none_for_a_tenant_that_has_left(self, store: DynamoKeyRingStore, tenant: str) -> None:
        store.off_board(tenant, NOW, entry())
        with pytest.raises(Contended):
            store.add_keys([key(tenant)])
        assert store.keys_of(tenant).keys == ()

    def test_none_where_the_entry_s_place_is_taken(self, store: DynamoKeyRingStore, tenant: str) -> None:
        made = entry()
        store.add_keys([key(tenant)], [made])
        with pytest.raises(StoreUnavailable):
            store.add_keys([key(tenant, version=2)], [replace(made, text="another")])
        assert store.keys_of(tenant).keys == (key(tenant),)

    def test_the_vault_s_own(self, store: DynamoKeyRingStore) -> None:
        store.add_keys([key(VAULT, KeyUse.AUDIT)])
        assert store.keys_of(VAULT).keys == (key(VAULT, KeyUse.AUDIT),)


class TestChange:
    """Of rows as they were read."""

    @pytest.fixture
    def pending(self, store: DynamoKeyRingStore, tenant: str) -> tuple[WrappedKey, WrappedKey]:
        """An active version and the one to come."""
        rows = key(tenant), key(tenant, version=2, state=PENDING, proof=b"proof", changed_at=NOW)
        store.add_keys(rows)
        return rows

    @staticmethod
    def activating(active: WrappedKey, pending: WrappedKey) -> list[KeyChange]:
        return [
            KeyChange(pending, pending.in_state(ACTIVE, LATER)),
            KeyChange(active, active.in_state(DECRYPT_ONLY, LATER)),
        ]

    def test_one_takes_the_other_s_place_with_its_entry(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str, pending: tuple[WrappedKey, WrappedKey]
    ) -> None:
        made = entry()
        store.change(self.activating(*pending), [made])
        rows = store.keys_of(tenant)
        assert [(row.state, row.changed_at) for row in rows.of_use(BRANCH)] == [(DECRYPT_ONLY, LATER), (ACTIVE, LATER)]
        assert is_written(vault, made)

    @pytest.mark.parametrize("which", [0, 1], ids=["active", "pending"])
    @pytest.mark.parametrize(
        "meanwhile",
        [
            {"state": KeyState.DECRYPT_ONLY},
            {"wrapped": b"moved"},
            {"compromised": True},
            {"made_for": RotationReason.COMPROMISE},
        ],
        ids=["state", "bytes", "mark", "reason"],
    )
    def test_neither_where_one_was_changed_meanwhile(
        self,
        vault: RecordTables,
        store: DynamoKeyRingStore,
        tenant: str,
        pending: tuple[WrappedKey, WrappedKey],
        which: int,
        meanwhile: dict[str, Any],
    ) -> None:
        changed = replace(pending[which], **meanwhile)
        store.change([KeyChange(pending[which], changed)], [entry()])
        before, made = store.keys_of(tenant), entry()
        with pytest.raises(Contended):
            store.change(self.activating(*pending), [made])
        assert store.keys_of(tenant) == before
        assert not is_written(vault, made)

    def test_neither_where_one_is_gone(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str, pending: tuple[WrappedKey, WrappedKey]
    ) -> None:
        gone = {"tenant_id": tenant, "key_version": "branch#1"}
        vault.client.delete_item(TableName=vault.names.key_ring, Key=serialized(gone))
        with pytest.raises(Contended):
            store.change(self.activating(*pending), [entry()])
        assert store.keys_of(tenant).keys == (pending[1],)

    def test_neither_where_the_entry_s_place_is_taken(
        self, store: DynamoKeyRingStore, tenant: str, pending: tuple[WrappedKey, WrappedKey]
    ) -> None:
        made = entry()
        store.change([KeyChange(pending[0], pending[0])], [made])
        before = store.keys_of(tenant)
        with pytest.raises(StoreUnavailable):
            store.change(self.activating(*pending), [replace(made, text="another")])
        assert store.keys_of(tenant) == before

    def test_a_row_is_written_whole(self, store: DynamoKeyRingStore, tenant: str) -> None:
        before = key(tenant, state=DECRYPT_ONLY, proof=b"proof", compromised=True, changed_at=NOW, moved_at=NOW)
        store.add_keys([before])
        after = replace(before, wrapped=b"moved", kms_key=f"{THE_KMS_KEY}2", moved_at=LATER)
        store.change([KeyChange(before, after)], [entry()])
        assert store.keys_of(tenant).keys == (after,)

    def test_a_destroyed_version_keeps_no_bytes(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str
    ) -> None:
        before = key(tenant, state=KeyState.RETIRED)
        store.add_keys([before])
        store.change([KeyChange(before, before.in_state(KeyState.DESTROYED, LATER))], [entry()])
        row = vault.item(vault.names.key_ring, {"tenant_id": tenant, "key_version": "branch#1"})
        assert row["wrapped_key"] == b""


class TestOffBoard:
    """Once, for good."""

    def test_it_is_noted_with_its_entry(self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str) -> None:
        made = entry()
        store.off_board(tenant, NOW, made)
        assert store.keys_of(tenant).off_boarded_at == NOW
        assert is_written(vault, made)

    def test_the_first_moment_stays_and_has_one_entry(
        self, vault: RecordTables, store: DynamoKeyRingStore, tenant: str
    ) -> None:
        store.off_board(tenant, NOW, entry())
        second = entry()
        with pytest.raises(Contended):
            store.off_board(tenant, LATER, second)
        assert store.keys_of(tenant).off_boarded_at == NOW
        assert not is_written(vault, second)

    def test_its_versions_stay_for_whoever_destroys_them(self, store: DynamoKeyRingStore, tenant: str) -> None:
        store.add_keys([key(tenant)])
        store.off_board(tenant, NOW, entry())
        assert store.keys_of(tenant).keys == (key(tenant),)
        store.change([KeyChange(key(tenant), key(tenant).in_state(KeyState.DESTROYED, LATER))], [entry()])
        assert store.keys_of(tenant).keys[0].state is KeyState.DESTROYED

    def test_nothing_is_noted_without_the_entry(self, store: DynamoKeyRingStore, tenant: str) -> None:
        made = entry()
        store.add_keys([key(tenant)], [made])
        with pytest.raises(StoreUnavailable):
            store.off_board(tenant, NOW, replace(made, text="another"))
        assert store.keys_of(tenant).off_boarded_at is None


def test_every_tenant_with_a_row_is_listed_once(vault: RecordTables, store: DynamoKeyRingStore) -> None:
    one, other, left = vault.tenant(), vault.tenant(), vault.tenant()
    for tenant in (one, other):
        store.add_keys([key(tenant), key(tenant, INDEX)])
    store.off_board(left, NOW, entry())
    listed = list(store.tenants())
    assert len(listed) == len(set(listed))
    assert {one, other, left} <= set(listed)


def spoil(vault: RecordTables, row_key: dict[str, str], attribute: str, value: Any) -> None:
    """Put something else in the place, or nothing."""
    vault.client.update_item(
        TableName=vault.names.key_ring,
        Key=serialized(row_key),
        UpdateExpression="REMOVE #name" if value is None else "SET #name = :value",
        ExpressionAttributeNames={"#name": attribute},
        **({} if value is None else {"ExpressionAttributeValues": {":value": value}}),
    )
