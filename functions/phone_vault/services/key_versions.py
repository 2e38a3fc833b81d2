"""One step in the life of a key version: made, proven, put in place of another, moved to another KMS key."""

from dataclasses import replace
from datetime import datetime

from phone_vault.crypto import key_rows, macs, numbers
from phone_vault.crypto.messages import WrappingKey
from phone_vault.crypto.numbers import new_key
from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import (
    WRAPPED_TOGETHER,
    KeyId,
    KeyState,
    KeyUse,
    RotationReason,
    TenantKeys,
    WrappedKey,
)
from phone_vault.domain.moments import to_second
from phone_vault.domain.ports import Clock, KeyChange, KeyMover, KeyVersionStore
from phone_vault.domain.secret import SecretKey
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.tally import Measure, Tally

_CANARY = "canary"
_GIVEN_UP = {KeyUse.INDEX: KeyState.CLOSED}


class KeyVersions:
    """The tables' side of each step is one conditional transaction together with its audit entry."""

    def __init__(self, store: KeyVersionStore, mover: KeyMover, trail: AuditTrail, clock: Clock, tally: Tally) -> None:
        self.store = store
        self._mover = mover
        self._trail = trail
        self._clock = clock
        self._tally = tally

    def make(self, key_id: KeyId, active: WrappedKey, reason: RotationReason, caller: Caller) -> None:
        """Store the version that is to come after the active one, pending: `Contended` when another rotation has."""
        keys = {key_id.use: new_key().expose()} | self._shared(active)
        plaintext = key_rows.joined(key_id.use, keys)
        self._tally.count(Measure.KMS_CALLS)
        wrapped, kms_key = self._mover.wrap(key_id, plaintext)
        proof = macs.key_proof(SecretKey(plaintext), key_id.path)
        with self._trail.writing([_event("key-made", key_id, caller, reason=str(reason))]) as entries:
            now = self._now()
            self.store.add_keys(
                [WrappedKey(key_id, wrapped, KeyState.PENDING, now, kms_key, proof, changed_at=now, made_for=reason)],
                entries,
            )

    def prove(self, key: WrappedKey, caller: Caller) -> WrappedKey:
        """The row with its proof noted; `TamperedStore` for one that is not the key that was made, and is given up.

        It was made here and went to KMS and DynamoDB; the proof comes back from them, as every function's key does.
        """
        if key.proven:
            return key
        try:
            self._check(key)
        except TamperedStore:
            # Nothing is wrapped under a pending branch version. What stands in an index version has to be swept.
            self.move_on(key, _GIVEN_UP.get(key.key_id.use, KeyState.DESTROYED), caller)
            raise
        with self._trail.writing([_event("key-proven", key.key_id, caller)]) as entries:
            # From now on it may be written under, so from now on caches may be behind.
            proven = replace(key, proven=True, changed_at=self._now())
            self.store.change([KeyChange(key, proven)], entries)
        return proven

    def _check(self, key: WrappedKey) -> None:
        keys = self._unwrapped(key)
        plaintext = SecretKey(key_rows.joined(key.key_id.use, keys))
        if not macs.equal(macs.key_proof(plaintext, key.key_id.path), key.proof):
            raise TamperedStore("a new key version is not what was made")
        if key.key_id.use is KeyUse.BRANCH:
            canary, branch_key = new_key(), WrappingKey(key.key_id.name, SecretKey(keys[KeyUse.BRANCH]))
            wrapped = numbers.wrap(canary, branch_key, key.key_id.tenant_id, _CANARY)
            if numbers.unwrap(wrapped, branch_key, key.key_id.tenant_id, _CANARY) != canary:
                raise TamperedStore("a new key version does not give back what it wraps")

    def activate(self, keys: TenantKeys, pending: WrappedKey, reason: RotationReason, caller: Caller) -> None:
        """The pending version in place of the active one, both or neither."""
        active = keys.active(pending.key_id.use)
        with self._trail.writing([_event("key-activated", pending.key_id, caller, reason=str(reason))]) as entries:
            now = self._now()
            changes = [KeyChange(pending, pending.in_state(KeyState.ACTIVE, now))]
            if active is not None:
                superseded = active.in_state(KeyState.DECRYPT_ONLY, now)
                if reason is RotationReason.COMPROMISE:
                    superseded = replace(superseded, compromised=True)
                changes.append(KeyChange(active, superseded))
            self.store.change(changes, entries)

    def key_of(self, keys: TenantKeys, use: KeyUse, version: int) -> SecretKey:
        """One version's own key, without those that its row carries along."""
        row = next((key for key in keys.of_use(use) if key.key_id.version == version and key.wrapped), None)
        if row is None:
            raise TamperedStore("a tenant's keys are incomplete")
        return SecretKey(self._unwrapped(row)[use])

    def note_compromise(self, pending: WrappedKey, caller: Caller) -> None:
        """Note of a pending version that others may know the one before, if it was not made for that."""
        if pending.made_for is RotationReason.COMPROMISE:
            return
        after = replace(pending, made_for=RotationReason.COMPROMISE)
        with self._trail.writing([_event("key-urgent", pending.key_id, caller)]) as entries:
            self.store.change([KeyChange(pending, after)], entries)

    def condemn(self, key: WrappedKey, caller: Caller) -> None:
        """Note of a superseded version that others may know it."""
        with self._trail.writing([_event("key-compromised", key.key_id, caller)]) as entries:
            self.store.change([KeyChange(key, replace(key, compromised=True))], entries)

    def move_on(self, key: WrappedKey, state: KeyState, caller: Caller, why: str | None = None) -> WrappedKey:
        """One version into its next state; `why` is what the caller says of it."""
        with self._trail.writing([replace(_event(f"key-{state}", key.key_id, caller), reason=why)]) as entries:
            after = key.in_state(state, self._now())
            self.store.change([KeyChange(key, after)], entries)
        return after

    def rewrap(self, key: WrappedKey, caller: Caller, now: datetime) -> None:
        """The same key under the KMS key that wraps such rows now, and under that one's present material."""
        self._tally.count(Measure.KMS_CALLS)
        wrapped, kms_key = self._mover.rewrap(key)
        after = replace(key, wrapped=wrapped, kms_key=kms_key, moved_at=now)
        with self._trail.writing([_event("key-moved", key.key_id, caller, kms_key=kms_key)]) as entries:
            self.store.change([KeyChange(key, after)], entries)

    def is_in_place(self, key: WrappedKey) -> bool:
        """Whether the KMS key that wraps it is the one that the policy means."""
        return key.kms_key == self._mover.kms_key_for(key.key_id)

    def kms_key_of(self, tenant_id: str) -> str:
        """The ARN of the KMS key that wraps what is made for the tenant now."""
        return self._mover.kms_key_of(tenant_id)

    def _now(self) -> datetime:
        """To be asked right before a version is written: waits count from the moment that its row names."""
        return to_second(self._clock.now())

    def _shared(self, active: WrappedKey) -> dict[KeyUse, bytes]:
        """The keys that such a row carries beside its own: they are not rotated, the next version carries them too."""
        use = active.key_id.use
        if WRAPPED_TOGETHER[use] == (use,):
            return {}
        return {each: key for each, key in self._unwrapped(active).items() if each is not use}

    def _unwrapped(self, key: WrappedKey) -> dict[KeyUse, bytes]:
        self._tally.count(Measure.KMS_CALLS)
        return key_rows.parted(key.key_id.use, self._mover.unwrap(key))


def version_id(key_id: KeyId) -> dict[str, str | int]:
    """How audit entries name a version."""
    return {"use": str(key_id.use), "version": key_id.version}


def _event(outcome: str, key_id: KeyId, caller: Caller, **details: str) -> Event:
    return Event(outcome, caller, tenant_id=key_id.tenant_id, details={**version_id(key_id), **details})
