"""As much of the vault's rows as can be counted: no token, no subject, no key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.keys import KeyId, KeyState
from phone_vault.domain.standing import NOTHING_SAID, Standing
from phone_vault.domain.stored_number import Grant


class Kind(StrEnum):
    """What a row of RecordKeys is the key of."""

    STORED_NUMBER = "stored_numbers"
    MESSAGE_KEY = "message_keys"


@dataclass(frozen=True, slots=True)
class Holding:
    """A row of RecordKeys."""

    tenant_id: str
    kind: Kind
    branch_key_version: int | None
    """None when KMS itself wraps the key."""
    jurisdictions: tuple[Jurisdiction, ...]
    grants: Mapping[str, Grant]
    last_used: Mapping[str, datetime]
    standing: Standing = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Gone:
    """A row of RecordKeys whose key was destroyed: it says that there was something, until it goes too."""

    tenant_id: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """A row of KeyRing."""

    key_id: KeyId
    state: KeyState
    created_at: datetime
    kms_key: str
    """The ARN of the KMS key that wraps it."""
    changed_at: datetime | None = None
    """When it came into its state; None for a version that was active from the beginning."""
    compromised: bool = False
    """Whether it was superseded because others may know it."""

    @property
    def in_state_since(self) -> datetime:
        """The same, whatever its beginning."""
        return self.changed_at or self.created_at


@dataclass(frozen=True, slots=True)
class OffBoarded:
    """The row of KeyRing that says of a tenant that it is refused everywhere, for good."""

    tenant_id: str
    since: datetime


RingRow = KeyVersion | OffBoarded
