"""The keys of each tenant: made on first use, unwrapped by KMS, kept in plaintext for a bounded time."""

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from phone_vault.crypto import key_rows, macs
from phone_vault.crypto.messages import WrappingKey
from phone_vault.crypto.numbers import new_key
from phone_vault.domain.errors import KeyUnavailable, NotFound, StoreUnavailable, TamperedStore
from phone_vault.domain.keys import (
    FIRST_USES,
    FIRST_VERSION,
    UNWRAPPING,
    VAULT,
    KeyId,
    KeyState,
    KeyUse,
    TenantKeys,
    WrappedKey,
)
from phone_vault.domain.ports import Clock, Contended, KeyRingStore, KeyWrapper
from phone_vault.domain.secret import SecretKey
from phone_vault.services.aged_cache import AgedCache
from phone_vault.services.tally import Measure, Tally

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class AuditKey:
    """An audit key, with the name that entries made under it carry: `acme/1`."""

    name: str
    key: SecretKey


class KeyRing:
    """Plaintext keys, at most `max_age` old and `capacity` many; it lives as long as the function's instance.

    `mac_keys_from` is the use of the row that brings the function the MAC keys: one that it may unwrap; `unwrapping`
    are the states of branch versions that it takes.
    """

    def __init__(
        self,
        store: KeyRingStore,
        wrapper: KeyWrapper,
        clock: Clock,
        tally: Tally,
        *,
        max_age: timedelta,
        capacity: int,
        mac_keys_from: KeyUse,
        unwrapping: Set[KeyState] = UNWRAPPING,
    ) -> None:
        self._store = store
        self._wrapper = wrapper
        self._clock = clock
        self._tally = tally
        self._mac_keys_from = mac_keys_from
        self._unwrapping = unwrapping
        self._not_served: dict[KeyId, KeyUnavailable] = {}
        self._rows: AgedCache[str, TenantKeys] = AgedCache(clock, max_age, capacity, on_hit=lambda: None)
        self._keys: AgedCache[KeyId, dict[KeyUse, SecretKey]] = AgedCache(
            clock, max_age, capacity, on_hit=lambda: tally.count(Measure.KEY_CACHE_HITS)
        )

    def begin_call(self) -> None:
        """KMS is asked again for the keys that it did not serve during the last call; within one it is asked once."""
        self._not_served.clear()

    def forget(self) -> None:
        """All rows that were read before. What was unwrapped stays, within its age: a version's key never changes."""
        self._not_served.clear()
        self._rows.clear()

    def ensure(self, tenant_id: str) -> None:
        """Make the tenant's first keys if it has none; whoever comes second takes what the first has made.

        `NotFound` for a tenant that is off-boarded.
        """
        self._ensure(tenant_id, FIRST_USES)

    def knows(self, tenant_id: str) -> bool:
        """Whether the tenant has keys. That it has none is not remembered: another instance may be making them."""
        return self._rows_of(tenant_id).is_served

    def has_left(self, tenant_id: str) -> bool:
        """Whether the tenant is off-boarded."""
        return self._rows_of(tenant_id).off_boarded_at is not None

    def refuse_off_boarded(self, tenant_id: str) -> None:
        """`NotFound` for a tenant that is no tenant any more."""
        _refuse_off_boarded(self._rows_of(tenant_id))

    def active_branch_key(self, tenant_id: str) -> tuple[int, WrappingKey]:
        """The branch key for new record keys, with its version."""
        row = self._active(tenant_id, KeyUse.BRANCH)
        return row.key_id.version, WrappingKey(row.key_id.name, self._unwrapped(row, KeyUse.BRANCH))

    def active_branch_version(self, tenant_id: str) -> int:
        """Its version alone, without KMS."""
        return self._active(tenant_id, KeyUse.BRANCH).key_id.version

    def branch_key(self, tenant_id: str, version: int) -> WrappingKey:
        """The branch key under which a record key was wrapped; `KeyUnavailable` for one that may not be used."""
        key_id = KeyId(tenant_id, KeyUse.BRANCH, version)
        row = self._rows_of(tenant_id).version(key_id)
        if row is None or row.state not in self._unwrapping:
            self._rows.drop(tenant_id)  # made, or made active, since the rows were read
            row = self._rows_of(tenant_id).version(key_id)
        if row is None:
            raise TamperedStore("a record names a branch key that its tenant does not have")
        if row.state not in self._unwrapping:
            raise KeyUnavailable(f"the record's key is wrapped by a version that is {row.state}")
        return WrappingKey(key_id.name, self._unwrapped(row, KeyUse.BRANCH))

    def index_keys(self, tenant_id: str) -> dict[int, SecretKey]:
        """The index keys of all versions that whoever stores a number writes entries for."""
        rows = [row for row in self._rows_of(tenant_id).of_use(KeyUse.INDEX) if row.is_written]
        return {row.key_id.version: self._unwrapped(row, KeyUse.INDEX) for row in rows}

    def read_index_key(self, tenant_id: str) -> dict[int, SecretKey]:
        """The index key of the one version that readers ask; none for a tenant without keys."""
        row = self._rows_of(tenant_id).active(KeyUse.INDEX)
        return {row.key_id.version: self._unwrapped(row, KeyUse.INDEX)} if row else {}

    def index_key_of(self, tenant_id: str, versions: Set[int]) -> tuple[int, SecretKey] | None:
        """One of these versions and its key: the active one before others."""
        rows = [
            row
            for row in self._rows_of(tenant_id).of_use(KeyUse.INDEX)
            if row.key_id.version in versions and row.is_written
        ]
        if not rows:
            return None
        row = min(rows, key=lambda each: each.state is not KeyState.ACTIVE)
        return row.key_id.version, self._unwrapped(row, KeyUse.INDEX)

    def subject_key(self, tenant_id: str) -> SecretKey:
        """The key of the tenant's subject references."""
        return self._unwrapped(self._active(tenant_id, self._mac_keys_from), KeyUse.SUBJECT)

    def subject_ref(self, tenant_id: str, subject_id: str) -> str:
        """What stands for the subject wherever its id must not."""
        return macs.subject_ref(self.subject_key(tenant_id), tenant_id, subject_id)

    def audit_key(self, tenant_id: str | None) -> AuditKey:
        """The tenant's audit key; the vault's own for no tenant, or one that was never used."""
        if tenant_id is None or not self.knows(tenant_id):
            self._ensure(VAULT, (KeyUse.AUDIT,))
            tenant_id = VAULT
        row = self._active(tenant_id, KeyUse.AUDIT)
        name = f"{tenant_id}/{row.key_id.version}"
        if tenant_id != VAULT and self._mac_keys_from is not KeyUse.AUDIT:
            with suppress(KeyUnavailable):  # the Kek is disabled; the refusal that follows is still authenticated
                return AuditKey(name, self._unwrapped(self._active(tenant_id, self._mac_keys_from), KeyUse.AUDIT))
        return AuditKey(name, self._unwrapped(row, KeyUse.AUDIT))

    def _unwrapped(self, row: WrappedKey, use: KeyUse) -> SecretKey:
        return self._keys.get(row.key_id, lambda: self._unwrap(row))[use]

    def _unwrap(self, row: WrappedKey) -> dict[KeyUse, SecretKey]:
        if row.key_id in self._not_served:
            raise self._not_served[row.key_id]
        self._tally.count(Measure.KMS_CALLS)
        try:
            plaintext = self._wrapper.unwrap(row)
        except KeyUnavailable as refusal:
            self._not_served[row.key_id] = refusal
            raise
        return {use: SecretKey(key) for use, key in key_rows.parted(row.key_id.use, plaintext).items()}

    def _active(self, tenant_id: str, use: KeyUse) -> WrappedKey:
        row = self._rows_of(tenant_id).active(use)
        if row is None:
            raise TamperedStore("a tenant's keys are incomplete")
        if row.compromised:
            raise TamperedStore("a version that others may know was put to use again")
        return row

    def _rows_of(self, tenant_id: str) -> TenantKeys:
        try:
            return self._rows.get(tenant_id, lambda: self._existing(tenant_id) or _nothing())
        except _NoKeys:
            return TenantKeys()

    def _ensure(self, tenant_id: str, uses: Sequence[KeyUse]) -> None:
        rows = self._rows.get(tenant_id, lambda: self._existing(tenant_id) or self._make(tenant_id, uses))
        _refuse_off_boarded(rows)

    def _existing(self, tenant_id: str) -> TenantKeys | None:
        rows = self._store.keys_of(tenant_id)
        return rows if rows.keys or rows.off_boarded_at else None

    def _make(self, tenant_id: str, uses: Sequence[KeyUse]) -> TenantKeys:
        # Read back instead of kept: what is used from now on has been unwrapped from what is stored, and where two
        # first uses met, both use the keys of the one whose transaction came first.
        keys = {use: new_key().expose() for use in uses}
        made = [self._wrapped(KeyId(tenant_id, use, FIRST_VERSION), keys) for use in uses]
        for _ in range(_ATTEMPTS):
            with suppress(Contended):
                self._store.add_keys(made)
            # Still none when the transaction met another one that is not committed yet, or never will be.
            existing = self._existing(tenant_id)
            if existing:
                return existing
        raise StoreUnavailable("the tenant's first keys are being made")

    def _wrapped(self, key_id: KeyId, keys: Mapping[KeyUse, bytes]) -> WrappedKey:
        self._tally.count(Measure.KMS_CALLS)
        wrapped, kms_key = self._wrapper.wrap(key_id, key_rows.joined(key_id.use, keys))
        return WrappedKey(key_id, wrapped, KeyState.ACTIVE, self._clock.now(), kms_key)


class _NoKeys(Exception):
    """Raised through the cache, which remembers values but not their absence."""


def _nothing() -> TenantKeys:
    raise _NoKeys


def _refuse_off_boarded(rows: TenantKeys) -> None:
    if rows.off_boarded_at is not None:
        raise NotFound("there is no such tenant any more")
