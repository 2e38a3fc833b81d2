"""The keys of a tenant below the KMS keys, and the rows that keep them wrapped."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    AUDIT = "audit"
    """Authenticates audit entries. Its own row is wrapped by the Storage key, so that a disabled Kek does not silence
    the trail; rows of other uses carry a copy."""


WRAPPED_TOGETHER: Mapping[KeyUse, tuple[KeyUse, ...]] = {
    KeyUse.BRANCH: (KeyUse.BRANCH,),
    KeyUse.INDEX: (KeyUse.INDEX, KeyUse.SUBJECT, KeyUse.AUDIT),
    KeyUse.SUBJECT: (KeyUse.SUBJECT, KeyUse.AUDIT),
    KeyUse.AUDIT: (KeyUse.AUDIT,),
}
"""Which keys of a tenant a row of each use wraps, in this order, in one KMS ciphertext.

So every function needs at most two KMS calls when it is cold: one for the branch key if it holds that, one for the
row that brings it all other keys that it needs.
"""


class KeyState(StrEnum):
    """What a key version may still be used for."""

    ACTIVE = "active"


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


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A row of KeyRing."""

    key_id: KeyId
    wrapped: bytes
    """KMS ciphertext of 32 bytes for each key of `WRAPPED_TOGETHER`."""
    state: KeyState
    created_at: datetime
    kms_key: str
    """The ARN of the KMS key that wraps it."""
