"""The keys of a tenant below the KMS keys, and the rows that keep them wrapped."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

VAULT = "#vault"
"""Owner of the audit key for entries that belong to no tenant; no tenant id has this form."""

FIRST_VERSION = 1


class KeyUse(StrEnum):
    """What a key is for; part of its encryption context, so that IAM tells the uses apart."""

    BRANCH = "branch"
    """Wraps record keys."""
    INDEX = "index"
    """Keys the blind index."""
    SUBJECT = "subject"
    """Makes subject ids into `subject_ref`."""
    SUPPRESS = "suppress"
    """Makes the digests of suppressed numbers. Every version stays in use, each in its layer."""
    AUDIT = "audit"
    """Authenticates audit entries. Its own row is wrapped by the Storage key, so that a disabled Kek does not silence
    the trail; rows of other uses carry a copy."""


WRAPPED_TOGETHER: Mapping[KeyUse, tuple[KeyUse, ...]] = {
    KeyUse.BRANCH: (KeyUse.BRANCH,),
    KeyUse.INDEX: (KeyUse.INDEX, KeyUse.SUBJECT, KeyUse.AUDIT),
    KeyUse.SUBJECT: (KeyUse.SUBJECT, KeyUse.AUDIT),
    KeyUse.SUPPRESS: (KeyUse.SUPPRESS,),
    KeyUse.AUDIT: (KeyUse.AUDIT,),
}
"""Which keys of a tenant a row of each use wraps, in this order, in one KMS ciphertext.

So every function needs at most two KMS calls when it is cold: one for the branch key if it holds that, one for the
row that brings it all other keys that it needs.
"""


FIRST_USES = (KeyUse.BRANCH, KeyUse.INDEX, KeyUse.SUBJECT, KeyUse.AUDIT)
"""The keys that a tenant gets on its first use."""


class KeyState(StrEnum):
    """What a key version may still be used for; after Vault's transit engine, with one state more for the index."""

    PENDING = "pending"
    """Made. A branch version waits for its proof and is not used; an index version is written and not yet read."""
    ACTIVE = "active"
    """The one that wraps, or that is read and written."""
    DECRYPT_ONLY = "decrypt-only"
    """Superseded. A branch version unwraps; an index version is still written, for readers with an older cache."""
    CLOSED = "closed"
    """An index version that nobody reads or writes any more, while its entries are taken away."""
    RETIRED = "retired"
    """Refused for every use; the wrapped bytes are kept for the waiting period."""
    DESTROYED = "destroyed"
    """The wrapped bytes are gone."""


NEXT_STATES: Mapping[KeyState, frozenset[KeyState]] = {
    KeyState.PENDING: frozenset({KeyState.ACTIVE, KeyState.CLOSED, KeyState.DESTROYED}),
    KeyState.ACTIVE: frozenset({KeyState.DECRYPT_ONLY, KeyState.DESTROYED}),
    KeyState.DECRYPT_ONLY: frozenset({KeyState.CLOSED, KeyState.RETIRED, KeyState.DESTROYED}),
    KeyState.CLOSED: frozenset({KeyState.RETIRED, KeyState.DESTROYED}),
    KeyState.RETIRED: frozenset({KeyState.DESTROYED}),
    KeyState.DESTROYED: frozenset(),
}
"""The transitions that exist.

From pending to closed or destroyed: when the proof fails. From anywhere to destroyed: when the tenant is off-boarded.
"""

UNWRAPPING = frozenset({KeyState.ACTIVE, KeyState.DECRYPT_ONLY})
"""Branch versions under which record keys are read."""
INDEXING = frozenset({KeyState.PENDING, KeyState.ACTIVE, KeyState.DECRYPT_ONLY})
"""Index versions that whoever stores a number writes an entry for."""


class RotationReason(StrEnum):
    """Why a new version is made."""

    SCHEDULED = "scheduled"
    COMPROMISE = "compromise"
    """The version before may be known to others."""


