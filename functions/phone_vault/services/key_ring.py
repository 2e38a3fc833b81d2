"""The keys of each tenant: made on first use, unwrapped by KMS, kept in plaintext for a bounded time.

A row of use `index` wraps three keys in one KMS ciphertext: the index key and the tenant's subject and audit keys.
So a cold `Protect` costs two KMS calls (branch, index), a `Lookup` one, and a function that holds the branch key
alone still has a way to the audit key: a row of its own, under the Storage key.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from phone_vault.crypto.messages import WrappingKey
from phone_vault.crypto.numbers import KEY_BYTES, new_key
from phone_vault.domain.errors import KeyUnavailable, TamperedStore
from phone_vault.domain.keys import FIRST_VERSION, VAULT, KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.ports import Clock, Contended, KeyRingStore, KeyWrapper
from phone_vault.domain.secret import SecretKey
from phone_vault.services.aged_cache import AgedCache
from phone_vault.services.tally import Measure, Tally


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """What a row of use `index` wraps."""

    index: SecretKey
    subject: SecretKey
    audit: SecretKey

    def joined(self) -> bytes:
        """The 96 bytes that KMS wraps."""
        return self.index.expose() + self.subject.expose() + self.audit.expose()

    @classmethod
    def parted(cls, joined: bytes) -> "IndexKeys":
        """The three keys of 96 bytes."""
        if len(joined) != 3 * KEY_BYTES:
            raise TamperedStore("an index row wraps something else than index keys")
        return cls(*(SecretKey(joined[at : at + KEY_BYTES]) for at in range(0, len(joined), KEY_BYTES)))


@dataclass(frozen=True, slots=True)
class AuditKey:
    """An audit key, with the name that entries made under it carry: `acme/1`."""

    name: str
    key: SecretKey


class KeyRing:
    """Plaintext keys, at most `max_age` old and `capacity` many; it lives as long as the function's instance."""

    def __init__(
        self,
        store: KeyRingStore,
        wrapper: KeyWrapper,
        clock: Clock,
        tally: Tally,
        *,
        max_age: timedelta,
        capacity: int,
        audit_key_in_index_row: bool,
    ) -> None:
        self._store = store
        self._wrapper = wrapper
        self._clock = clock
        self._tally = tally
        self._audit_key_in_index_row = audit_key_in_index_row
        self._rows: AgedCache[str, tuple[WrappedKey, ...]] = AgedCache(clock, max_age, capacity, on_hit=lambda: None)
        self._keys: AgedCache[KeyId, SecretKey] = AgedCache(
            clock, max_age, capacity, on_hit=lambda: tally.count(Measure.KEY_CACHE_HITS)
        )

    def ensure(self, tenant_id: str) -> None:
        """Make the tenant's first keys if it has none; whoever comes second takes what the first has made."""
        self._rows.get(tenant_id, lambda: self._existing(tenant_id) or self._make(tenant_id, self._first_keys))

    def knows(self, tenant_id: str) -> bool:
        """Whether the tenant has keys. That it has none is not remembered: another instance may be making them."""
        return bool(self._rows_of(tenant_id))

    def active_branch_key(self, tenant_id: str) -> tuple[int, WrappingKey]:
        """The branch key for new record keys, with its version."""
        row = self._active(tenant_id, KeyUse.BRANCH)
        return row.key_id.version, WrappingKey(row.key_id.name, self._unwrapped(row))

    def branch_key(self, tenant_id: str, version: int) -> WrappingKey:
        """The branch key under which a record key was wrapped."""
        key_id = KeyId(tenant_id, KeyUse.BRANCH, version)
        row = self._find(key_id)
        if row is None:
            self._rows.drop(tenant_id)  # a version made since the rows were read
            row = self._find(key_id)
        if row is None:
            raise TamperedStore("a record names a branch key that its tenant does not have")
        return WrappingKey(key_id.name, self._unwrapped(row))

    def index_keys(self, tenant_id: str) -> dict[int, SecretKey]:
        """The index keys of all live versions."""
        rows = [row for row in self._rows_of(tenant_id) if row.key_id.use is KeyUse.INDEX]
        return {row.key_id.version: self._index_keys(row).index for row in rows}

    def subject_key(self, tenant_id: str) -> SecretKey:
        """The key of the tenant's subject references, for a function that may unwrap index rows."""
        return self._index_keys(self._active(tenant_id, KeyUse.INDEX)).subject

    def audit_key(self, tenant_id: str | None) -> AuditKey:
        """The tenant's audit key; the vault's own for no tenant, or one that was never used."""
        if tenant_id is None or not self.knows(tenant_id):
            self._rows.get(VAULT, lambda: self._existing(VAULT) or self._make(VAULT, self._vault_keys))
            tenant_id = VAULT
        row = self._active(tenant_id, KeyUse.AUDIT)
        name = f"{tenant_id}/{row.key_id.version}"
        if self._audit_key_in_index_row and tenant_id != VAULT:
            try:
                return AuditKey(name, self._index_keys(self._active(tenant_id, KeyUse.INDEX)).audit)
            except KeyUnavailable:
                pass  # the Kek is disabled; the refusal that follows is still to be authenticated
        return AuditKey(name, self._unwrapped(row))

    def _index_keys(self, row: WrappedKey) -> IndexKeys:
        return IndexKeys.parted(self._unwrapped(row).expose())

    def _unwrapped(self, row: WrappedKey) -> SecretKey:
        return self._keys.get(row.key_id, lambda: self._unwrap(row))

    def _unwrap(self, row: WrappedKey) -> SecretKey:
        self._tally.count(Measure.KMS_CALLS)
        return SecretKey(self._wrapper.unwrap(row))

    def _active(self, tenant_id: str, use: KeyUse) -> WrappedKey:
        rows = [row for row in self._rows_of(tenant_id) if row.key_id.use is use and row.state is KeyState.ACTIVE]
        if not rows:
            raise TamperedStore("a tenant's keys are incomplete")
        return max(rows, key=lambda row: row.key_id.version)

    def _find(self, key_id: KeyId) -> WrappedKey | None:
        return next((row for row in self._rows_of(key_id.tenant_id) if row.key_id == key_id), None)

    def _rows_of(self, tenant_id: str) -> tuple[WrappedKey, ...]:
        try:
            return self._rows.get(tenant_id, lambda: self._existing(tenant_id) or _nothing())
        except _NoKeys:
            return ()

    def _existing(self, tenant_id: str) -> tuple[WrappedKey, ...]:
        return tuple(self._store.keys_of(tenant_id))

    def _make(self, tenant_id: str, keys: Callable[[str], Iterable[tuple[KeyUse, bytes]]]) -> tuple[WrappedKey, ...]:
        # Read back instead of kept: what is used from now on has been unwrapped from what is stored, and where two
        # first uses met, both use the keys of the one whose transaction came first.
        made = [self._wrapped(KeyId(tenant_id, use, FIRST_VERSION), plaintext) for use, plaintext in keys(tenant_id)]
        with suppress(Contended):
            self._store.add_keys(made)
        return self._existing(tenant_id)

    def _wrapped(self, key_id: KeyId, plaintext: bytes) -> WrappedKey:
        self._tally.count(Measure.KMS_CALLS)
        return WrappedKey(key_id, self._wrapper.wrap(key_id, plaintext), KeyState.ACTIVE, self._clock.now())

    @staticmethod
    def _first_keys(_tenant_id: str) -> list[tuple[KeyUse, bytes]]:
        keys = IndexKeys(new_key(), new_key(), new_key())
        return [
            (KeyUse.BRANCH, new_key().expose()),
            (KeyUse.INDEX, keys.joined()),
            (KeyUse.SUBJECT, keys.subject.expose()),
            (KeyUse.AUDIT, keys.audit.expose()),
        ]

    @staticmethod
    def _vault_keys(_tenant_id: str) -> list[tuple[KeyUse, bytes]]:
        return [(KeyUse.AUDIT, new_key().expose())]


class _NoKeys(Exception):
    """Raised through the cache, which remembers values but not their absence."""


def _nothing() -> tuple[WrappedKey, ...]:
    raise _NoKeys