@dataclass(frozen=True, slots=True)
class KeyId:
    """One version of one key of one tenant."""

    tenant_id: str
    use: KeyUse
    version: int

    @property
    def encryption_context(self) -> dict[str, str]:
        """What KMS binds the wrapped bytes to."""
        return {"tenant": self.tenant_id, "use": self.use, "version": str(self.version)}

    @property
    def name(self) -> str:
        """`branch#1`, as in the KeyRing table and in messages made under the key."""
        return f"{self.use}#{self.version}"

    @property
    def path(self) -> str:
        """`acme/branch/1`, as in a census."""
        return f"{self.tenant_id}/{self.in_tenant}"

    @property
    def in_tenant(self) -> str:
        """`branch/1`, as in the census of its tenant."""
        return f"{self.use}/{self.version}"

    def next(self) -> "KeyId":
        """The version after this one."""
        return replace(self, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of KeyRing."""

    key_id: KeyId
    wrapped: bytes
    """KMS ciphertext of 32 bytes for each key of `WRAPPED_TOGETHER`; empty once the version is destroyed."""
    state: KeyState
    created_at: datetime
    kms_key: str
    """The ARN of the KMS key that wraps it."""
    proof: bytes = b""
    """A MAC under the key as it was made, by which a reading of the row proves itself; a first version has none."""
    changed_at: datetime | None = None
    """When it came into its state; None for a version that was active from the beginning."""
    compromised: bool = False
    """Whether it was superseded because others may know it."""
    made_for: RotationReason = RotationReason.SCHEDULED
    """Why it was made: whoever activates it, perhaps days later, marks the version before."""
    proven: bool = False
    """Whether it was read back and found to be what was made; first versions, made in one go, are not asked."""
    moved_at: datetime | None = None
    """When it was wrapped anew, under another KMS key or under newer material of the same one."""

    @property
    def wrapped_at(self) -> datetime:
        """Since when it lies wrapped as it does."""
        return self.moved_at or self.created_at

    @property
    def is_written(self) -> bool:
        """Of an index version: whether entries are. Not before its proof, by which it is what was made."""
        return self.state in INDEXING and (self.proven or self.state is not KeyState.PENDING)

    def in_state(self, state: KeyState, now: datetime) -> "WrappedKey":
        """The row after a transition; `ValueError` for one that does not exist."""
        if state not in NEXT_STATES[self.state]:
            raise ValueError(f"no transition from {self.state} to {state}")
        wrapped = b"" if state is KeyState.DESTROYED else self.wrapped
        return replace(self, state=state, changed_at=now, wrapped=wrapped)


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """All rows of a tenant in KeyRing."""

    keys: tuple[WrappedKey, ...] = ()
    off_boarded_at: datetime | None = None
    """Since when the tenant is refused everywhere, for good."""

    @property
    def is_served(self) -> bool:
        """Whether the tenant has keys and has not left."""
        return bool(self.keys) and self.off_boarded_at is None

    def of_use(self, use: KeyUse) -> list[WrappedKey]:
        """The versions of one use, oldest first."""
        return sorted((key for key in self.keys if key.key_id.use is use), key=lambda key: key.key_id.version)

    def active(self, use: KeyUse) -> WrappedKey | None:
        """The version that is in use."""
        return next((key for key in reversed(self.of_use(use)) if key.state is KeyState.ACTIVE), None)

    def newest(self, use: KeyUse) -> WrappedKey | None:
        """The version that was made last, whatever has become of it."""
        return next(reversed(self.of_use(use)), None)

    def pending(self, use: KeyUse) -> WrappedKey | None:
        """The version that is about to be."""
        return next((key for key in self.of_use(use) if key.state is KeyState.PENDING), None)

    def version(self, key_id: KeyId) -> WrappedKey | None:
        """One version."""
        return next((key for key in self.keys if key.key_id == key_id), None)
